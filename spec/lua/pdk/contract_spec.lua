-- The PDK's functions, row by row: where each may be called, with Kong's text where it may not, and
-- what it says of arguments that are none.

local fake = require("spec.support.fake_abi").install()
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local pdk = require("weir.pdk")

-- Kong's phases in the order of its numbers, then weir's.
local ORDER = {
  "init_worker", "certificate", "client_hello", "rewrite", "access", "balancer", "response",
  "header_filter", "body_filter", "log", "preread", "error", "admin_api", "upstream_verify",
}

local function words(text)
  local set = {}
  for word in text:gmatch("%S+") do
    set[word] = true
  end
  return set
end

local REQ = words("rewrite access balancer response header_filter body_filter log error admin_api")
local AUTH = words("access response header_filter body_filter log")
local HBL = words("response header_filter body_filter log error admin_api")
local RAH = words("rewrite access balancer response header_filter error admin_api")
local RA = words("rewrite access")
local RAB = words("rewrite access balancer")
local RABP = words("rewrite access balancer preread")
local BODY = words("rewrite access response error admin_api")
local AFTER = words("response header_filter body_filter log")
local SERIALIZED =
  words("certificate rewrite access balancer response header_filter body_filter log")
local ACCESS, BALANCER = words("access"), words("preread balancer")
local BODY_FILTER, LOG = words("body_filter"), words("log")
local REQUEST = "any phase with a request"
local ANY = "any phase"

local UUID = "fd02801f-0957-4a15-a55a-c8d9606f30b5"
local MAX_HEADERS = {
  { { "x" }, "max_headers must be a number" }, { { 0 }, "max_headers must be >= 1" },
  { { 1001 }, "max_headers must be <= 1000" },
}
local STATUS = "code must be a number between 100 and 599"

