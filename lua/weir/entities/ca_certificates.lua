-- CA certificates: the trust anchors that services refer to.
local core = require("weir.core")
local typedefs = require("weir.typedefs")

local function check_cert(pem)
  local list, err = core.x509_info(pem)
  if not list then
    return nil, "invalid certificate: " .. err
  elseif #list ~= 1 then
    return nil, "please submit only one certificate at a time"
  elseif not list[1].is_ca then
    return nil,
      'certificate does not appear to be a CA because it is missing the "CA" basic constraint'
  end
  return true
end

local function add_digest(pem)
  return { cert_digest = core.x509_info(pem)[1].sha256 }
end

return {
  name = "ca_certificates",
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { cert = { type = "string", required = true, custom_validator = check_cert } },
    { cert_digest = { type = "string", unique = true } },
    { tags = typedefs.tags },
  },
  transformations = {
    { input = { "cert" }, on_write = add_digest, always = true },
  },

  -- Kong refuses the whole file for the sake of one expired CA. It cannot make anything trusted:
  -- verification fails for the chains that need it, and for no others.
  advise = function(ca, now)
    local info = core.x509_info(ca.cert)[1]
    if info.not_after < now then
      return {
        { field = "cert", message = 'certificate expired, "Not After" time is in the past' },
      }
    elseif info.not_before > now then
      return {
        {
          field = "cert",
          message = 'certificate not valid yet, "Not Before" time is in the future',
        },
      }
    end
    return {}
  end,
}
