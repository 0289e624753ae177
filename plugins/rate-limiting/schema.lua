-- How many requests who may make within which time. Fields and rules are Kong's.

local redis = require("kong.tools.redis.schema").config_schema
local typedefs = require("kong.db.schema.typedefs")
local windows = require("kong.plugins.rate-limiting.windows")

-- A longer window with a lower limit would make the shorter one's pointless.
local function check_limits(config)
  for i, shorter in ipairs(windows.NAMES) do
    for j = i + 1, #windows.NAMES do
      local longer = windows.NAMES[j]
      local few, many = tonumber(config[longer]), tonumber(config[shorter])
      if few and many and few < many then
        return nil, ("The limit for %s(%.1f) cannot be lower than the limit for %s(%.1f)")
          :format(longer, few, shorter, many)
      end
    end
  end
  return true
end

local function check_policy(value)
  if value == "cluster" then
    return nil, "there is no database to count in: policy should be local or redis"
  end
  return true
end

-- Fields of `redis` as they were called before it.
local function redis_shorthands()
  local shorthands = {}
  for i, item in ipairs(redis.fields) do
    local name, field = next(item)
    shorthands[i] = { ["redis_" .. name] = {
      type = field.type, len_min = field.len_min, referenceable = field.referenceable,
      func = function(value)
        return { redis = { [name] = value } }
      end,
    } }
  end
  return shorthands
end

-- What is legal and Kong's default, and yet has to be meant.
local function advise(entity)
  local config = entity.config
  if config.policy ~= "redis" or not config.redis.ssl or config.redis.ssl_verify then
    return {}
  end
  return { {
    path = { "config", "redis" },
    message = "TLS to Redis is not verified: anybody in between can read the password and answer "
      .. "for it; set ssl_verify",
  } }
end

local fields, names = {}, {}
for i, name in ipairs(windows.NAMES) do
  fields[i] = { [name] = { type = "number", gt = 0 } }
  names[i] = "config." .. name
end

for _, field in ipairs({
  { limit_by = {
    type = "string", default = "consumer",
    one_of = { "consumer", "credential", "ip", "service", "header", "path" },
  } },
  { header_name = typedefs.header_name },
  { path = typedefs.path },
  { policy = {
    type = "string", default = "local", one_of = { "local", "cluster", "redis" },
    custom_validator = check_policy,
  } },
  { fault_tolerant = { type = "boolean", required = true, default = true } },
  { redis = redis },
  { hide_client_headers = { type = "boolean", required = true, default = false } },
  { error_code = { type = "integer", default = 429, between = { 400, 599 } } },
  { error_message = { type = "string", default = "API rate limit exceeded" } },
  { sync_rate = { type = "number", required = true, default = -1 } },
}) do
  table.insert(fields, field)
end

return {
  name = "rate-limiting",
  advise = advise,
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = fields,
      shorthand_fields = redis_shorthands(),
      custom_validator = check_limits,
    } },
  },
  entity_checks = {
    { at_least_one_of = names },
    { conditional = {
      if_field = "config.limit_by", if_match = { eq = "header" },
      then_field = "config.header_name", then_match = { required = true },
    } },
    { conditional = {
      if_field = "config.policy", if_match = { eq = "redis" },
      then_field = "config.redis.host", then_match = { required = true },
    } },
    { conditional = {
      if_field = "config.limit_by", if_match = { eq = "path" },
      then_field = "config.path", then_match = { required = true },
    } },
  },
}
