-- resty.jit-uuid.
local random = require("weir.text.random")
local uuid = require("weir.text.uuid")

local jit_uuid = { _VERSION = "0.0.7", generate_v4 = random.uuid }

--- Does nothing: the bytes come from the system's generator.
function jit_uuid.seed()
end

--- Whether a value is a UUID.
-- @treturn boolean
function jit_uuid.is_valid(value)
  return uuid.is_valid(value)
end

-- The UUID of a name; nil and what is wrong.
local function named(make)
  return function(namespace, name)
    if not uuid.is_valid(namespace) then
      return nil, "namespace must be a valid UUID"
    elseif type(name) ~= "string" then
      return nil, "name must be a string"
    end
    return make(namespace, name)
  end
end

--- The UUID of a name within a namespace, by SHA-1 and by MD5.
-- @tparam string namespace a UUID
-- @tparam string name
-- @treturn string|nil
-- @treturn nil|string
jit_uuid.generate_v5, jit_uuid.generate_v3 = named(uuid.v5), named(uuid.v3)

local function factory(generate)
  return function(namespace)
    if not uuid.is_valid(namespace) then
      return nil, "namespace must be a valid UUID"
    end
    return function(name)
      return generate(namespace, name)
    end
  end
end

jit_uuid.factory_v5, jit_uuid.factory_v3 =
  factory(jit_uuid.generate_v5), factory(jit_uuid.generate_v3)

return setmetatable(jit_uuid, { __call = jit_uuid.generate_v4, __tostring = jit_uuid.generate_v4 })
