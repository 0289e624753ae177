-- UUIDs: version 5 for entities whose id is derived from a name, version 4 for those that need only
-- be unique.
--
-- The namespaces are Kong's, so that an entity has the same id in both.
local core = require("weir.core")
local bit = require("bit")

local ROOT = "fd02801f-0957-4a15-a55a-c8d9606f30b5"

local uuid = {}

local function from_bytes(bytes, version)
  local b = { bytes:byte(1, 16) }
  b[7] = bit.bor(bit.band(b[7], 0x0F), version * 16)
  b[9] = bit.bor(bit.band(b[9], 0x3F), 0x80)
  return ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x"):format(unpack(b))
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

--- A random UUID.
-- @treturn string
function uuid.v4()
  return from_bytes(core.random(16), 4)
end

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
  return uuid.v5(uuid.namespace(entity), key)
end

return uuid
