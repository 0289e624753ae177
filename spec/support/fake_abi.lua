-- A stand-in for the core, for specs of Lua that talks to it: the structs are those of
-- core/vm/abi.h, the functions are Lua's and keep what they are told.
--
--   local fake = require("spec.support.fake_abi").install()
--   fake.request = fake.new_request({ phase = "access", … })
--
-- Modules that are required afterwards get it as weir.abi and weir.wait.

local ffi = require("ffi")

local PHASE, NONE, BAD = -1, -2, -3
local PHASES = {
  [0] = "rewrite", "access", "header_filter", "body_filter", "log", "upstream_verify",
  "balancer", "response", "certificate",
}
local MEANING = { rewrite = 0, access = 1, header_filter = 2, body_filter = 3, log = 4,
  upstream_verify = 5, balancer = 6, response = 7, certificate = 8 }

local function declare()
  if pcall(ffi.sizeof, "struct weir_counters") then
    return
  end
  local file = assert(io.open("core/vm/abi.h"))
  local text = file:read("*a")
  file:close()
  ffi.cdef(text:match("// %-%-%-%- cdef begin\n(.*)// %-%-%-%- cdef end"))
end

local fake = {}

-- What the core would own: texts that slices point to stay alive here.
local kept = {}

local function give(out, text)
  kept[#kept + 1] = text
  out.p, out.n = text, #text
end

local function text(p, n)
  return p ~= nil and ffi.string(p, n) or nil
end

local function str(s)
  return s.p ~= nil and ffi.string(s.p, s.n) or nil
end

local function list(array, count)
  local result = {}
  for i = 0, tonumber(count) - 1 do
    result[i + 1] = str(array[i])
  end
  return result
end

local function refuse(why)
  fake.error = why
  return BAD
end

local C = {}

function C.weir_error()
  return fake.error
end

-- Nothing ends here by itself.
function C.weir_keep() end

-- ---- node

function C.weir_log(level, p, n)
  table.insert(fake.log, { level = level, text = text(p, n) })
end

-- Nothing bounds plugins here; what they were told to is kept.
function C.weir_plugin_mark()
  return 1
end

function C.weir_bounds_check()
  return 0
end

function C.weir_bounds_switch()
  return 0
end

function C.weir_bounds_used()
  return 0
end

function C.weir_bounds_set(time, memory)
  fake.bounds = { time = time, memory = memory }
end

function C.weir_log_level()
  return fake.level
end

function C.weir_time_ms()
  return 1700000000123
end

function C.weir_cache_numbers()
  return fake.cache_numbers
end

function C.weir_cache_slot(_, n)
  return n % 16
end

function C.weir_cache_forget(slot)
  fake.cache_numbers[slot] = fake.cache_numbers[slot] + 1
end

function C.weir_random(out, n)
  for i = 0, n - 1 do
    fake.seed = (fake.seed * 1103515245 + 12345) % 2147483648
    out[i] = fake.seed / 65536 % 256
  end
  return 0
end

-- Not SHA-2, but as sensitive to its input as these specs need.
function C.weir_sha256(p, n, out)
  local a, b = 1, 0
  for byte in text(p, n):gmatch(".") do
    a = (a * 31 + byte:byte()) % 65521
    b = (b + a) % 65521
  end
  for i = 0, 31 do
    out[i] = math.floor((a * (i + 1) + b) / 7) % 256
  end
  return 0
end

C.weir_sha1 = function(p, n, out)
  local wide = ffi.new("char[32]")
  C.weir_sha256(p, n, wide)
  ffi.copy(out, wide, 20)
  return 0
end

function C.weir_version(out, len)
  ffi.copy(out, ("weir 9.8.7\n"):sub(1, len - 1))
  return 0
end

function C.weir_x509_info(p, n, _, _, err, errlen)
  local _, count = text(p, n):gsub("BEGIN CERTIFICATE", "")
  if count == 0 then
    ffi.copy(err, ("not a certificate"):sub(1, errlen - 1))
    return -1
  end
  return count
end

function C.weir_node_hostname(out)
  give(out, "host.example")
  return 0
end

function C.weir_worker_id()
  return 0
end

function C.weir_worker_pid()
  return 4711
end

function C.weir_worker_lua_bytes(worker)
  return fake.lua_bytes[worker] or NONE
end

function C.weir_counters(out)
  for name, value in pairs(fake.counters) do
    if type(value) == "string" then
      ffi.copy(out[name], value)
    else
      out[name] = value
    end
  end
  return 0
end

local VERDICT_CODES = { [0] = "ok", "unverified", "expired" }

function C.weir_verdict_code(index)
  return VERDICT_CODES[index] and ffi.cast("const char *", VERDICT_CODES[index]) or nil
end

local function fill(out, values)
  ffi.fill(out, ffi.sizeof(out))
  for name, value in pairs(values) do
    if type(value) == "string" then
      ffi.copy(out[name], value)
    elseif type(value) == "table" then
      fill(out[name], value)
    else
      out[name] = value
    end
  end
end

-- Verdicts by service: `fake.tally`, a list of { service, [mode] = { [code] = count } }.
function C.weir_tally(index, out)
  local one = fake.tally[index + 1]
  if not one then
    return NONE
  end
  fill(out, { service = one.service })
  for mode = 0, ffi.C.WEIR_MODES - 1 do
    for code, count in pairs(one[mode] or {}) do
      out.verdicts[mode][code] = count
    end
  end
  return 0
end

-- What peers presented: `fake.seen`, a list of what is in struct weir_seen, with `chain`.
function C.weir_seen_next(number, out, chain)
  for _, peer in ipairs(fake.seen) do
    if peer.number > number then
      local fields = {}
      for name, value in pairs(peer) do
        fields[name] = value
      end
      fields.chain = nil
      fill(out, fields)
      ffi.copy(chain, peer.chain)
      return 0
    end
  end
  return NONE
end

-- ---- TLS handles; a text that contains "bad" is not valid

local function handle(ctype, content)
  fake.handles = fake.handles + 1
  fake.content[fake.handles] = content
  return ffi.cast(ctype, fake.handles)
end

--- What a handle was made of.
function fake.content_of(pointer)
  if pointer == nil then
    return nil
  end
  return fake.content[tonumber(ffi.cast("intptr_t", pointer))]
end

function C.weir_trust_new(pems, count)
  local texts = list(pems, count)
  for _, pem in ipairs(texts) do
    if pem:find("bad") then
      refuse("text 1, block 1 does not parse")
      return nil
    end
  end
  return handle("struct weir_trust *", texts)
end

function C.weir_credential_new(cert, certlen, key, keylen)
  local pair = { cert = text(cert, certlen), key = text(key, keylen) }
  if pair.cert:find("bad") or pair.key:find("bad") then
    refuse("certificate does not match key")
    return nil
  end
  return handle("struct weir_credential *", pair)
end

-- { { kind, text }, … } of names or pins.
local function kinds(array, count, member)
  local result = {}
  for i = 0, tonumber(count) - 1 do
    result[i + 1] = { array[i].kind, str(array[i][member]) }
  end
  return result
end

-- What a description says beside the first fields, without what is as by default.
local function further_fields(desc)
  local defaults = {
    min_version = 0, max_version = 0, partial_chain = 0, strict = 0, security_level = -1,
    verify_name = 1, names_all = 0, sni = 0, crl_chain = 0, ocsp = 0,
  }
  local content = {}
  for name, default in pairs(defaults) do
    local value = tonumber(desc[name])
    content[name] = value ~= default and value or nil
  end
  for _, name in ipairs({ "sni_name", "ciphers", "ciphersuites", "groups", "sigalgs", "alpn" }) do
    content[name] = str(desc[name])
  end
  if desc.name_count > 0 then
    content.names = kinds(desc.names, desc.name_count, "value")
  end
  if desc.pin_count > 0 then
    content.pins = kinds(desc.pins, desc.pin_count, "sha256")
  end
  if desc.crl_count > 0 then
    content.crls = list(desc.crls, desc.crl_count)
  end
  return content
end

function C.weir_policy_new(desc)
  if desc.trust == nil or desc.depth < 0 or desc.depth > 100 then
    refuse("a field has no valid value")
    return nil
  end
  local content = further_fields(desc)
  content.verify, content.depth = desc.verify, desc.depth
  content.trust = fake.content_of(desc.trust)
  content.credential = fake.content_of(desc.credential)
  content.next = fake.content_of(desc.next)
  for _, crl in ipairs(content.crls or {}) do
    if crl:find("bad") then
      refuse("crl 1 does not parse")
      return nil
    end
  end
  return handle("struct weir_policy *", content)
end

function C.weir_policy_in_force(policy, resume, judges, n)
  if resume == 1 and n == 0 then
    return policy
  end
  local content = { resume = resume == 1, judges = n > 0 and ffi.string(judges, n) or nil }
  for field, value in pairs(fake.content_of(policy)) do
    content[field] = value
  end
  return handle("struct weir_policy *", content)
end

function C.weir_policy_id(policy)
  return ("policy%d"):format(tonumber(ffi.cast("intptr_t", policy)))
end

function C.weir_trust_free() end
function C.weir_credential_free() end
function C.weir_policy_free() end

-- ---- the builder

function C.weir_build_new()
  fake.built = {
    settings = {}, upstreams = {}, targets = {}, plans = {}, routes = {}, certificates = {},
  }
  return ffi.cast("struct weir_build *", 1)
end

function C.weir_build_free()
  fake.freed = fake.freed + 1
end

local function number_fields(struct, names)
  local result = {}
  for name in names:gmatch("[%w_]+") do
    result[name] = tonumber(struct[name])
  end
  return result
end

function C.weir_build_settings(_, s)
  local settings = number_fields(s, [[keepalive_pool_size keepalive_idle_timeout_ms session_reuse
    tls_handshakes_max access_log error_default_type header_server header_via header_upstream_status
    header_request_id client_header_timeout_ms]])
  settings.trusted_ips = list(s.trusted_ips, s.trusted_ip_count)
  settings.real_ip_header = str(s.real_ip_header)
  fake.built.settings = settings
  return 0
end

function C.weir_build_upstream(_, name, n, host_header, hn)
  table.insert(fake.built.upstreams, { name = text(name, n), host_header = text(host_header, hn) })
  return #fake.built.upstreams - 1
end

function C.weir_build_target(_, upstream, host, n, port, weight)
  table.insert(fake.built.targets,
    { upstream = upstream, host = text(host, n), port = port, weight = weight })
  return 0
end

function C.weir_build_plan(_, d)
  local plan = number_fields(d, [[phases upstream tls strip_path preserve_host protocols
    https_redirect_status retries connect_timeout write_timeout read_timeout service_port]])
  for name in ("service_path service_host service_name service_id route_name route_id error judges")
    :gmatch("%S+") do
    plan[name] = str(d[name])
  end
  plan.policy = fake.content_of(d.policy)
  plan.targets = {}
  for i = 1, tonumber(d.target_count) do
    local target = d.targets[i - 1]
    plan.targets[i] = {
      host = str(target.host), port = target.port, policy = fake.content_of(target.policy),
      error = str(target.error),
    }
  end
  table.insert(fake.built.plans, plan)
  return #fake.built.plans - 1
end

function C.weir_build_route(_, d)
  local route = {
    plan = tonumber(d.plan), id = str(d.id), regex_priority = tonumber(d.regex_priority),
    hosts = list(d.hosts, d.host_count), paths = list(d.paths, d.path_count),
    methods = list(d.methods, d.method_count), snis = list(d.snis, d.sni_count), headers = {},
  }
  for i = 0, tonumber(d.header_count) - 1 do
    route.headers[str(d.headers[i].name)] = list(d.headers[i].values, d.headers[i].count)
  end
  table.insert(fake.built.routes, route)
  return 0
end

function C.weir_build_certificate(_, sni, n, credential)
  table.insert(fake.built.certificates,
    { sni = text(sni, n), credential = fake.content_of(credential) })
  return 0
end

function C.weir_build_entities(_, p, n)
  fake.built.entities = (fake.built.entities or "") .. (text(p, n) or "")
  return 0
end

function C.weir_build_blob(_, p, n)
  fake.built.blob = text(p, n)
  return 0
end

function C.weir_build_hash(_, p, n)
  fake.built.hash = text(p, n)
  return 0
end

function C.weir_build_publish()
  table.insert(fake.published, fake.built)
  return #fake.published
end

-- ---- the request

--- A request.
-- @tparam table want phase (name), texts and numbers (by constant name without WEIR_), headers,
-- body, headers_service, headers_response (name -> value, or list of values), verdict, tried (list
-- of { ip, port, status, failure, began_ns, chosen_in_ns, verdict })
function fake.new_request(want)
  local request = {
    phase = want.phase, texts = {}, numbers = {}, body = want.body, service = {}, lists = {},
    chunk = want.chunk, last = want.last, verdict = want.verdict, tried = want.tried or {},
    held = want.held,
    captures = want.captures, capture_names = want.capture_names,
  }
  for name, value in pairs(want.texts or {}) do
    request.texts[tonumber(ffi.C["WEIR_" .. name])] = value
  end
  for name, value in pairs(want.numbers or {}) do
    request.numbers[tonumber(ffi.C["WEIR_" .. name])] = value
  end
  local function fields(where, headers)
    local array = {}
    for name, value in pairs(headers or {}) do
      for _, one in ipairs(type(value) == "table" and value or { value }) do
        table.insert(array, { name, one })
      end
    end
    request.lists[tonumber(ffi.C["WEIR_HEADERS_" .. where])] = array
  end
  fields("REQUEST", want.headers)
  request.lists[tonumber(ffi.C.WEIR_HEADERS_UPSTREAM)] =
    request.lists[tonumber(ffi.C.WEIR_HEADERS_REQUEST)]
  fields("SERVICE", want.headers_service)
  fields("RESPONSE", want.headers_response)
  return request
end

function C.weir_request_str(what, out)
  local value = fake.request and fake.request.texts[tonumber(what)]
  if not value then
    return fake.request and NONE or PHASE
  end
  give(out, value)
  return 0
end

function C.weir_request_number(what)
  local request = fake.request
  if not request then
    return PHASE
  end
  return request.numbers[tonumber(what)] or NONE
end

-- `captures`: list of texts or false; `capture_names`: list of { name, number }.
function C.weir_route_captures(out, max)
  local captures = fake.request.captures or {}
  for i = 1, math.min(max, #captures) do
    if captures[i] then
      give(out[i - 1], captures[i])
    else
      out[i - 1].p, out[i - 1].n = nil, 0
    end
  end
  return #captures
end

function C.weir_route_capture_name(index, out)
  local entry = (fake.request.capture_names or {})[index + 1]
  if not entry then
    return NONE
  end
  give(out, entry[1])
  return entry[2]
end

local function folded(name)
  return (name:lower():gsub("_", "-"))
end

function C.weir_header_get(where, name, n, out)
  for _, field in ipairs(fake.request.lists[tonumber(where)]) do
    if folded(field[1]) == folded(text(name, n)) then
      give(out, field[2])
      return 0
    end
  end
  return NONE
end

function C.weir_headers(where, out, max)
  local fields = fake.request.lists[tonumber(where)]
  for i = 1, math.min(max, #fields) do
    give(out[i - 1].name, fields[i][1])
    give(out[i - 1].value, fields[i][2])
  end
  return #fields
end

-- The head of the response is out.
local function is_late(where)
  return where == ffi.C.WEIR_HEADERS_RESPONSE
    and fake.request.numbers[tonumber(ffi.C.WEIR_RESPONSE_SENT)] == 1
end

function C.weir_header_remove(where, name, n)
  if is_late(where) then
    return PHASE
  end
  local fields = fake.request.lists[tonumber(where)]
  for i = #fields, 1, -1 do
    if fields[i][1]:lower() == text(name, n):lower() then
      table.remove(fields, i)
    end
  end
  return 0
end

function C.weir_header_add(where, name, n, value, vn)
  if is_late(where) then
    return PHASE
  end
  if text(value, vn):find("[%c]") then
    return refuse("not a header name, or a value with control characters")
  end
  table.insert(fake.request.lists[tonumber(where)], { text(name, n), text(value, vn) })
  return 0
end

function C.weir_header_set(where, name, n, value, vn)
  local result = C.weir_header_remove(where, name, n)
  return result < 0 and result or C.weir_header_add(where, name, n, value, vn)
end

--- All values of a field.
function fake.header(where, name)
  local values = {}
  for _, field in ipairs(fake.request.lists[tonumber(ffi.C["WEIR_HEADERS_" .. where])]) do
    if folded(field[1]) == folded(name) then
      table.insert(values, field[2])
    end
  end
  return values
end

local function keep(field)
  return function(p, n)
    fake.request.service[field] = text(p, n)
    return 0
  end
end

C.weir_service_set_method = keep("method")
C.weir_service_set_path = keep("path")
C.weir_service_set_query = keep("query")
C.weir_service_set_body = keep("body")

function C.weir_client_request_certificate()
  return 0
end

function C.weir_client_forbid_sessions()
  return 0
end

function C.weir_client_chain()
  return NONE
end

function C.weir_service_hold()
  fake.request.service.held = true
  return 0
end

function C.weir_service_held(out)
  if not fake.request.held then
    return NONE
  end
  give(out, fake.request.held)
  return 0
end

function C.weir_service_set_scheme(tls)
  fake.request.service.tls = tls
  return 0
end

function C.weir_service_set_target(host, n, port)
  fake.request.service.target = { text(host, n), port }
  return 0
end

function C.weir_service_set_upstream(name, n)
  if text(name, n) ~= "known" then
    return NONE
  end
  fake.request.service.upstream = text(name, n)
  return 0
end

function C.weir_service_set_timeouts(connect, write, read)
  fake.request.service.timeouts = { connect, write, read }
  return 0
end

function C.weir_service_set_retries(n)
  fake.request.service.retries = n
  return 0
end

function C.weir_service_ask_before_retry()
  fake.request.service.asks_before_retry = true
  return 0
end

function C.weir_service_set_verify(on)
  fake.request.service.verify = on
  return 0
end

function C.weir_service_set_depth(depth)
  if depth < 0 or depth > 100 then
    fake.request.service.failed = true
    return refuse("a verification depth is between 0 and 100")
  end
  fake.request.service.depth = depth
  return 0
end

local function choose(field)
  return function(pointer)
    if pointer == nil then
      fake.request.service.failed = true
      return refuse("nothing there")
    end
    fake.request.service[field] = fake.content_of(pointer)
    return 0
  end
end

C.weir_service_set_trust = choose("trust")
C.weir_service_set_credential = choose("credential")
C.weir_service_set_policy = choose("policy")

function C.weir_tls_verdict(out)
  local verdict = fake.request and fake.request.verdict
  if not verdict then
    return fake.request and NONE or PHASE
  end
  fill(out, verdict)
  return 0
end

function C.weir_tried(index, out)
  local one = fake.request.tried[index + 1]
  if not one then
    return NONE
  end
  give(out.ip, one.ip)
  give(out.failure, one.failure or "")
  out.port, out.status = one.port, one.status or 0
  out.began_ns, out.chosen_in_ns = one.began_ns, one.chosen_in_ns
  return 0
end

function C.weir_tried_verdict(index, out)
  local one = fake.request.tried[index + 1]
  if not one or not one.verdict then
    return NONE
  end
  fill(out, one.verdict)
  return 0
end

function C.weir_response_exit(status, p, n, has_body)
  fake.request.exit = { status = status, body = has_body == 1 and text(p, n) or nil }
  return 0
end

function C.weir_response_say(p, n)
  fake.request.said = (fake.request.said or "") .. text(p, n)
  return 0
end

function C.weir_response_said()
  return fake.request.said and 1 or 0
end

function C.weir_response_error(status, p, n, form)
  fake.request.failure = { status = status, message = text(p, n), form = form }
  return 0
end

function C.weir_response_set_status(status)
  if status < 200 then
    return refuse("a status is between 200 and 599")
  end
  fake.request.status = status
  return 0
end

function C.weir_request_body(out)
  if fake.request.waiting then
    return 0
  elseif fake.request.body == "too large" then
    return refuse("request body did not fit into client body buffer, consider raising "
      .. "'client_body_buffer_size'")
  end
  give(out, fake.request.body or "")
  return 1
end

function C.weir_chunk_get(out, last)
  if fake.request.phase ~= "body_filter" then
    return PHASE
  end
  give(out, fake.request.chunk)
  last[0] = fake.request.last and 1 or 0
  return 0
end

function C.weir_chunk_set(p, n)
  fake.request.chunk = text(p, n)
  return 0
end

function C.weir_chunk_set_last(last)
  fake.request.last = last == 1
  return 0
end

-- ---- installing

-- Leaving a handler for good is an error here, which run() takes for what it is.
local EXIT = setmetatable({}, { __tostring = function() return "exit" end })

--- Calls a handler until it ends or exits.
-- @treturn boolean whether it exited
function fake.run(fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then
    return false
  end
  assert(err == EXIT, tostring(err))
  return true
end

local turn = setmetatable({}, {
  __index = function()
    local number = fake.request and MEANING[fake.request.phase]
    return number and 2 ^ number or 0
  end,
})

--- Makes it the core of the modules that are required from here on.
function fake.install()
  declare()
  fake.log, fake.level, fake.seed = {}, 7, 42
  fake.cache_numbers = ffi.new("uint32_t[?]", ffi.C.WEIR_CACHE_NUMBERS)
  fake.content, fake.handles = {}, 0
  fake.published, fake.freed, fake.counters, fake.tally = {}, 0, {}, {}
  fake.error, fake.request, fake.lua_bytes = "", nil, {}
  package.loaded["weir.abi"] = {
    C = setmetatable(C, { __index = ffi.C }), phases = PHASES, turn = turn, running = { [0] = 0 },
  }
  package.loaded["weir.wait"] = {
    TOKEN = {},
    body = function()
      fake.request.waiting = nil
      if fake.request.body == "too large" then
        return nil, "too large after all"
      end
      return fake.request.body
    end,
    sleep = function() end,
    after = function() end,
    timers = function() return 0, 0 end,
    exit = function()
      error(EXIT, 0)
    end,
  }
  return fake
end

return fake
