-- CA certificates: the trust anchors that services refer to. One entity may hold several, as
-- bundles do; Kong takes one only.
local core = require("weir.core")
local typedefs = require("weir.schema.typedefs")

local NO_CA =
  'certificate does not appear to be a CA because it is missing the "CA" basic constraint'

-- Names the certificate that a message is about, where there are several.
local function about(message, i, list)
  return #list == 1 and message or ("%s (certificate %d of %d)"):format(message, i, #list)
end

local function check_cert(pem)
  local list, err = core.x509_info(pem)
  if not list then
    return nil, "invalid certificate: " .. err
  end
  for i, certificate in ipairs(list) do
    if not certificate.is_ca then
      return nil, about(NO_CA, i, list)
    end
  end
  return true
end

-- Loaded on first use: it needs the core, and files without bundles do not.
local function text_digest(text)
  return require("weir.crypto.fingerprint").of_text(text)
end

-- Of one certificate its SHA-256, as in Kong; of several a digest of theirs in their order.
local function add_digest(pem)
  local list = assert(core.x509_info(pem)) -- it was read before: what fails now is the machine
  if #list == 1 then
    return { cert_digest = list[1].sha256 }
  end
  local digests = {}
  for i, certificate in ipairs(list) do
    digests[i] = certificate.sha256
  end
  return { cert_digest = text_digest(table.concat(digests)) }
end

local function advice_about(certificate, now)
  if certificate.not_after < now then
    return 'certificate expired, "Not After" time is in the past'
  elseif certificate.not_before > now then
    return 'certificate not valid yet, "Not Before" time is in the future'
  end
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
  advise = function(ca, context)
    local list, advice = assert(core.x509_info(ca.cert)), {}
    for i, certificate in ipairs(list) do
      local message = advice_about(certificate, context.now)
      if message then
        advice[#advice + 1] = { field = "cert", message = about(message, i, list) }
      end
    end
    return advice
  end,
}
