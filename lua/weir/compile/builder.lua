-- The core's snapshot builder with plain Lua arguments.
--
-- A refused value raises the core's message (a string): what reaches the builder has been
-- validated, and weir.compile turns whatever is left into one refusal of the whole configuration.
local ffi = require("ffi")
local bit = require("bit")
local abi = require("weir.abi")

local C = abi.C

local PROTOCOLS = { http = 1, https = 2 }
local ERROR_TYPES = {
  ["application/json"] = 0, ["text/html"] = 1, ["text/plain"] = 2, ["application/xml"] = 3,
}

local Builder = {}
Builder.__index = Builder

local function checked(result)
  if result < 0 then
    error(ffi.string(C.weir_error()), 0)
  end
  return tonumber(result)
end

-- Points a struct weir_str to a Lua string, which the caller keeps alive over the call.
local function slice(out, text)
  if text then
    out.p, out.n = text, #text
  end
end

-- An array of slices over a list of strings, nil for an empty one; the second result is how many.
local function slices(list)
  local count = list and #list or 0
  if count == 0 then
    return nil, 0
  end
  local array = ffi.new("struct weir_str[?]", count)
  for i = 1, count do
    slice(array[i - 1], list[i])
  end
  return array, count
end

--- A new, empty configuration.
function Builder.new()
  local handle = ffi.gc(C.weir_build_new(), C.weir_build_free)
  return setmetatable({ handle = handle }, Builder)
end

--- Settings of the process.
-- @tparam table settings the fields of struct weir_settings by name; `trusted_ips` is a list, and
-- error_default_type a media type
function Builder:settings(settings)
  local s = ffi.new("struct weir_settings")
  local trusted, count = slices(settings.trusted_ips)
  for name, value in pairs(settings) do
    if name == "trusted_ips" then
      s.trusted_ips, s.trusted_ip_count = trusted, count
    elseif name == "real_ip_header" then
      slice(s.real_ip_header, value)
    elseif name == "error_default_type" then
      s.error_default_type = ERROR_TYPES[value] or ERROR_TYPES["text/plain"]
    else
      s[name] = value
    end
  end
  checked(C.weir_build_settings(self.handle, s))
end

--- An upstream.
-- @tparam string name
-- @tparam ?string host_header
-- @treturn number its index
function Builder:upstream(name, host_header)
  host_header = host_header or ""
  return checked(C.weir_build_upstream(self.handle, name, #name, host_header, #host_header))
end

--- The upstream that a service's own host is. No plugin can choose it by name.
-- @tparam string host
-- @treturn number its index
function Builder:service_host(host)
  return checked(C.weir_build_upstream(self.handle, host, #host, nil, 0))
end

--- A target of an upstream.
function Builder:target(upstream, host, port, weight)
  checked(C.weir_build_target(self.handle, upstream, host, #host, port, weight))
end

local PLAN_TEXTS = {
  "service_path", "service_host", "service_name", "service_id", "route_name", "route_id", "error",
  "judges",
}
local PLAN_NUMBERS = {
  "phases", "chooses", "upstream", "tls", "strip_path", "preserve_host", "https_redirect_status",
  "retries", "connect_timeout", "write_timeout", "read_timeout", "service_port",
}

local function protocol_bits(protocols)
  local bits = 0
  for _, name in ipairs(protocols) do
    bits = bit.bor(bits, PROTOCOLS[name] or 0)
  end
  return bits
end

-- How targets are verified that differ; nil for none.
local function target_policies(list)
  local count = list and #list or 0
  if count == 0 then
    return nil, 0
  end
  local array = ffi.new("struct weir_target_policy[?]", count)
  for i, target in ipairs(list) do
    local item = array[i - 1]
    slice(item.host, target.canonical)
    item.port, item.policy = target.port or 0, target.policy
    slice(item.error, target.error)
  end
  return array, count
end

--- A plan.
-- @tparam table plan the fields of struct weir_plan_desc by name; `policy` is a handle, `protocols`
-- a list of names, `upstream` may be nil, `targets` a list of { canonical, port = number or nil,
-- policy = handle or error = text }
-- @treturn number its index
function Builder:plan(plan)
  local desc = ffi.new("struct weir_plan_desc")
  desc.upstream = -1
  for _, name in ipairs(PLAN_NUMBERS) do
    if plan[name] ~= nil then
      desc[name] = plan[name]
    end
  end
  for _, name in ipairs(PLAN_TEXTS) do
    slice(desc[name], plan[name])
  end
  desc.policy = plan.policy
  local targets, count = target_policies(plan.targets)
  desc.targets, desc.target_count = targets, count
  desc.protocols = protocol_bits(plan.protocols or {})
  return checked(C.weir_build_plan(self.handle, desc))
end

-- The headers of a route; `kept` holds what the structs point into.
local function route_headers(headers, kept)
  if not headers then
    return nil, 0
  end
  local names = {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  table.sort(names)
  local array = ffi.new("struct weir_route_header[?]", math.max(#names, 1))
  for i, name in ipairs(names) do
    local values, count = slices(headers[name])
    kept[i] = values
    slice(array[i - 1].name, name)
    array[i - 1].values, array[i - 1].count = values, count
  end
  return array, #names
end

--- A route.
-- @tparam table route id, plan, hosts, paths, methods, snis (lists), headers (name -> list),
-- regex_priority
function Builder:route(route)
  local desc = ffi.new("struct weir_route_desc")
  local kept = {}
  local hosts, paths, methods, snis, headers
  hosts, desc.host_count = slices(route.hosts)
  paths, desc.path_count = slices(route.paths)
  methods, desc.method_count = slices(route.methods)
  snis, desc.sni_count = slices(route.snis)
  headers, desc.header_count = route_headers(route.headers, kept)
  desc.hosts, desc.paths, desc.methods, desc.snis, desc.headers =
    hosts, paths, methods, snis, headers
  desc.plan = route.plan
  desc.regex_priority = route.regex_priority or 0
  slice(desc.id, route.id)
  checked(C.weir_build_route(self.handle, desc))
end

--- A certificate to show to clients that ask for `sni`; "*" is the default.
function Builder:certificate(sni, credential)
  checked(C.weir_build_certificate(self.handle, sni, #sni, credential))
end

--- What worker VMs decode (see weir.compile).
function Builder:blob(text)
  checked(C.weir_build_blob(self.handle, text, #text))
end

--- Adds a piece of what workers look entities up in (weir.db.packed).
-- @tparam cdata pointer
-- @tparam number size bytes
function Builder:entities(pointer, size)
  checked(C.weir_build_entities(self.handle, pointer, size))
end

--- The configuration_hash.
function Builder:hash(hex)
  checked(C.weir_build_hash(self.handle, hex, #hex))
end

--- Freezes the configuration and hands it to the workers. The builder is gone afterwards.
-- @treturn number its serial number
function Builder:publish()
  local handle = ffi.gc(self.handle, nil)
  self.handle = nil
  return checked(C.weir_build_publish(handle))
end

return Builder
