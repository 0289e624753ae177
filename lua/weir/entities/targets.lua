-- Targets: the addresses behind an upstream.
local host = require("weir.text.host")
local typedefs = require("weir.schema.typedefs")

local DEFAULT_PORT = 8000

local function check_target(value)
  if host.parse(value) then
    return true
  end
  return nil, ("Invalid target ('%s'); not a valid hostname or ip address"):format(value)
end

-- The one way to write a target, so that `10.0.0.1` and `10.0.0.1:8000` are the same one.
local function normalize(value)
  local parsed = host.parse(value)
  return { target = host.format(parsed.host:lower(), parsed.port or DEFAULT_PORT) }
end

return {
  name = "targets",
  cache_key = { "upstream", "target" },
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_ms },
    { updated_at = typedefs.auto_timestamp_ms },
    { upstream = { type = "foreign", reference = "upstreams", required = true } },
    { target = { type = "string", required = true, custom_validator = check_target } },
    { weight = { type = "integer", default = 100, between = { 0, 65535 } } },
    { tags = typedefs.tags },
  },
  transformations = {
    { input = { "target" }, on_write = normalize, always = true },
  },
}
