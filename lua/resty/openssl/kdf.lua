-- resty.openssl.kdf: keys from passwords. PBKDF2 is the only kind.
local hash = require("weir.crypto.hash")

local kdf = {}
kdf.__index = kdf

-- Bytes of a key.
local LONGEST = 65536

-- Options and what they are; OpenSSL's values where they are not given.
local OPTIONS = { pass = "string", salt = "string", digest = "string", iter = "number" }
local USUAL = { salt = "", digest = "sha1", iter = 2048 }

local function is_whole(value, most)
  return type(value) == "number" and value >= 1 and value <= most and value % 1 == 0
end

-- What is wrong with the options of derive(); nil for nothing.
local function problem_of(options)
  for name, value in pairs(options) do
    if not OPTIONS[name] then
      return ('unknown option "%s"'):format(tostring(name))
    elseif type(value) ~= OPTIONS[name] then
      return ("expect a %s for %s"):format(OPTIONS[name], name)
    end
  end
  if not options.pass then
    return "expect a string for pass"
  elseif options.iter and not is_whole(options.iter, 2 ^ 31) then
    return "expect a whole number for iter"
  end
end

--- Makes one.
-- @tparam string kind "PBKDF2"
-- @treturn table|nil
-- @treturn nil|string
function kdf.new(kind)
  if tostring(kind):upper() ~= "PBKDF2" then
    return nil, ('kdf.new: invalid kdf type "%s"'):format(tostring(kind))
  end
  return setmetatable({}, kdf)
end

--- Whether a value is an object of this class.
function kdf.istype(value)
  return type(value) == "table" and getmetatable(value) == kdf
end

--- Derives a key. As long as that takes, the worker does nothing else.
-- @tparam number length in bytes
-- @tparam table options pass, salt, digest, iter
-- @treturn string|nil
-- @treturn nil|string
function kdf.derive(_, length, options)
  local problem = not is_whole(length, LONGEST) and "expect a whole number at #1"
    or type(options) ~= "table" and "expect a table at #2" or problem_of(options)
  if problem then
    return nil, "kdf:derive: " .. problem
  end
  local key, err = hash.pbkdf2(options.digest or USUAL.digest, options.pass,
    options.salt or USUAL.salt, options.iter or USUAL.iter, length)
  if not key then
    return nil, "kdf:derive: " .. err
  end
  return key
end

--- Begins anew; nothing is left of what was derived before anyway.
-- @treturn true
function kdf.reset()
  return true
end

return kdf
