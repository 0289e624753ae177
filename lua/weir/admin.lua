-- The Admin API: read-only, as Kong's is without a database. It runs as the only handler of the
-- plan of the Admin listener.
local cjson = require("cjson")
local abi = require("weir.abi")
local configuration = require("weir.pdk.configuration")
local current = require("weir.pdk.current")
local entities = require("weir.admin.entities")
local last_seen = require("weir.admin.last_seen")
local meta = require("kong.meta")
local node = require("weir.pdk.node")
local plugin_pages = require("weir.admin.plugin_pages")
local plugins = require("weir.plugins")
local request = require("weir.pdk.request")
local response = require("weir.pdk.response")
local status = require("weir.admin.status")

local C = abi.C

local Admin = { PRIORITY = 0, VERSION = "0.1.0" }

local NOT_FOUND = { message = "Not found" }
local NOT_ALLOWED = { message = "Method not allowed" }

-- ---- the node

local function available_plugins()
  local available = {}
  for _, name in ipairs(configuration.get("plugins")) do
    local plugin = plugins.load(name)
    if plugin then
      available[name] = { version = plugin.version, priority = plugin.priority }
    end
  end
  return available
end

local function names_in_use()
  local seen, names = {}, {}
  for _, entity in pairs(current.generation.entities.plugins) do
    if not seen[entity.name] then
      seen[entity.name] = true
      names[#names + 1] = entity.name
    end
  end
  table.sort(names)
  return names
end

local function root()
  return {
    tagline = "Welcome to weir",
    version = meta.version,
    weir_version = meta.weir_version,
    hostname = node.get_hostname(),
    node_id = node.get_id(),
    lua_version = jit.version,
    pids = { workers = { C.weir_worker_pid() } },
    plugins = { available_on_server = available_plugins(), enabled_in_cluster = names_in_use() },
    configuration = configuration.view.remove_sensitive(),
  }
end

local JSON = { ["Content-Type"] = "application/json; charset=utf-8" }

-- ---- how upstreams are verified

-- An empty table would be written as an object, and what is nil not at all.
local function encode_value(value)
  if value == nil then
    return "null"
  elseif type(value) == "table" and next(value) == nil then
    return "[]"
  end
  return cjson.encode(value)
end

local function encode_fields(fields)
  local parts = {}
  for i, field in ipairs(fields) do
    parts[i] = ('{"name":%s,"value":%s,"origin":%s}'):format(
      cjson.encode(field.name), encode_value(field.value), cjson.encode(field.origin))
  end
  return table.concat(parts, ",")
end

-- A plan without an effective policy has an upstream without TLS, or one that is not asked.
local function encode_policy(item)
  local effective = item.effective and current.generation.effective[item.effective]
  if not effective then
    return ('"error":%s,"policy":null,"mode":null,"fields":[]'):format(encode_value(item.error))
  end
  return ('"error":%s,"policy":%s,"mode":%s,"fields":[%s]'):format(encode_value(item.error),
    cjson.encode(effective.policy), cjson.encode(effective.mode), encode_fields(effective.fields))
end

local function encode_targets(targets)
  local parts = {}
  for i, target in ipairs(targets or {}) do
    parts[i] = ('{"target":%s,%s}'):format(cjson.encode(target.target), encode_policy(target))
  end
  return table.concat(parts, ",")
end

local function encode_id(id)
  return id and cjson.encode({ id = id }) or "null"
end

local function encode_verification(plan)
  return ('{"route":%s,"service":%s,%s,"judges":%s,"targets":[%s]}'):format(
    encode_id(plan.route_id), encode_id(plan.service_id), encode_policy(plan),
    encode_value(plan.judges or {}), encode_targets(plan.targets))
end

-- The plans of a route (one) or of a service (one for each of its routes, or what one would be), in
-- the file's order.
local function plans_of(field, id)
  local numbers, plans = {}, {}
  for number, plan in pairs(current.generation.plans) do
    if plan[field] == id then
      numbers[#numbers + 1] = number
    end
  end
  table.sort(numbers)
  for i, number in ipairs(numbers) do
    plans[i] = current.generation.plans[number]
  end
  if field == "service_id" then
    plans[#plans + 1] = current.generation.services[id]
  end
  return plans
end

-- /routes/KEY/tls is one object, /services/KEY/tls a list of them.
local function answer_verification(kind, key, method)
  if method ~= "GET" and method ~= "HEAD" then
    return response.exit(405, NOT_ALLOWED)
  end
  local entity = entities.find(kind, key)
  if not entity then
    return response.exit(404, NOT_FOUND)
  end
  local plans = plans_of(kind == "routes" and "route_id" or "service_id", entity.id)
  for i, plan in ipairs(plans) do
    plans[i] = encode_verification(plan)
  end
  if kind == "services" then
    return response.exit(200, '{"data":[' .. table.concat(plans, ",") .. "]}", JSON)
  elseif plans[1] then
    return response.exit(200, plans[1], JSON)
  end
  return response.exit(404, NOT_FOUND)
end

-- ---- what upstreams presented

local function answer_last_seen(method)
  if method ~= "GET" and method ~= "HEAD" then
    return response.exit(405, NOT_ALLOWED)
  end
  local page, wrong = last_seen(request.get_query())
  if not page then
    return response.exit(400, { message = wrong })
  end
  return response.exit(200, page, JSON)
end

-- ---- what plugins bring along

local function answer_plugin(methods, method)
  local answer = methods[method] or method == "HEAD" and methods.GET
  if type(answer) ~= "function" then
    return response.exit(405, NOT_ALLOWED)
  end
  return answer({ params = request.get_query() })
end

-- ---- all

local function enabled()
  return { enabled_plugins = configuration.get("plugins") }
end

local PAGES = { ["/"] = root, ["/plugins/enabled"] = enabled, ["/status"] = status }

local function answer_page(page, method)
  if method ~= "GET" and method ~= "HEAD" then
    return response.exit(405, NOT_ALLOWED)
  end
  local answer, err = page()
  if not answer then
    return response.exit(400, { message = err })
  end
  return response.exit(200, answer)
end

function Admin:access()
  local path, method = request.get_path(), request.get_method()
  if #path > 1 then
    path = path:gsub("/$", "")
  end
  if PAGES[path] then
    return answer_page(PAGES[path], method)
  end
  if path == "/tls/last-seen" then
    return answer_last_seen(method)
  end
  local owner, name = path:match("^/(%l+)/([^/]+)/tls$")
  if owner == "services" or owner == "routes" then
    return answer_verification(owner, name, method)
  end
  if entities.answer(path, method) then
    return
  end
  local methods = plugin_pages.find(path)
  if methods then
    return answer_plugin(methods, method)
  end
  return response.exit(404, NOT_FOUND)
end

return Admin
