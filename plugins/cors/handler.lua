-- Lets browsers hand responses to pages of other origins (CORS): it answers preflight requests, and
-- says in responses who may read them.

local methods = require("kong.plugins.cors.methods")
local origins = require("kong.plugins.cors.origins")

local Cors = { PRIORITY = 2000, VERSION = require("kong.meta").version }

local compiled = setmetatable({}, { __mode = "k" }) -- conf -> what origins.compile() gave

local function origins_of(conf)
  compiled[conf] = compiled[conf] or origins.compile(conf.origins)
  return compiled[conf]
end

-- The Origin of the request; an empty one is none.
local function origin_of_request()
  local origin = kong.request.get_header("Origin")
  return origin ~= "" and origin or nil
end

-- "*" is not enough for requests with credentials, which need the origin itself. What depends on
-- the origin must not be given to another by a cache on the way: hence Vary.
local function set_allowed(conf)
  local response, list, origin = kong.response, origins_of(conf), origin_of_request()
  if list.any and not (conf.credentials and origin) then
    response.set_header("Access-Control-Allow-Origin", "*")
    return
  end
  response.add_header("Vary", "Origin")
  local allowed = list.any and origin or origins.allowed(list, origin)
  if allowed then
    response.set_header("Access-Control-Allow-Origin", allowed)
  else
    response.clear_header("Access-Control-Allow-Origin")
  end
  if conf.credentials then
    response.set_header("Access-Control-Allow-Credentials", "true")
  end
end

local function is_preflight()
  return kong.request.get_method() == "OPTIONS" and origin_of_request() ~= nil
    and kong.request.get_header("Access-Control-Request-Method") ~= nil
end

local function joined(list)
  return list and #list > 0 and table.concat(list, ",") or nil
end

local function answer_preflight(conf)
  local request, set = kong.request, kong.response.set_header
  set_allowed(conf)
  local headers = joined(conf.headers) or request.get_header("Access-Control-Request-Headers")
  if headers then
    set("Access-Control-Allow-Headers", headers)
  end
  set("Access-Control-Allow-Methods", table.concat(conf.methods or methods, ","))
  if conf.max_age then
    set("Access-Control-Max-Age", tostring(conf.max_age))
  end
  if conf.private_network
    and request.get_header("Access-Control-Request-Private-Network") == "true" then
    set("Access-Control-Allow-Private-Network", "true")
  end
  return kong.response.exit(200)
end

function Cors:access(conf)
  if not is_preflight() then
    return
  end
  -- Either all is said here, or the service says it.
  kong.ctx.plugin.answered = true
  if not conf.preflight_continue then
    return answer_preflight(conf)
  end
end

function Cors:header_filter(conf)
  if kong.ctx.plugin.answered or not (conf.allow_origin_absent or origin_of_request()) then
    return
  end
  set_allowed(conf)
  local exposed = joined(conf.exposed_headers)
  if exposed then
    kong.response.set_header("Access-Control-Expose-Headers", exposed)
  end
end

return Cors
