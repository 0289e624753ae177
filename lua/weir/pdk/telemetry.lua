-- kong.telemetry: records of plugins for a telemetry back end. Weir has none: they are lines of the
-- error log, at level debug.
local cjson = require("cjson.safe")
local abi = require("weir.abi")

local C = abi.C

local DEBUG = 7 -- enum log_level

local telemetry = {}

-- The name of the first argument that is not what it should be, and what it should be.
local function mistake(plugin_name, plugin_config, message_type, message, attributes)
  if type(plugin_name) ~= "string" then
    return "plugin_name must be a string"
  elseif type(plugin_config) ~= "table" then
    return "plugin_config must be a table"
  elseif type(message_type) ~= "string" then
    return "message_type must be a string"
  elseif message ~= nil and type(message) ~= "string" then
    return "message must be a string"
  elseif attributes ~= nil and type(attributes) ~= "table" then
    return "attributes must be a table"
  end
end

--- Records something.
-- @tparam string plugin_name
-- @tparam table plugin_config
-- @tparam string message_type
-- @tparam ?string message
-- @tparam ?table attributes
-- @treturn true|nil
-- @treturn nil|string
function telemetry.log(plugin_name, plugin_config, message_type, message, attributes)
  local err = mistake(plugin_name, plugin_config, message_type, message, attributes)
  if err then
    return nil, err
  end
  if DEBUG <= C.weir_log_level() then
    local line = ("[kong] telemetry [%s] %s: %s %s"):format(plugin_name, message_type,
      message or "", cjson.encode(attributes or {}) or "")
    C.weir_log(DEBUG, line, #line)
  end
  return true
end

return telemetry
