-- What the texts of a verification policy may look like: names, pins, versions. Schemas check
-- configuration with these, and policies made by plugins are checked with them too.
--
-- Each check takes a value and returns what it stands for, or nil and what is wrong with it.
local host = require("weir.text.host")
local ip = require("weir.text.ip")

local values = {}

--- TLS versions by their names, as OpenSSL numbers them.
values.VERSIONS = { ["TLSv1.2"] = 0x0303, ["TLSv1.3"] = 0x0304 }

--- What a policy does with a verdict.
values.MODES = { "enforce", "report", "off" }

--- What a stapled OCSP response, or its absence, does; numbered as in struct weir_policy_desc.
values.OCSP = { off = 0, soft = 1, hard = 2 }

local SHA256 = 32
local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The protocol that is offered in the TLS handshake (ALPN), or "none".
function values.alpn(text)
  if text == "http/1.1" or text == "none" then
    return text
  elseif text == "h2" then
    return nil, "is not spoken to upstreams: HTTP/2 is not implemented there (http/1.1 or none)"
  end
  return nil, "is not http/1.1 or none"
end

--- A DNS name, without port, no address, no wildcard. In certificates there are A-labels only, and
-- they are what a name in UTF-8 stands for.
-- @treturn string|nil in ASCII
function values.dns(text)
  local parsed, _, why = host.parse(type(text) == "string" and text or "")
  if parsed and parsed.type == "name" and not parsed.port then
    return parsed.host
  end
  return nil, "is not a DNS name" .. (why and (" (%s)"):format(why) or "")
end

--- An IP address, without brackets, zone or prefix length.
function values.ip(text)
  if ip.family(text) then
    return text
  end
  return nil, "is not an IP address"
end

--- A URI with its scheme, to be met exactly; `spiffe://DOMAIN/*` stands for all of a trust domain.
function values.uri(text)
  if type(text) ~= "string" or not text:find("^%a[%w+.-]*:[%w%-._~:/?#%[%]@!$&'()*+,;=%%]+$") then
    return nil, "is not a URI"
  elseif text:find("*", 1, true) and not text:find("^spiffe://[%w._-]+/%*$") then
    return nil, "has a wildcard: only spiffe://DOMAIN/* may have one"
  end
  return text
end

local function to_hex(bytes)
  return (bytes:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

-- 32 bytes are 43 digits and one "=". The last digit carries two bits that are not used: they have
-- to be zero, so that a digest has one spelling.
local function from_base64(text)
  local bytes, held, bits = {}, 0, 0
  for digit in text:gmatch("[^=]") do
    held = held * 64 + BASE64:find(digit, 1, true) - 1
    bits = bits + 6
    if bits >= 8 then
      bits = bits - 8
      bytes[#bytes + 1] = string.char(math.floor(held / 2 ^ bits))
      held = held % 2 ^ bits
    end
  end
  return held == 0 and #bytes == SHA256 and table.concat(bytes) or nil
end

--- A SHA-256: 64 hexadecimal digits, with or without colons, or base64, with or without curl's
-- "sha256//" before it.
-- @treturn string|nil 64 hexadecimal digits in lower case
function values.pin(text)
  if type(text) == "string" then
    local hex = text:gsub(":", "")
    if #hex == 2 * SHA256 and not hex:find("%X") then
      return hex:lower()
    end
    local base64 = text:gsub("^sha256//", "")
    if #base64 == 44 and base64:find("^[%w+/]+=$") then
      local bytes = from_base64(base64)
      if bytes then
        return to_hex(bytes)
      end
    end
  end
  return nil, "is not a SHA-256 (64 hexadecimal digits, or base64)"
end

--- The name that is sent in the TLS handshake: "upstream_host" (what the upstream is called by),
-- "host" (the client's Host), "none", or a DNS name.
-- @treturn table|nil { kind = as in struct weir_policy_desc, name }
function values.sni(text)
  local fixed = { upstream_host = 0, none = 1, host = 3 }
  if fixed[text] then
    return { kind = fixed[text] }
  end
  local name = values.dns(text)
  if name then
    return { kind = 2, name = name }
  end
  return nil, "is not upstream_host, host, none or a DNS name"
end

return values