-- name -> phases, arguments that are good, and pairs of bad ones and what is said of them
local FUNCTIONS = {
  ["request.get_scheme"] = { REQ },
  ["request.get_host"] = { REQ },
  ["request.get_port"] = { REQUEST },
  ["request.get_forwarded_scheme"] = { REQ },
  ["request.get_forwarded_host"] = { REQ },
  ["request.get_forwarded_port"] = { REQ },
  ["request.get_forwarded_path"] = { REQ },
  ["request.get_forwarded_prefix"] = { REQ },
  ["request.get_http_version"] = { REQ },
  ["request.get_method"] = { REQ },
  ["request.get_path"] = { REQ },
  ["request.get_raw_path"] = { REQ },
  ["request.get_path_with_query"] = { REQ },
  ["request.get_raw_query"] = { REQ },
  ["request.get_query_arg"] = { REQ, { "a" }, { { 1 }, "query argument name must be a string" } },
  ["request.get_query"] = { REQ, {}, { { "x" }, "max_args must be a number" },
    { { 0 }, "max_args must be >= 1" }, { { 1001 }, "max_args must be <= 1000" } },
  ["request.get_header"] = { REQ, { "a" }, { {}, "header name must be a string" } },
  ["request.get_headers"] = { REQ, {}, unpack(MAX_HEADERS) },
  ["request.get_raw_body"] = { BODY, {}, { { "x" }, "max_file_size must be a number" } },
  ["request.get_body"] = { BODY, {}, { { 1 }, "mimetype must be a string" },
    { { "x", "y" }, "max_args must be a number" },
    { { "x", 1, "z" }, "max_file_size must be a number" } },
  ["request.get_start_time"] = { REQ },
  ["request.get_uri_captures"] = { REQ },

  ["client.get_ip"] = { REQUEST },
  ["client.get_port"] = { REQUEST },
  ["client.get_forwarded_ip"] = { REQUEST },
  ["client.get_forwarded_port"] = { REQUEST },
  ["client.get_credential"] = { AUTH },
  ["client.get_consumer"] = { AUTH },
  ["client.load_consumer"] = { AUTH, { UUID },
    { { "bob" }, "cannot load a consumer with an id that is not a uuid" } },
  ["client.authenticate"] = { ACCESS, { { id = UUID } },
    { {}, "either credential or consumer must be provided" } },
  ["client.get_protocol"] = { AUTH },
  ["client.tls.request_client_certificate"] = { words("certificate") },
  ["client.tls.disable_session_reuse"] = { words("certificate") },
  ["client.tls.get_full_client_certificate_chain"] = {
    words("rewrite access balancer response log"),
  },
  ["client.tls.set_client_verify"] = { words("rewrite access balancer response"), { "SUCCESS" },
    { { true }, "client verify result must be a string" },
    { { "x" }, 'unknown client verify result "x": "SUCCESS", "NONE" or "FAILED:reason" expected' },
  },

  ["service.set_upstream"] = { ACCESS, { "known" }, { { 1 }, "host must be a string" } },
  ["service.set_target"] = { RABP, { "h", 80 }, { { 1 }, "host must be a string" },
    { { "h", "80" }, "port must be an integer" },
    { { "h", -1 }, "port must be an integer between 0 and 65535: given -1" } },
  ["service.set_retries"] = { ACCESS, { 1 }, { { 1.5 }, "retries must be an integer" },
    { { 32768 }, "retries must be an integer between 0 and 32767: given 32768" } },
  ["service.set_target_retry_callback"] = { ACCESS, { print },
    { { 1 }, "retry_callback must be a function" } },
  ["service.set_timeouts"] = { ACCESS, { 1, 1, 1 },
    { { "x", 1, 1 }, "connect_timeout must be an integer" },
    { { 1, 0, 1 }, "write_timeout must be an integer between 1 and 2147483646: given 0" } },
  ["service.set_tls_verify"] = { RABP, { true }, { { 1 }, "argument must be a boolean" } },
  ["service.set_tls_verify_depth"] = { RABP, { 1 }, { { "1" }, "argument must be a number" } },
  ["service.set_tls_verify_store"] = { RABP, nil,
    { { {} }, "argument must be a resty.openssl.x509.store object" } },
  ["service.set_tls_cert_key"] = { RABP, nil,
    { { "PEM" }, "chain must be a parsed cdata object" } },
  ["service.set_tls_policy"] = { RABP, nil,
    { { {} }, "argument must be a policy of kong.tls.policy" } },
  ["service.get_tls_verdict"] = { AFTER },

  ["service.request.enable_buffering"] = { RAB },
  ["service.request.set_scheme"] = { RAB, { "https" }, { { 1 }, "scheme must be a string" },
    { { "ftp" }, "invalid scheme: ftp" } },
  ["service.request.set_path"] = { RAB, { "/" }, { { 1 }, "path must be a string" },
    { { "x" }, "path must start with /" } },
  ["service.request.set_raw_query"] = { RA, { "a" }, { { 1 }, "query must be a string" } },
  ["service.request.set_query"] = { RA, { { a = 1 } }, { { 1 }, "args must be a table" },
    { { { "x" } }, "arg keys must be strings" } },
  ["service.request.clear_query_arg"] = { RA, { "a" },
    { { 1 }, "query argument name must be a string" } },
  ["service.request.set_method"] = { RA, { "PUT" }, { { 1 }, "method must be a string" },
    { { "get" }, "invalid method: get" } },
  ["service.request.set_header"] = { RAB, { "a", true },
    { { 1, "x" }, 'invalid header name "1": got number, expected string' },
    { { "a" }, 'invalid header value for "a": got nil, expected array of string, string, number '
      .. "or boolean" } },
  ["service.request.add_header"] = { RA, { "a", { "b" } },
    { { "a", { {} } }, 'invalid header value in array "a": got table, expected string' } },
  ["service.request.clear_header"] = { RA, { "a" },
    { {}, 'invalid header name "nil": got nil, expected string' } },
  ["service.request.set_headers"] = { RA, { { a = "b" } },
    { { "x" }, "headers must be a table" } },
  ["service.request.set_raw_body"] = { RAB, { "x" }, { { 1 }, "body must be a string" } },
  ["service.request.set_body"] = { RA, { { a = 1 }, "application/json" },
    { { 1 }, "args must be a table" }, { { {}, 1 }, "mimetype must be a string" } },
  ["service.request.enable_tls"] = { BALANCER },
  ["service.request.disable_tls"] = { BALANCER },

  ["service.response.get_status"] = { AFTER },
  ["service.response.get_header"] = { AFTER, { "a" }, { { 1 }, "header name must be a string" } },
  ["service.response.get_headers"] = { AFTER, {}, unpack(MAX_HEADERS) },
  ["service.response.get_raw_body"] = { AFTER },
  ["service.response.get_body"] = { AFTER, {}, { { 1 }, "mimetype must be a string" },
    { { "x", "y" }, "max_args must be a number" } },

  ["response.get_status"] = { HBL },
  ["response.get_header"] = { HBL, { "a" }, { { 1 }, "header name must be a string" } },
  ["response.get_headers"] = { HBL, {}, unpack(MAX_HEADERS) },
  ["response.get_source"] = { HBL },
  ["response.set_status"] = { RAH, { 200 }, { { "x" }, "code must be a number" },
    { { 99 }, STATUS }, { { 600 }, STATUS } },
  ["response.set_header"] = { RAH, { "a", 1 },
    { { 1, 1 }, 'invalid header name "1": got number, expected string' } },
  ["response.add_header"] = { RAH, { "a", 1 },
    { { "a", print }, 'invalid header value for "a": got function, expected array of string, '
      .. "string, number or boolean" } },
  ["response.clear_header"] = { RAH, { "a" },
    { {}, 'invalid header name "nil": got nil, expected string' } },
  ["response.set_headers"] = { RAH, { {} }, { { 1 }, "headers must be a table" } },
  ["response.get_raw_body"] = { BODY_FILTER },
  ["response.set_raw_body"] = { BODY_FILTER, { "x" }, { { 1 }, "body must be a string" } },
  ["response.exit"] = { RAH, { 200 }, { { "x" }, "code must be a number" }, { { 99 }, STATUS },
    { { 200, 1 }, "body must be a nil, string or table" },
    { { 200, "x", 1 }, "headers must be a nil or table" } },
  ["response.error"] = { RAH, { 500 },
    { { 399 }, "code must be a number between 400 and 599" },
    { { 500, 1 }, "message must be a nil, a string or a table" },
    { { 500, "x", 1 }, "headers must be a nil or table" } },

  ["router.get_route"] = { AUTH },
  ["router.get_service"] = { AUTH },

  ["ip.is_trusted"] = { ANY, { "10.0.0.1" }, { { 1 }, "address must be a string" } },

  ["log"] = { ANY, { "x" } },
  ["log.emerg"] = { ANY }, ["log.alert"] = { ANY }, ["log.crit"] = { ANY }, ["log.err"] = { ANY },
  ["log.error"] = { ANY },
  ["log.warn"] = { ANY }, ["log.notice"] = { ANY }, ["log.info"] = { ANY },
  ["log.debug"] = { ANY }, ["log.inspect"] = { ANY }, ["log.inspect.on"] = { ANY },
  ["log.inspect.off"] = { ANY }, ["log.set_format"] = { ANY, { "%message" } },
  ["log.deprecation"] = { ANY, { "x" } }, ["log.new"] = { ANY, { "x" } },
  ["log.set_serialize_value"] = { SERIALIZED, { "k", 1 }, { { 1 }, "key must be a string" } },
  ["log.serialize"] = { LOG },

  ["nginx.get_subsystem"] = { ANY },
  ["nginx.get_statistics"] = { ANY },
  ["node.get_id"] = { ANY },
  ["node.get_hostname"] = { ANY },
  ["node.get_memory_stats"] = { ANY },
  ["node.get_statistics"] = { ANY },
  ["cluster.get_id"] = { ANY },
  ["cluster_events.subscribe"] = { ANY, { {}, "c", print }, { {}, "channel must be a string" },
    { { {}, "c" }, "callback must be a function" } },
  ["cluster_events.broadcast"] = { ANY, { {}, "c", "d", 1 }, { {}, "channel must be a string" },
    { { {}, "c" }, "data must be a string" }, { { {}, "c", "d", "e" }, "delay must be a number" } },
  ["worker_events.register"] = { ANY, { type, "s" }, { {}, "callback must be a function" },
    { { type }, "source must be a string" } },
  ["worker_events.unregister"] = { ANY, { type, "s" }, { {}, "callback must be a function" },
    { { type }, "source must be a string" } },
  ["worker_events.subscribe"] = { ANY, { "s", "e", type }, { {}, "source must be a string" },
    { { "s" }, "event must be a string" }, { { "s", "e" }, "callback must be a function" } },
  ["worker_events.post"] = { ANY, { "s", "e" }, { {}, "source must be a string" },
    { { "s" }, "event must be a string" } },
  ["worker_events.post_local"] = { ANY, { "s", "e" }, { {}, "source must be a string" },
    { { "s" }, "event must be a string" } },
  ["worker_events.publish"] = { ANY, { "current", "s", "e" }, { { "all" },
    "source must be a string" } },
  ["worker_events.poll"] = { ANY },
  ["table.new"] = { ANY, { 1, 1 } },
  ["table.clear"] = { ANY, { {} } },
  ["table.merge"] = { ANY },
  ["plugin.get_id"] = { ANY },
  ["tracing.active_span"] = { ANY },
  ["tracing.set_active_span"] = { ANY },
  ["tracing.start_span"] = { ANY, { "x" } },
  ["tracing.create_span"] = { ANY, { "x" } },
  ["tracing.process_span"] = { LOG, { print }, { {}, "processor must be a function" } },
  ["tracing.set_should_sample"] = { ANY },
  ["tracing.get_sampling_decision"] = { ANY },
  ["tracing.new"] = { ANY, { "x" } },
  ["vault.is_reference"] = { ANY, { "x" } },
  ["vault.parse_reference"] = { ANY, { "{vault://env/x}" } },
  ["vault.get"] = { ANY, { "{vault://env/x}" } },
  ["vault.update"] = { ANY, { {} } },
  ["vault.try"] = { ANY, { tostring, {} } },
  ["vault.flush"] = { ANY }, ["vault.init_worker"] = { ANY }, ["vault.warmup"] = { ANY, { {} } },
  ["telemetry.log"] = { ANY, { "x", {}, "y" } },
  ["configuration.remove_sensitive"] = { ANY },
}

