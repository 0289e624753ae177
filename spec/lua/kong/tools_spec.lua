-- kong.tools.*: what plugins take from Kong beside the PDK.

local fake = require("spec.support.fake_abi")
local core = require("weir.core")

describe("kong.tools.string", function()
  local text = require("kong.tools.string")

  local splits = {
    { { "a,b,,c", "," }, { "a", "b", "", "c" } },
    { { "a,", "," }, { "a", "" } },
    { { "", "," }, {} },
    { { "a.b", "." }, { "a", "b" } },
    { { "  a  b " }, { "a", "b" } },
    { { "a,b,c", ",", 2 }, { "a", "b,c" } },
    { { " a b  c", nil, 2 }, { "a", "b  c" } },
    { { "abc", "" }, { "abc" } },
  }
  for _, case in ipairs(splits) do
    it(("splits '%s'"):format(case[1][1]), function()
      assert.same(case[2], text.split(unpack(case[1], 1, 3)))
    end)
  end

  it("iterates over pieces", function()
    local seen = {}
    for piece in text.isplitn("a;b;c", ";", 2) do
      seen[#seen + 1] = piece
    end
    assert.same({ "a", "b;c" }, seen)
    assert.same({ { "a", "b" }, 2 }, { text.splitn("a;b", ";") })
    assert.equal("1, 2", text.join(", ", { 1, 2 }))
  end)

  it("strips white space", function()
    assert.equal("a b", text.strip(" \t a b\r\n"))
    assert.equal("", text.strip("   "))
    assert.equal("", text.strip(nil))
    assert.equal("1", text.strip(1))
  end)

  it("knows UTF-8, dashes, amounts and base64", function()
    assert.is_true(text.validate_utf8("ä€𐍈"))
    assert.is_false(text.validate_utf8("\255"))
    assert.equal("X_A_b", text.replace_dashes("X-A-b"))
    assert.equal("x_a_b", text.replace_dashes_lower("X-A-b"))
    assert.equal("5.24 MiB", text.bytes_to_str(5497558, "m"))
    assert.equal("hello?", text.try_decode_base64("aGVsbG8/"))
    assert.equal("hello?", text.try_decode_base64("aGVsbG8_"))
    assert.equal("no base64!", text.try_decode_base64("no base64!"))
    assert.same({ "a", 1 }, text.try_decode_base64({ "YQ==", 1 }))
  end)
end)

describe("kong.tools.table", function()
  local tables = require("kong.tools.table")

  it("has a table that stays empty", function()
    assert.is_nil(next(tables.EMPTY))
    assert.has_error(function() tables.EMPTY.x = 1 end)
    assert.is_nil(tables.EMPTY.x)
  end)

  it("packs and unpacks", function()
    local packed = tables.pack(1, nil, 3, nil)
    assert.equal(4, packed.n)
    assert.equal(4, select("#", tables.unpack(packed)))
    assert.same({ 2, 3 }, { tables.unpack({ 1, 2, 3 }, 2) })
  end)

  it("looks into tables", function()
    assert.is_true(tables.table_contains({ a = "x" }, "x"))
    assert.is_false(tables.table_contains({ "y" }, "x"))
    assert.is_false(tables.table_contains(nil, "x"))
    assert.same({ a = 1, b = 3 }, tables.table_merge({ a = 1, b = 2 }, { b = 3 }))
    assert.same({ 1, 2, 3 }, tables.concat({ 1 }, {}, { 2, 3 }))
  end)

  local arrays = {
    { {}, true, true, true }, { { 1, 2 }, true, true, true }, { { a = 1 }, false, false, false },
    { { [1] = 1, [3] = 3 }, false, true, false }, { { ["1"] = 1, ["2"] = 2 }, false, false, true },
    { "x", false, false, false }, { { [1.5] = 1 }, false, false, false },
  }
  for i, case in ipairs(arrays) do
    it("tells lists from other tables: " .. i, function()
      assert.equal(case[2], tables.is_array(case[1]))
      assert.equal(case[3], tables.is_array(case[1], "fast"))
      assert.equal(case[4], tables.is_array(case[1], "lapis"))
    end)
  end

  it("copies", function()
    local mt = { __index = {} }
    local inner = setmetatable({ x = 1 }, mt)
    local original = { a = inner, b = inner, [inner] = true }
    local shallow = tables.shallow_copy(original)
    assert.equal(inner, shallow.a)
    local deep = tables.deep_copy({ a = inner, b = inner })
    assert.same({ a = { x = 1 }, b = { x = 1 } }, deep)
    assert.is_false(deep.a == deep.b or deep.a == inner or getmetatable(deep.a) == mt)
    assert.is_nil(getmetatable(tables.deep_copy(inner, false)))
    local aware = tables.cycle_aware_deep_copy(original)
    assert.is_true(aware.a == aware.b and aware.a ~= inner and getmetatable(aware.a) == mt)
    assert.is_true(aware[inner])
    assert.is_nil(getmetatable(tables.cycle_aware_deep_copy(inner, true)))
    assert.is_nil(tables.cycle_aware_deep_copy(original, false, true)[inner])
    local loop = {}
    loop.loop = loop
    local copy = tables.cycle_aware_deep_copy(loop)
    assert.is_true(copy.loop == copy and copy ~= loop)
    assert.equal(1, tables.deep_copy(1))
  end)

  it("merges table by table", function()
    local a, b = { t = { x = 1, y = 2 }, k = 1 }, { t = { y = 3 }, k = { 1 }, n = { 2 } }
    for _, name in ipairs({ "deep_merge", "cycle_aware_deep_merge" }) do
      local merged = tables[name](a, b)
      assert.same({ t = { x = 1, y = 3 }, k = { 1 }, n = { 2 } }, merged)
      assert.is_false(merged.n == b.n)
      assert.same({ x = 1, y = 2 }, a.t)
    end
  end)

  it("collects errors", function()
    local errors = tables.add_error(nil, "a", "1")
    assert.same({ a = "1" }, errors)
    tables.add_error(errors, "a", "2")
    assert.same({ a = { "1", "2", "3" } }, tables.add_error(errors, "a", "3"))
    assert.same({ a = { { "x" }, "y" } },
      tables.add_error(tables.add_error(nil, "a", { "x" }), "a", "y"))
  end)
end)

describe("kong.tools.rand and sha256", function()
  it("are random", function()
    local rand = require("kong.tools.rand")
    assert.equal(7, #rand.get_rand_bytes(7))
    local seen = {}
    for _ = 1, 50 do
      local text = rand.random_string()
      assert.matches("^%w+$", text)
      assert.equal(32, #text)
      assert.is_nil(seen[text])
      seen[text] = true
    end
  end)

  it("digest", function()
    local sha256 = require("kong.tools.sha256")
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      sha256.sha256_hex("abc"))
    assert.equal(32, #sha256.sha256_bin("abc"))
    assert.equal("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", sha256.sha256_base64("abc"))
    assert.equal("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0", sha256.sha256_base64url("abc"))
  end)
end)

describe("kong.tools.time and timestamp", function()
  local time, timestamp = require("kong.tools.time"), require("kong.tools.timestamp")

  it("know what time it is", function()
    local before = os.time() * 1000
    for _, now in ipairs({
      time.get_now_ms(), time.get_updated_now_ms(), time.get_updated_now() * 1000,
      time.time_ns() / 1e6, timestamp.get_utc_ms(),
    }) do
      assert.is_true(now >= before and now < before + 60000)
    end
    assert.equal(0, timestamp.get_utc() % 1000)
  end)

  it("know when periods began", function()
    -- 2024-02-29 13:14:15.678
    local now = 1709212455678
    assert.same({
      second = 1709212455000, minute = 1709212440000, hour = 1709211600000, day = 1709164800000,
      month = 1706745600000, year = 1704067200000,
    }, timestamp.get_timestamps(now))
    assert.equal(29, timestamp.get_timetable(now).day)
    assert.is_true(timestamp.get_timestamps().year <= timestamp.get_utc_ms())
  end)
end)

describe("kong.tools.mime_type", function()
  local mime_type = require("kong.tools.mime_type")

  local cases = {
    ["Text/HTML"] = { "text", "html", {} },
    ['application/json ; Charset="utf-8"; q=0.5'] =
      { "application", "json", { charset = "utf-8", q = 0.5 } },
    ["*/*;q=0.1"] = { "*", "*", { q = 0.1 } },
    ["application/vnd.a+json"] = { "application", "vnd.a+json", {} },
    ["text"] = {}, [""] = {}, ["text/html x"] = {},
  }
  for text, parts in pairs(cases) do
    it(("reads '%s'"):format(text), function()
      assert.same(parts, { mime_type.parse_mime_type(text) })
    end)
  end

  it("knows what stands for more than itself", function()
    local json = { type = "application", subtype = "json" }
    assert.is_true(mime_type.includes({ type = "*", subtype = "*" }, json))
    assert.is_true(mime_type.includes({ type = "application", subtype = "*" }, json))
    assert.is_true(mime_type.includes(json, json))
    assert.is_false(mime_type.includes({ type = "text", subtype = "*" }, json))
    assert.is_false(mime_type.includes(json, { type = "application", subtype = "*" }))
  end)
end)

describe("kong.tools.http", function()
  local http = require("kong.tools.http")

  it("writes arguments", function()
    assert.equal("a=1&b&c%20d=x%26y", http.encode_args({ a = 1, b = true, ["c d"] = "x&y" }))
    assert.equal("a[1]=x&a[2]=y&b[c][d]=1",
      http.encode_args({ a = { "x", "y" }, b = { c = { d = 1 } } }, true))
    assert.equal("a%5B%5D=x&a%5B%5D=y", http.encode_args({ a = { "y", "x" } }, false, true))
    assert.equal("", http.encode_args({}))
  end)

  it("reads directives", function()
    assert.same({ ["max-age"] = 10, ["no-cache"] = true, private = "x-a" },
      http.parse_directive_header('Max-Age=10 , no-cache, private="x-a"'))
    assert.same({}, http.parse_directive_header(nil))
    assert.same({}, http.parse_directive_header(""))
  end)

  it("knows the forms of answers", function()
    assert.equal("text/html; charset=utf-8", http.get_mime_type("text/html;q=0.1"))
    assert.equal("application/json; charset=utf-8", http.get_mime_type("image/png"))
    assert.is_nil(http.get_mime_type("image/png", false))
  end)

  it("checks names", function()
    assert.equal("X-A", http.validate_header_name("X-A"))
    assert.equal("a_b", http.validate_cookie_name("a_b"))
    assert.same({ nil, "no header name provided" }, { http.validate_header_name("") })
    local name, err = http.validate_cookie_name("a b")
    assert.is_nil(name)
    assert.equal("bad cookie name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'", err)
  end)
end)

describe("kong.tools.ip", function()
  local ip = require("kong.tools.ip")

  local cases = {
    { "1.2.3.4", "ipv4", "1.2.3.4" }, { "1.2.3.4:80", "ipv4", "1.2.3.4", 80 },
    { "::1", "ipv6", "[::1]" }, { "[2001:DB8::1]:443", "ipv6", "[2001:db8::1]", 443 },
    { "[::1]", "ipv6", "[::1]" }, { "a.example", "name", "a.example" },
    { "a.example:8080", "name", "a.example", 8080 },
  }
  for _, case in ipairs(cases) do
    it("reads " .. case[1], function()
      assert.equal(case[2], ip.hostname_type(case[1]))
      assert.same({ type = case[2], host = case[3], port = case[4] }, ip.normalize_ip(case[1]))
      assert.equal(case[4] and ("%s:%d"):format(case[3], case[4]) or case[3],
        ip.format_host(case[1]))
      assert.equal(ip.format_host(case[1]), ip.format_host(ip.normalize_ip(case[1])))
    end)
  end

  for _, text in ipairs({ "1.2.3.4:x", "1.2.3.4:70000", "a b", "a..b", "", "a.example:0x50" }) do
    it(("refuses '%s'"):format(text), function()
      assert.is_nil(ip.normalize_ip(text))
      assert.is_nil(ip.format_host(text))
    end)
  end

  it("knows addresses and blocks", function()
    assert.is_true(ip.is_valid_ip("::1"))
    assert.is_false(ip.is_valid_ip("1.2.3"))
    assert.is_true(ip.is_valid_cidr("10.0.0.0/8"))
    assert.is_false(ip.is_valid_cidr("10.0.0.0"))
    assert.is_false(ip.is_valid_cidr("10.0.0.0/33"))
    assert.is_true(ip.is_valid_ip_or_cidr("10.0.0.0"))
    assert.is_true(ip.is_valid_ip_or_cidr("::/0"))
    assert.is_false(ip.is_valid_ip_or_cidr("x"))
    assert.same({ "1.2.3.4", 1 }, { ip.normalize_ipv4("1.2.3.4:1") })
    assert.same({ nil, "invalid ipv6 address: 1.2.3.4" }, { ip.normalize_ipv6("1.2.3.4") })
  end)
end)

describe("kong.constants", function()
  it("has the fields that plugins set", function()
    local headers = require("kong.constants").HEADERS
    for name, value in pairs(headers) do
      -- REQUEST_ID is X-Kong-Request-Id, CONSUMER_ID is X-Consumer-ID
      local folded = value:upper():gsub("^X%-KONG%-", ""):gsub("^X%-", ""):gsub("%-", "")
      local wanted = name:gsub("_", "")
      assert.equal(wanted == "ANONYMOUS" and "ANONYMOUSCONSUMER" or wanted, folded)
    end
    assert.equal("X-Consumer-Username", headers.CONSUMER_USERNAME)
  end)
end)

describe("kong.tools", function()
  it("loads modules that there need not be", function()
    local load_module = require("kong.tools.module").load_module_if_exists
    assert.same({ true, core }, { load_module("weir.core") })
    assert.is_false((load_module("weir.no_such_module")))
    package.preload["spec.broken"] = function() error("broken") end
    local _, err = pcall(load_module, "spec.broken")
    assert.matches("^error loading module 'spec.broken':.*broken$", err)
    package.preload["spec.broken"] = nil
  end)

  it("writes JSON whose errors are results", function()
    local cjson = require("kong.tools.cjson")
    assert.equal('{"a":1.23456789012}', cjson.encode({ a = 1.23456789012 }))
    assert.is_nil(cjson.decode("{"))
    assert.equal("[1234567890123456,[]]", cjson.encode(cjson.decode("[1234567890123456,[]]")))
    assert.equal(cjson.array_mt, getmetatable(cjson.decode_with_array_mt("[]")))
    assert.equal("[" .. ("null,"):rep(1000) .. "1]", cjson.encode({ [1001] = 1 }))
  end)

  it("has it all in one place, too", function()
    local utils = require("kong.tools.utils")
    for _, name in ipairs({
      "uuid", "random_string", "split", "strip", "deep_copy", "table_merge", "encode_args",
      "hostname_type", "load_module_if_exists", "sha256_hex", "get_rand_bytes", "inflate_gzip",
      "parse_mime_type", "time_ns",
    }) do
      assert.is_function(utils[name], name)
    end
  end)

  it("asks whether the client speaks TLS", function()
    fake.install()
    package.loaded["weir.pdk.native"], package.loaded["kong.tools.http"] = nil, nil
    local http = require("kong.tools.http")
    local function ask(tls, ...)
      fake.request = fake.new_request({
        phase = "access", numbers = { REQUEST_IS_TLS = tls },
        headers = { ["X-Forwarded-Proto"] = "HTTPS" },
      })
      return http.check_https(...)
    end
    assert.is_true(ask(1, false, false))
    assert.is_false(ask(0, false, true))
    assert.is_false(ask(0, true, false))
    assert.is_true(ask(0, true, true))
  end)

  it("lets others run only where something can wait", function()
    local naps = 0
    fake.install()
    package.loaded["weir.wait"].sleep = function() naps = naps + 1 end
    package.loaded["weir.pdk.phase"], package.loaded["kong.tools.yield"] = nil, nil
    local yield = require("kong.tools.yield").yield
    fake.request = fake.new_request({ phase = "log" })
    yield()
    assert.equal(0, naps)
    fake.request = fake.new_request({ phase = "access" })
    yield()
    assert.equal(1, naps)
    for _ = 1, 1000 do
      yield(true)
    end
    assert.equal(2, naps)
  end)
end)

describe("kong.tools.http.calculate_resource_ttl", function()
  local http, time

  setup(function()
    fake.install()
    for _, name in ipairs({ "weir.pdk.native", "weir.pdk.headers", "kong.tools.http" }) do
      package.loaded[name] = nil
    end
    http, time = require("kong.tools.http"), require("weir.ngx.time")
  end)

  local function ttl(cache_control, ...)
    local expires = {}
    for i, seconds in ipairs({ ... }) do
      expires[i] = time.http_time(time.time() + seconds)
    end
    fake.request = fake.new_request({
      phase = "header_filter", headers_response = { Expires = expires },
    })
    return http.calculate_resource_ttl(http.parse_directive_header(cache_control))
  end

  it("goes by Cache-Control, and by Expires only where that says nothing", function()
    assert.equal(5, ttl("public, max-age=5"))
    assert.equal(7, ttl("max-age=5, s-maxage=7", 100))
    assert.equal(0, ttl("max-age=-5"))
    assert.equal(0, ttl("public"))
    assert.equal(0, ttl("max-age"))
    assert.is_true(math.abs(ttl("public", 5, 100) - 100) <= 1)
    assert.equal(0, ttl(nil, -100))
  end)
end)

describe("kong.pdk.private.rate_limiting", function()
  it("keeps fields of the response with the request until they are written", function()
    local written = {}
    package.loaded["weir.ngx.header"] = written
    package.loaded["kong.pdk.private.rate_limiting"] = nil
    local rate_limiting = require("kong.pdk.private.rate_limiting")
    local ctx = {}
    rate_limiting.apply_response_headers(ctx)
    rate_limiting.store_response_header(ctx, "X-RateLimit-Limit-Minute", 5)
    rate_limiting.store_response_header(ctx, "RateLimit-Reset", "30")
    assert.equal(5, rate_limiting.get_stored_response_header(ctx, "X-RateLimit-Limit-Minute"))
    assert.is_nil(rate_limiting.get_stored_response_header({}, "X-RateLimit-Limit-Minute"))
    assert.same({}, written)
    rate_limiting.apply_response_headers(ctx)
    assert.same({ ["X-RateLimit-Limit-Minute"] = 5, ["RateLimit-Reset"] = "30" }, written)
    assert.has_error(function() rate_limiting.store_response_header(ctx, 1, 1) end,
      "arg #2 key must be a string, got number")
    assert.has_error(function() rate_limiting.store_response_header(ctx, "a", {}) end,
      "arg #3 value must be a string or a number, got table")
  end)
end)

describe("what plugins' schemas take from Kong", function()
  local plugin = require("spec.support.plugin")

  local function configure(fields, config)
    return plugin.configure({ name = "own", fields = {
      { config = { type = "record", fields = fields } },
    } }, config)
  end

  it("has the fields of a queue with their defaults", function()
    local fields = { { queue = require("kong.tools.queue_schema") } }
    local config = assert(configure(fields, {}))
    assert.equal(1, config.queue.max_batch_size)
    assert.equal(10000, config.queue.max_entries)
    assert.equal(1, config.queue.concurrency_limit)
    local _, err = configure(fields, { queue = { max_batch_size = 0 } })
    assert.equal("value should be between 1 and 1000000", err)
  end)

  it("has the fields of a Redis with their defaults", function()
    local fields = { { redis = require("kong.tools.redis.schema").config_schema } }
    local config = assert(configure(fields, { redis = { host = "r.example", password = "" } }))
    assert.same({
      host = "r.example", port = 6379, timeout = 2000, password = "", database = 0, ssl = false,
      ssl_verify = false,
    }, config.redis)
    assert.equal(6379, assert(configure(fields, {})).redis.port)
  end)
end)

describe("kong.workspaces", function()
  it("knows the one there is", function()
    local workspaces = require("kong.workspaces")
    assert.equal(require("kong.constants").DECLARATIVE_DEFAULT_WORKSPACE_ID,
      workspaces.get_workspace_id())
    assert.equal("default", workspaces.get_workspace().name)
  end)
end)

describe("kong.deprecation and kong.pdk.node", function()
  it("are functions of the PDK", function()
    fake.install()
    require("kong.deprecation")("old is deprecated", { after = "4.0" })
    assert.matches("old is deprecated %(deprecated after 4%.0%)", fake.log[#fake.log].text)
    assert.is_string(require("kong.pdk.node").new().get_hostname())
  end)
end)

describe("kong.reports", function()
  it("takes what plugins report, asks nobody, and tells nobody", function()
    local reports = require("kong.reports")
    local untouched = setmetatable({}, { __index = function() error("asked for something") end })
    assert.is_nil(reports.retrieve_redis_version(untouched))
    assert.is_nil(reports.add_ping_value("name", "value"))
    assert.is_nil(reports.add_immutable_value("name", "value"))
    assert.is_nil(reports.send("plugin", {}))
  end)
end)
