-- Fields of log entries that Lua of the configuration computes.

local sandbox = require("kong.tools.sandbox")

local custom_fields = {}

local by_conf = setmetatable({}, { __mode = "k" })

local function load_all(codes)
  local loaded = {}
  for name, code in pairs(codes) do
    loaded[name] = sandbox.sandbox(code, { chunk_name = "=custom_fields_by_lua." .. name })
  end
  return loaded
end

--- Sets the fields for this request. Code is loaded once for each configuration.
-- @tparam table conf with custom_fields_by_lua
function custom_fields.set(conf)
  local codes = conf.custom_fields_by_lua
  if not codes then
    return
  end
  local loaded = by_conf[conf]
  if not loaded then
    loaded = load_all(codes)
    by_conf[conf] = loaded
  end
  for name, code in pairs(loaded) do
    kong.log.set_serialize_value(name, code())
  end
end

return custom_fields
