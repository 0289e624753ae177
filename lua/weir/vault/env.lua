-- The vault `env`: secrets in environment variables.
local base64 = require("weir.text.base64")

local env = {}

--- Reads a secret: of the variable PREFIX and RESOURCE, in capitals, with "_" for "-".
-- @tparam table config prefix, base64_decode
-- @tparam string resource
-- @tparam ?number version 2 is the one before, in the variable …_PREVIOUS
-- @treturn string|nil
-- @treturn nil|string
function env.get(config, resource, version)
  local name = ((config.prefix or "") .. resource):gsub("-", "_"):upper()
  if version == 2 then
    name = name .. "_PREVIOUS"
  end
  local value = os.getenv(name)
  if not value then
    return nil, ("environment variable %s is not set"):format(name)
  elseif not config.base64_decode then
    return value
  end
  value = base64.decode(value, false)
  return value, not value and ("environment variable %s is not base64"):format(name) or nil
end

return env
