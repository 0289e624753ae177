-- Certificates with their keys: what listeners present to clients, and what weir presents to
-- upstreams.
local core = require("weir.core")
local typedefs = require("weir.schema.typedefs")

local function check_pair(entity)
  local ok, err = core.keypair_check(entity.cert, entity.key)
  return ok, err
end

return {
  name = "certificates",
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { cert = typedefs.certificate { required = true, referenceable = true } },
    { key = typedefs.key { required = true, referenceable = true, encrypted = true } },
    { cert_alt = typedefs.certificate { referenceable = true, supported = {} } },
    { key_alt = typedefs.key { referenceable = true, encrypted = true, supported = {} } },
    { tags = typedefs.tags },
  },
  entity_checks = {
    { mutually_required = { "cert_alt", "key_alt" } },
    { custom_entity_check = { field_sources = { "cert", "key" }, fn = check_pair } },
  },
  advise = function(certificate, context)
    if core.x509_info(certificate.cert)[1].not_after < context.now then
      return {
        { field = "cert", message = 'certificate expired, "Not After" time is in the past' },
      }
    end
    return {}
  end,
}
