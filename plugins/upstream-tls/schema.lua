-- How the upstreams of services are verified: the service's own TLS fields, to set for many
-- services or for one route. What is not set here is the service's to say.

local typedefs = require("kong.db.schema.typedefs")

return {
  name = "upstream-tls",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { tls_verify = {
          type = "boolean",
          description = "Whether the certificate of the upstream is verified.",
        } },
        { tls_verify_depth = {
          type = "integer",
          between = { 0, 64 },
          description = "Intermediates allowed between that certificate and a trusted one.",
        } },
        { ca_certificates = {
          type = "array",
          elements = { type = "string", uuid = true },
          description = "Exactly these CA certificates are trusted.",
        } },
        { client_certificate = {
          type = "string",
          uuid = true,
          description = "The certificate to show to the upstream.",
        } },
      },
    } },
  },
}
