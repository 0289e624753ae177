-- The rest of the PDK: log, ctx, configuration, node, ip, table; and the global ngx.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")

local kong, ngx

before_each(function()
  fake.install()
  kong = pdk.install({
    node_id = "the-node", trusted_ips = { "10.0.0.0/8", "1.2.3.4", "2001:db8::/33", "0.0.0.1/32" },
    ssl_cert_key = { "/secret" }, log_level = "notice",
  })
  ngx = _G.ngx
end)

local function last_line()
  local line = fake.log[#fake.log]
  return line and line.text, line and line.level
end

describe("kong", function()
  it("has versions that plugins can compare", function()
    assert.equal("3.9.0", kong.version)
    assert.equal(3009000, kong.version_num)
    assert.equal("9.8.7", kong.weir_version)
    assert.equal("3.9.0", require("kong.meta")._VERSION)
  end)

  it("is the global weir, too", function()
    assert.equal(kong, weir)
  end)

  it("shows settings and lets nobody change them", function()
    assert.equal("notice", kong.configuration.log_level)
    assert.is_nil(kong.configuration.nothing)
    assert.has_error(function() kong.configuration.log_level = "debug" end,
      "cannot write to configuration")
    local public = kong.configuration.remove_sensitive()
    assert.equal("******", public.ssl_cert_key)
    assert.equal("notice", public.log_level)
    assert.is_nil(public.remove_sensitive)
  end)

  it("knows the node, the subsystem and the plugin", function()
    assert.equal("the-node", kong.node.get_id())
    assert.equal("host.example", kong.node.get_hostname())
    fake.lua_bytes = { [0] = 2049 }
    local stats = kong.node.get_memory_stats()
    assert.same({ { pid = 4711, http_allocated_gc = 2049 } }, stats.workers_lua_vms)
    assert.equal(5242880, stats.lua_shared_dicts.kong.capacity)
    assert.equal("2.001 KiB",
      kong.node.get_memory_stats("K", 3).workers_lua_vms[1].http_allocated_gc)
    assert.has_error(function() kong.node.get_memory_stats("V") end,
      "invalid unit 'V' (expected 'k/K', 'm/M', or 'g/G')")
    assert.equal("http", kong.nginx.get_subsystem())
    assert.is_nil(kong.plugin.get_id())
    current.plugin = { id = "p", name = "own" }
    assert.equal("p", kong.plugin.get_id())
    current.plugin = nil
  end)

  it("helps with tables", function()
    assert.same({ a = 2, b = 1, c = 3 }, kong.table.merge({ a = 1, b = 1 }, { a = 2, c = 3 }))
    assert.same({}, kong.table.merge(nil, nil))
    local t = kong.table.new(4, 4)
    t[1], t.a = 1, 2
    kong.table.clear(t)
    assert.same({}, t)
  end)
end)

describe("kong.ip.is_trusted", function()
  local cases = {
    ["10.0.0.0"] = true, ["10.255.255.255"] = true, ["11.0.0.0"] = false, ["9.255.255.255"] = false,
    ["1.2.3.4"] = true, ["1.2.3.5"] = false, ["2001:db8::1"] = true, ["2001:db8:7fff::"] = true,
    ["2001:db8:8000::"] = false, ["2001:db9::"] = false, ["0.0.0.1"] = true, ["::1"] = false,
    ["x"] = false, [""] = false, ["10.0.0.0/8"] = false,
  }
  for address, trusted in pairs(cases) do
    it(("is %s for '%s'"):format(tostring(trusted), address), function()
      assert.equal(trusted, kong.ip.is_trusted(address))
    end)
  end

  it("follows the settings", function()
    assert.is_true(kong.ip.is_trusted("10.1.1.1"))
    pdk.install({ trusted_ips = { "0.0.0.0/0" } })
    assert.is_true(kong.ip.is_trusted("99.1.1.1"))
    assert.is_false(kong.ip.is_trusted("::1"))
    pdk.install({})
    assert.is_false(kong.ip.is_trusted("10.1.1.1"))
    assert.has_error(function() kong.ip.is_trusted(1) end, "address must be a string")
  end)
end)

describe("kong.ctx", function()
  local one, two = { name = "one" }, { name = "two" }

  before_each(function()
    current.slot = 1
  end)
  after_each(function()
    current.release(1)
    current.release(2)
    current.slot, current.plugin = 0, nil
  end)

  it("is shared by all plugins, or a plugin's own", function()
    current.plugin = one
    kong.ctx.shared.x, kong.ctx.plugin.x = 1, 2
    current.plugin = two
    assert.equal(1, kong.ctx.shared.x)
    assert.is_nil(kong.ctx.plugin.x)
    current.plugin = one
    assert.equal(2, kong.ctx.plugin.x)
    kong.ctx.other.x = 3
    assert.equal(3, kong.ctx.other.x)
  end)

  it("belongs to one request, and is empty for the next in its place", function()
    current.plugin = one
    kong.ctx.shared.x, kong.ctx.plugin.x, ngx.ctx.x = 1, 1, 1
    current.slot = 2
    assert.is_nil(kong.ctx.shared.x)
    assert.is_nil(kong.ctx.plugin.x)
    assert.is_nil(ngx.ctx.x)
    current.slot = 1
    assert.equal(1, ngx.ctx.x)
    current.release(1)
    assert.same({}, kong.ctx.shared)
    assert.same({}, kong.ctx.plugin)
    assert.same({}, ngx.ctx)
  end)

  it("is not there outside of requests", function()
    current.slot = 0
    assert.is_nil(kong.ctx.shared)
    assert.is_nil(kong.ctx.plugin)
    assert.is_nil(ngx.ctx)
  end)

  it("takes over what is assigned to ngx.ctx", function()
    ngx.ctx.old = 1
    ngx.ctx = { new = 2 }
    assert.same({ new = 2 }, ngx.ctx)
  end)
end)

describe("kong.nginx", function()
  it("counts connections", function()
    fake.counters = {
      connections_accepted = 9, connections_active = 6, connections_reading = 1,
      connections_writing = 2, requests_total = 20,
    }
    assert.same({
      connections_active = 6, connections_reading = 1, connections_writing = 2,
      connections_waiting = 3, connections_accepted = 9, connections_handled = 9,
      total_requests = 20,
    }, kong.nginx.get_statistics())
    fake.counters.connections_active = 1
    assert.equal(0, kong.nginx.get_statistics().connections_waiting)
  end)
end)

describe("kong.tracing", function()
  it("keeps nothing that a plugin writes into a span, which all requests have", function()
    local span = kong.tracing.start_span("x")
    local finish = span.finish
    span.user, span.finish, span.is_recording = "ann", error, true
    local other = kong.tracing.start_span("y")
    assert.is_nil(other.user)
    assert.equal(finish, other.finish)
    assert.is_false(other.is_recording)
  end)

  it("has spans that record nothing", function()
    local span = kong.tracing.start_span("x", { attributes = {} })
    for _, name in ipairs({ "set_attribute", "add_event", "record_error", "set_status", "finish" })
    do
      assert.is_nil(span[name](span, "x", 1))
    end
    assert.is_false(span.should_sample)
    for _ in span:each_baggage_item() do
      error("there is none")
    end
    assert.is_nil(kong.tracing.active_span())
    assert.is_false(kong.tracing:get_sampling_decision(nil, 1))
    kong.tracing:set_should_sample(true)
    assert.equal("mine", kong.tracing.new("mine").name)
    assert.is_table(kong.tracing.new("mine").start_span("x"))
  end)

  it("processes none", function()
    fake.request = fake.new_request({ phase = "log" })
    kong.tracing.process_span(function() error("there is none") end)
  end)
end)

describe("kong.telemetry", function()
  it("writes records at level debug", function()
    assert.is_true(kong.telemetry.log("own", {}, "event", "text", { a = 1 }))
    assert.same({ '[kong] telemetry [own] event: text {"a":1}', 7 }, { last_line() })
    fake.level = 6
    assert.is_true(kong.telemetry.log("own", {}, "event"))
    assert.equal(1, #fake.log)
  end)

  local mistakes = {
    { { 1 }, "plugin_name must be a string" },
    { { "x", 1 }, "plugin_config must be a table" },
    { { "x", {}, 1 }, "message_type must be a string" },
    { { "x", {}, "y", 1 }, "message must be a string" },
    { { "x", {}, "y", "z", 1 }, "attributes must be a table" },
  }
  for _, mistake in ipairs(mistakes) do
    it("says that " .. mistake[2], function()
      assert.same({ nil, mistake[2] }, { kong.telemetry.log(unpack(mistake[1])) })
    end)
  end
end)

describe("kong.cluster", function()
  it("is none", function()
    assert.same({ nil, "this gateway is not part of a cluster" }, { kong.cluster.get_id() })
  end)
end)

describe("kong.cluster_events", function()
  it("reaches nobody, as in Kong without a database", function()
    local heard = 0
    local function hear() heard = heard + 1 end
    assert.is_true(kong.cluster_events:subscribe("purge", hear))
    assert.is_true(kong.cluster_events:broadcast("purge", "x"))
    assert.equal(0, heard)
  end)
end)

describe("kong.log", function()
  local function from_plugin(code)
    return loadstring("\n" .. code, "@/some/where/handler.lua")()
  end

  it("names file, line and plugin", function()
    current.plugin = { name = "own" }
    from_plugin("kong.log.err('a', 1, nil, true)")
    current.plugin = nil
    assert.same({ "[kong] handler.lua:2 [own] a1niltrue", 3 }, { last_line() })
    from_plugin("kong.log.warn('x')")
    assert.same({ "[kong] handler.lua:2 x", 4 }, { last_line() })
  end)

  it("has Kong's levels; called itself it is a notice", function()
    local levels = {
      emerg = 0, alert = 1, crit = 2, err = 3, warn = 4, notice = 5, info = 6, debug = 7,
    }
    for name, level in pairs(levels) do
      kong.log[name]("x")
      assert.equal(level, select(2, last_line()))
    end
    from_plugin("kong.log('x', 'y')")
    assert.same({ "[kong] handler.lua:2 xy", 5 }, { last_line() })
  end)

  it("puts nothing together below the log's level", function()
    fake.level = 4
    local text = setmetatable({}, { __tostring = function() error("not to be called") end })
    kong.log.notice(text)
    kong.log(text)
    kong.log.inspect(text)
    assert.same({}, fake.log)
    kong.log.warn("x")
    assert.equal(1, #fake.log)
  end)

  it("shows values in full", function()
    from_plugin('kong.log.inspect({ 1, "a\\"\\n", k = { true }, ["x y"] = {} }, 2)')
    assert.equal('[kong] handler.lua:from_plugin:2\n{\n  1,\n  "a\\"\\n",\n  k = {\n'
      .. '    true\n  },\n  ["x y"] = {}\n} 2', (last_line()))
    local loop = {}
    loop.self = loop
    kong.log.inspect(loop)
    assert.matches("self = <table", (last_line()))
  end)

  it("can be told to be quiet about them", function()
    kong.log.inspect.off()
    kong.log.inspect("x")
    assert.same({}, fake.log)
    kong.log.inspect.on()
    kong.log.inspect("x")
    assert.equal(1, #fake.log)
  end)

  it("is quiet for one plugin only", function()
    current.plugin = { name = "quiet" }
    kong.log.inspect.off()
    current.plugin = { name = "other" }
    kong.log.inspect("x")
    current.plugin = { name = "quiet" }
    kong.log.inspect("y")
    kong.log.inspect.on()
    current.plugin = nil
    assert.equal(1, #fake.log)
    assert.matches('%[other%]\n"x"$', (last_line()))
  end)

  describe("formats", function()
    local cases = {
      ["%message"] = "[kong] a1",
      ["%file_src|%line_src|%func_name: %message!"] = "[kong] handler.lua|2|from_plugin: a1!",
      ["<%namespace> %message %message"] = "[kong] <own> a1 a1",
      ["100%% %of %message%"] = "[kong] 100% %of a1%",
    }
    for format, line in pairs(cases) do
      it(("write '%s'"):format(format), function()
        current.plugin = { name = "own" }
        kong.log.set_format(format)
        from_plugin("kong.log.err('a', 1)")
        current.plugin = nil
        local text = last_line()
        kong.log.err("x")
        assert.matches("pdk_spec%.lua:%d+ x$", (last_line()))
        current.plugin = { name = "own" }
        kong.log.set_format(nil)
        current.plugin = nil
        assert.equal(line, text)
      end)
    end

    it("name the function that logs", function()
      local log = kong.log.new("ns", "%func_name %message")
      local function a_function()
        log.warn("x")
        return true
      end
      assert.is_true(a_function())
      assert.equal("[kong] a_function x", (last_line()))
    end)

    it("are texts", function()
      assert.has_error(function() kong.log.set_format(1) end, "format must be a string")
    end)
  end)

  describe("new", function()
    it("makes a facility under a name", function()
      _G.facility = kong.log.new("mine")
      current.plugin = { name = "own" }
      from_plugin("facility.warn('x', 2)")
      assert.same({ "[kong] handler.lua:2 [mine] x2", 4 }, { last_line() })
      from_plugin("facility('y')")
      assert.same({ "[kong] handler.lua:2 [mine] y", 5 }, { last_line() })
      from_plugin("facility.inspect(1)")
      assert.equal("[kong] handler.lua:from_plugin:2 [mine]\n1", (last_line()))
      current.plugin, _G.facility = nil, nil
    end)

    it("gives it a format of its own", function()
      kong.log.new("mine", "%namespace> %message").err("x")
      assert.equal("[kong] mine> x", (last_line()))
      kong.log.new("mine").new("deeper", "%namespace> %message").err("x")
      assert.equal("[kong] deeper> x", (last_line()))
    end)

    local mistakes = {
      { {}, "namespace must be a string" },
      { { "" }, "namespace cannot be an empty string" },
      { { "x", 1 }, "format must be a string if specified" },
      { { "x", "" }, "format cannot be an empty string if specified" },
    }
    for _, mistake in ipairs(mistakes) do
      it("says that " .. mistake[2], function()
        assert.has_error(function() kong.log.new(unpack(mistake[1])) end, mistake[2])
      end)
    end
  end)

  describe("deprecation", function()
    local cases = {
      { "'a', 1", "a1" },
      { "'old', { after = '2.5.0' }", "old (deprecated after 2.5.0)" },
      { "'old', { removal = '3.0.0' }", "old (scheduled for removal in 3.0.0)" },
      { "'o', 'ld', { after = '2.5.0', removal = '3.0.0' }",
        "old (deprecated after 2.5.0, scheduled for removal in 3.0.0)" },
      { "'old', {}", "old" },
    }
    for _, case in ipairs(cases) do
      it("warns with " .. case[1], function()
        from_plugin(("kong.log.deprecation(%s)"):format(case[1]))
        assert.same({ "[kong] handler.lua:2 " .. case[2], 4 }, { last_line() })
      end)
    end

    it("shows the way on demand", function()
      from_plugin("kong.log.deprecation('old', { trace = true })")
      assert.matches("old\nstack traceback:\n\t/some/where/handler.lua:2:", (last_line()))
    end)

    it("costs nothing below the log's level", function()
      fake.level = 3
      local text = setmetatable({}, { __tostring = function() error("not to be called") end })
      kong.log.deprecation(text, 1)
      assert.same({}, fake.log)
    end)
  end)
end)

describe("ngx", function()
  it("tells time, worker and subsystem", function()
    assert.equal(1700000000, ngx.time())
    assert.equal(1700000000.123, ngx.now())
    ngx.update_time()
    assert.equal(0, ngx.worker.id())
    assert.equal(4711, ngx.worker.pid())
    fake.counters = { workers = 2 }
    assert.equal(2, ngx.worker.count())
    assert.same({ 4711, 4711 }, ngx.worker.pids())
    assert.is_false(ngx.worker.exiting())
    assert.equal("http", ngx.config.subsystem)
    assert.equal(require("cjson").null, ngx.null)
    assert.equal("b", ngx.re.match("abc", "b")[0])
    assert.equal("900150983cd24fb0d6963f7d28e17f72", ngx.md5("abc"))
    assert.equal("a%20b", ngx.escape_uri("a b"))
    assert.equal("Zg==", ngx.encode_base64("f"))
  end)

  it("knows the phase", function()
    assert.equal("init_worker", ngx.get_phase())
    fake.request = fake.new_request({ phase = "log" })
    assert.equal("log", ngx.get_phase())
  end)

  it("logs like nginx", function()
    loadstring("function f() ngx.log(ngx.ERR, 'a', 1, nil) end f()", "@/x/handler.lua")()
    assert.same({ "[lua] handler.lua:1: f(): a1nil", 3 }, { last_line() })
    fake.level = 3
    ngx.log(ngx.WARN, "x")
    assert.equal(1, #fake.log)
    ngx.log(ngx.STDERR, "first")
    assert.equal(0, fake.log[2].level)
    assert.same({ 0, 1, 2, 3, 4, 5, 6, 7, 8 }, {
      ngx.STDERR, ngx.EMERG, ngx.ALERT, ngx.CRIT, ngx.ERR, ngx.WARN, ngx.NOTICE, ngx.INFO,
      ngx.DEBUG,
    })
    assert.has_error(function() ngx.log(9, "x") end, "bad log level: 9")
  end)

  it("has variables to read", function()
    fake.request = fake.new_request({
      phase = "access", headers = { ["User-Agent"] = "curl" }, headers_response = { Via = "weir" },
      texts = {
        REQUEST_TARGET = "/a?b", SERVICE_QUERY_OUT = "b", REQUEST_HOST = "H:1",
        CLIENT_IP = "10.0.0.1", REQUEST_ID = "id",
      },
      numbers = { REQUEST_IS_TLS = 1, REQUEST_PORT = 8443, REQUEST_MINOR_VERSION = 1 },
    })
    local want = {
      request_uri = "/a?b", args = "b", host = "h", realip_remote_addr = "10.0.0.1",
      request_id = "id", scheme = "https", server_port = "8443", http_user_agent = "curl",
      sent_http_via = "weir", server_protocol = "HTTP/1.1",
    }
    for name, value in pairs(want) do
      assert.equal(value, ngx.var[name])
    end
    assert.is_nil(ngx.var.http_none)
    assert.is_nil(ngx.var.no_such_variable)
    assert.is_nil(ngx.var.upstream_addr)
    assert.has_error(function() ngx.var.host = "x" end, 'variable "host" not changeable')
  end)

  it("passes pieces of the body in ngx.arg", function()
    fake.request = fake.new_request({ phase = "body_filter", chunk = "piece", last = true })
    assert.equal("piece", ngx.arg[1])
    assert.is_true(ngx.arg[2])
    ngx.arg[1] = "new"
    assert.equal("new", fake.request.chunk)
    ngx.arg[1] = nil
    assert.equal("", fake.request.chunk)
    ngx.arg[1] = { "a", { 1, { "b" } }, "" }
    assert.equal("a1b", ngx.arg[1])
    assert.has_error(function() ngx.arg[1] = { true } end, "bad chunk data type: boolean")
    ngx.arg[2] = false
    assert.is_false(fake.request.last)
    assert.is_false(ngx.arg[2])
    fake.request.phase = "access"
    assert.has_error(function() return ngx.arg[1] end, "API disabled in the current context")
  end)

  it("sets the status", function()
    fake.request = fake.new_request({
      phase = "header_filter", numbers = { RESPONSE_STATUS = 200 },
    })
    assert.equal(200, ngx.status)
    ngx.status = 404
    assert.equal(404, fake.request.status)
  end)

  it("tells what is counted of TLS with upstreams", function()
    fake.counters = { tls_handshakes_full = 7, upstream_connections_idle = 2 }
    fake.tally = {
      { service = "one", [0] = { [0] = 3, [2] = 1 } }, { service = "", [2] = { [2] = 5 } },
    }
    local statistics = kong.tls.get_statistics()
    assert.equal(7, statistics.handshakes_full)
    assert.equal(2, statistics.connections_idle)
    assert.same({
      one = { enforce = { ok = 3, expired = 1 }, off = {}, report = {} },
      [""] = { enforce = {}, off = {}, report = { expired = 5 } },
    }, statistics.services)
  end)
end)