local function find(name)
  local value = _G.kong
  for part in name:gmatch("[^.]+") do
    value = value and value[part]
  end
  return value
end

local function list(set)
  local names = {}
  for _, name in ipairs(ORDER) do
    if set[name] then
      names[#names + 1] = name
    end
  end
  return table.concat(names, ", ")
end

-- The text of the refusal, nil where the function may be called.
local function refusal(phases, phase)
  if phases == ANY then
    return nil
  elseif phases == REQUEST then
    local without = { init_worker = true, upstream_verify = true }
    return without[phase] and ("function cannot be called in %s phase (can be called in any phases "
      .. "except: %s)"):format(phase, list({ init_worker = true, [phase] = true })) or nil
  end
  return not phases[phase] and ("function cannot be called in %s phase (only in: %s)"):format(phase,
    list(phases)) or nil
end

-- Calls it from a chunk of a plugin's; what was raised there, without the place.
local function call(name, ...)
  local chunk = assert(loadstring("local f = ...\nf(select(2, ...)) return true", "=plugin"))
  local arguments = { find(name), ... }
  local count = select("#", ...) + 1
  local err
  fake.run(function()
    local ok, raised = pcall(chunk, unpack(arguments, 1, count))
    if not ok and type(raised) == "table" then
      error(raised, 0) -- the answer was made
    end
    err = not ok and tostring(raised) or nil
  end)
  return err
end

describe("the PDK", function()
  local phases = { init_worker = true }
  for _, name in pairs(abi.phases) do
    phases[name] = true
  end

  before_each(function()
    fake.install()
    pdk.install({ node_id = UUID, lua_max_pending_timers = 1, lua_max_running_timers = 1 })
    current.slot = 1
    current.generation = {
      settings = { plugins = {} }, entities = { consumers = {}, vaults = {} }, plans = {},
    }
  end)
  after_each(function()
    current.release(1)
    _G.kong.log.set_format(nil)
    current.slot, current.generation = 0, nil
  end)

  local function enter(phase)
    fake.request = phase ~= "init_worker" and fake.new_request({
      phase = phase, chunk = "x", last = true, held = "x",
      texts = { REQUEST_TARGET = "/", REQUEST_HOST = "h" },
      numbers = {
        REQUEST_PORT = 80, REQUEST_START_MS = 1, REQUEST_PLAN = 1, RESPONSE_STATUS = 200,
        RESPONSE_HEAD_BYTES = 1, RESPONSE_BYTES = 1,
      },
    }) or nil
    if not fake.request then
      current.slot = 0
    end
  end

  for name, row in pairs(FUNCTIONS) do
    describe("kong." .. name, function()
      it("is there", function()
        local fn = find(name)
        assert.is_true(type(fn) == "function" or getmetatable(fn).__call ~= nil)
      end)

      for phase in pairs(phases) do
        local refused = refusal(row[1], phase)
        if refused then
          it("is refused in " .. phase, function()
            enter(phase)
            assert.equal("plugin:2: " .. refused, call(name, unpack(row[2] or {})))
          end)
        elseif row[2] or not row[3] then
          it("can be called in " .. phase, function()
            enter(phase)
            assert.is_nil(call(name, unpack(row[2] or {})))
          end)
        end
      end

      for i = 3, #row do
        local arguments, message = row[i][1], row[i][2]
        it("says that " .. message, function()
          enter((type(row[1]) == "string" or row[1].access) and "access"
            or row[1].log and "log" or "body_filter")
          assert.equal("plugin:2: " .. message, call(name, unpack(arguments)))
        end)
      end
    end)
  end
end)
