-- UUIDs: version 5 for entities whose id is derived from a name, version 4 for those that need only
-- be unique, version 3 for plugins that ask for it.
--
-- The namespaces are Kong's, so that an entity has the same id in both.
local core = require("weir.core")
local bit = require("bit")

local ROOT = "fd02801f-0957-4a15-a55a-c8d9606f30b5"

local uuid = {}

local HEX = {}
for byte = 0, 255 do
  HEX[byte] = ("%02x"):format(byte)
end

-- Files have thousands of entities, and each gets an id: hence tables of digits and no format().
local function from_bytes(bytes, version)
  local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = bytes:byte(1, 16)
  g = bit.bor(bit.band(g, 0x0F), version * 16)
  i = bit.bor(bit.band(i, 0x3F), 0x80)
  return HEX[a] .. HEX[b] .. HEX[c] .. HEX[d] .. "-" .. HEX[e] .. HEX[f] .. "-" .. HEX[g]
    .. HEX[h] .. "-" .. HEX[i] .. HEX[j] .. "-" .. HEX[k] .. HEX[l] .. HEX[m] .. HEX[n]
    .. HEX[o] .. HEX[p]
end

local function to_bytes(text)
  return (text:gsub("-", ""):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

--- Whether `s` is a UUID in its usual text form.
-- @param s
-- @treturn boolean
function uuid.is_valid(s)
  return type(s) == "string" and #s == 36
    and s:find("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$") ~= nil
end

--- The UUID of a name within a namespace.
-- @tparam string namespace a UUID
-- @tparam string name
-- @treturn string
function uuid.v5(namespace, name)
  return from_bytes(core.sha1(to_bytes(namespace) .. name), 5)
end

--- The same by MD5.
-- @tparam string namespace a UUID
-- @tparam string name
-- @treturn string
function uuid.v3(namespace, name)
  return from_bytes(require("weir.crypto.hash").once("md5", to_bytes(namespace) .. name), 3)
end

--- A random UUID.
-- @treturn string
function uuid.v4()
  return from_bytes(core.random(16), 4)
end

-- Type of entity -> its namespace as bytes.
local namespace_bytes = {}
local namespaces = {}

--- The namespace of an entity type.
-- @tparam string entity e.g. "services"
-- @treturn string
function uuid.namespace(entity)
  local namespace = namespaces[entity] or uuid.v5(ROOT, entity)
  namespaces[entity] = namespace
  return namespace
end

--- The id that an entity has when its declaration gives none.
-- @tparam string entity e.g. "services"
-- @tparam string key what identifies it among its kind, e.g. its name
-- @treturn string
function uuid.of_entity(entity, key)
  local bytes = namespace_bytes[entity]
  if not bytes then
    bytes = to_bytes(uuid.namespace(entity))
    namespace_bytes[entity] = bytes
  end
  return from_bytes(core.sha1(bytes .. key), 5)
end

return uuid
