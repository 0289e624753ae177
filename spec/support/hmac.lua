-- Signatures as clients of hmac-auth make them, with the openssl command.

local hmac = {}

local function printed(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("\n", ""))
end

--- The HMAC of a text, in base64.
-- @tparam string digest "sha256", …
-- @tparam string secret without characters that mean something to a shell
-- @tparam string text without single quotes
-- @treturn string
function hmac.sign(digest, secret, text)
  return printed(("printf %%s '%s' | openssl dgst -%s -hmac %s -binary | base64"):format(text,
    digest, secret))
end

--- The value of Digest for a body.
-- @tparam string body without single quotes
-- @treturn string
function hmac.digest(body)
  return "SHA-256=" .. printed(("printf %%s '%s' | openssl dgst -sha256 -binary | base64")
    :format(body))
end

--- The value of Authorization for a text.
-- @tparam string names what is signed
-- @tparam string text
-- @tparam ?table other username, secret and digest, if not ann, secret and sha256
-- @treturn string
function hmac.authorization(names, text, other)
  other = other or {}
  local digest = other.digest or "sha256"
  return ('hmac username="%s", algorithm="hmac-%s", headers="%s", signature="%s"'):format(
    other.username or "ann", digest, names, hmac.sign(digest, other.secret or "secret", text))
end

return hmac
