-- request-transformer: what it makes of requests, and what its schema refuses.

local cjson = require("cjson")
local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.request-transformer.handler")
local schema = require("kong.plugins.request-transformer.schema")

local JSON = { ["Content-Type"] = "application/json; charset=utf-8" }
local FORM = { ["Content-Type"] = "application/x-www-form-urlencoded" }

describe("request-transformer", function()
  setup(function()
    fake.install()
    pdk.install({ untrusted_lua = "sandbox" })
  end)
  before_each(function()
    current.slot, current.plugin = 1, { name = "request-transformer" }
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  -- What goes upstream.
  local function run(config, want)
    want = want or {}
    want.phase = "access"
    want.texts = { REQUEST_QUERY = want.query }
    want.headers = want.headers or {}
    want.headers.Host = "own.example"
    fake.request = fake.new_request(want)
    kong.ctx.shared.user = "kim"
    handler:access(assert(plugin.configure(schema, config)))
    return fake.request.service
  end

  local function header(name)
    return fake.header("UPSTREAM", name)
  end

  it("does nothing when it is told nothing", function()
    assert.same({}, run({}, { query = "a=1", headers = JSON, body = "{}" }))
  end)

  describe("changes headers:", function()
    local sent
    before_each(function()
      sent = { ["X-One"] = "1", ["X-Two"] = { "2", "2b" } }
    end)

    local cases = {
      { "removes", { remove = { headers = { "x-one", "X-Gone" } } }, { nil, { "2", "2b" } } },
      { "renames, with all values", { rename = { headers = { "x-two:X-One" } } },
        { { "2", "2b" }, nil } },
      { "renames only what is there", { rename = { headers = { "x-three:X-One" } } },
        { { "1" }, { "2", "2b" } } },
      { "replaces only what is there", { replace = { headers = { "X-Two:new", "X-Three:new" } } },
        { { "1" }, { "new" } } },
      { "adds only what is not there", { add = { headers = { "X-One:new", "X-Three:a:b" } } },
        { { "1" }, { "2", "2b" }, { "a:b" } } },
      { "appends", { append = { headers = { "X-One:new", "X-Three:3" } } },
        { { "1", "new" }, { "2", "2b" }, { "3" } } },
      { "in Kong's order", {
        remove = { headers = { "X-One" } }, rename = { headers = { "X-Two:X-Three" } },
        replace = { headers = { "X-Three:3" } }, add = { headers = { "X-Two:added" } },
        append = { headers = { "X-Two:last" } },
      }, { nil, { "added", "last" }, { "3" } } },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        run(case[2], { headers = sent })
        for i, name in ipairs({ "X-One", "X-Two", "X-Three" }) do
          assert.same(case[3][i] or {}, header(name), name)
        end
      end)
    end

    it("replaces the host, and does nothing else to it", function()
      run({ remove = { headers = { "host" } }, rename = { headers = { "Host:X-Host" } },
        add = { headers = { "host:add" } }, append = { headers = { "HOST:append" } } })
      assert.same({ "own.example" }, header("host"))
      assert.same({}, header("x-host"))
      run({ replace = { headers = { "Host:new.example" } } })
      assert.same({ "new.example" }, header("host"))
    end)
  end)

  describe("changes the query:", function()
    local cases = {
      { "removes", { remove = { querystring = { "a" } } }, "a=1&b=%41&a=2", "b=%41" },
      { "removes by the decoded name", { remove = { querystring = { "a b" } } }, "a%20b=1&a+b&c",
        "c" },
      { "removes the last one", { remove = { querystring = { "a" } } }, "a", "" },
      { "renames", { rename = { querystring = { "a:c" } } }, "a=%20&c=3&a", "c=%20&c" },
      { "replaces", { replace = { querystring = { "a:x&y", "c:new" } } }, "z&a=1&b=2&a=3",
        "z&a=x%26y&b=2" },
      { "adds", { add = { querystring = { "a:new", "c:a b" } } }, "a=1", "a=1&c=a%20b" },
      { "adds to none", { add = { querystring = { "a:new" } } }, nil, "a=new" },
      { "appends", { append = { querystring = { "a:2" } } }, "a=1&b", "a=1&b&a=2" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        assert.equal(case[4], run(case[2], { query = case[3] }).query)
      end)
    end

    it("leaves one that nothing applies to", function()
      assert.is_nil(run({ remove = { querystring = { "x" } } }, { query = "a=1" }).query)
    end)
  end)

  describe("changes bodies that are JSON:", function()
    local function json(config, body)
      return run(config, { headers = JSON, body = body }).body
    end

    local BODY = '{ "a" : 12345678901234567890, "b":[], "c":{"d":"}\\"]"}, "e\\u0041":null }'

    it("leaves what it does not change as it is written", function()
      assert.equal('{"a":12345678901234567890,"b":[],"c":{"d":"}\\"]"},"eA":null,"new":"v"}',
        json({ add = { body = { "new:v" } } }, BODY))
    end)

    local cases = {
      { "removes", { remove = { body = { "a", "c", "eA" } } }, BODY, '{"b":[]}' },
      { "renames", { rename = { body = { "b:a", "x:y" } } }, '{"a":1,"b":[2]}', '{"a":[2]}' },
      { "replaces", { replace = { body = { 'a:"q"', "x:y" } } }, '{"a":{"b":1}}',
        '{"a":"\\"q\\""}' },
      { "adds", { add = { body = { "a:no", "b:12" } } }, '{"a":1}', '{"a":1,"b":"12"}' },
      { "adds to no body", { add = { body = { "b:12" } } }, "", '{"b":"12"}' },
      { "adds to an empty object", { add = { body = { "b:12" } } }, " { } ", '{"b":"12"}' },
      { "appends", { append = { body = { "a:x", "b:x", "c:x", "d:x" } } },
        '{"a":1,"b":[ ],"c":[1]}', '{"a":[1,"x"],"b":["x"],"c":[1,"x"],"d":["x"]}' },
      { "takes the first of two", { rename = { body = { "a:b" } } }, '{"a":1,"a":2}', '{"b":1}' },
      { "removes both of two", { remove = { body = { "a" } } }, '{"a":1,"a":2}', "{}" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        assert.equal(case[4], json(case[2], case[3]))
      end)
    end

    for _, body in ipairs({ "[1]", '"a"', "{", "x", '{"a":1}x', "1" }) do
      it("leaves what is no object: " .. body, function()
        assert.is_nil(json({ add = { body = { "a:1" } }, remove = { body = { "a" } } }, body))
      end)
    end

    it("agrees with a whole parser on what an object holds", function()
      local random = 7
      local function pick(list)
        random = (random * 1103515245 + 12345) % 2147483648
        return list[math.floor(random / 65536) % #list + 1]
      end
      local leaves = { '"\\\\"', '"\\""', "1", "-0.5e3", "true", "[]", "{}", '"{[,:]}"', '""' }
      local function value(depth)
        local kind = depth > 0 and pick({ 1, 2, 3 }) or 1
        if kind == 1 then
          return pick(leaves)
        elseif kind == 2 then
          return "[" .. value(depth - 1) .. " , " .. value(depth - 1) .. "]"
        end
        return '{"k\\"":' .. value(depth - 1) .. ',"l" : ' .. value(depth - 1) .. "}"
      end
      for _ = 1, 200 do
        local body = ('{"a":%s ,\n "b" :%s,"c":%s}'):format(value(3), value(3), value(3))
        local changed = cjson.decode(json({ rename = { body = { "b:d" } } }, body))
        local expected = cjson.decode(body)
        expected.b, expected.d = nil, expected.b
        assert.same(expected, changed)
      end
    end)
  end)

  it("changes bodies that are forms", function()
    local service = run({ remove = { body = { "a" } }, add = { body = { "n:1&2" } } },
      { headers = FORM, body = "a=1&b=%20" })
    assert.equal("b=%20&n=1%262", service.body)
  end)

  describe("changes multipart bodies:", function()
    local TYPE = { ["Content-Type"] = 'multipart/form-data; boundary="b-1"' }
    local FILE = 'Content-Disposition: form-data; name="f"; filename="name=x.bin"\r\n'
      .. "Content-Type: application/octet-stream\r\n\r\n\0\r\n--b-\r\n\255"

    local function body(...)
      return "--b-1\r\n" .. table.concat({ ... }, "\r\n--b-1\r\n") .. "\r\n--b-1--\r\n"
    end

    local function part(name, value)
      return ('Content-Disposition: form-data; name="%s"\r\n\r\n%s'):format(name, value)
    end

    local function multipart(config, text)
      return run(config, { headers = TYPE, body = text }).body
    end

    local TEXT = "preamble\r\n" .. body(part("a", "1"), FILE, part("a", "2"))
    local cases = {
      { "removes", { remove = { body = { "a" } } }, TEXT, body(FILE) },
      { "renames", { rename = { body = { "f:g" } } }, TEXT,
        body(part("a", "1"), (FILE:gsub('"f"', '"g"')), part("a", "2")) },
      { "renames in the place of another", { rename = { body = { "f:a" } } }, TEXT,
        body((FILE:gsub('"f"', '"a"'))) },
      { "replaces", { replace = { body = { "a:new", "x:y" } } }, TEXT,
        body(part("a", "new"), FILE) },
      { "adds", { add = { body = { "a:new", "n:new" } } }, TEXT,
        body(part("a", "1"), FILE, part("a", "2"), part("n", "new")) },
      { "adds to none", { add = { body = { 'q"\r\n:new' } } }, "",
        body(part("q%22%0D%0A", "new")) },
      { "appends", { append = { body = { "f:new" } } }, body(FILE), body(FILE, part("f", "new")) },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        assert.equal(case[4], multipart(case[2], case[3]))
      end)
    end

    it("leaves what is none", function()
      for _, text in ipairs({ "x", "--b-1\r\n" .. FILE, "--b-1x\r\n\r\n--b-1--" }) do
        assert.is_nil(multipart({ add = { body = { "a:1" } } }, text))
      end
    end)
  end)

  it("leaves bodies of other types, and of none", function()
    local config = { add = { body = { "a:1" } } }
    assert.same({}, run(config, { headers = { ["Content-Type"] = "text/plain" }, body = "a=2" }))
    assert.same({}, run(config, { body = "a=2" }))
  end)

  it("does not pass on a body that is too large to be changed", function()
    local conf = assert(plugin.configure(schema, { remove = { body = { "secret" } } }))
    fake.request = fake.new_request({ phase = "access", headers = JSON, body = "too large" })
    assert.is_true(fake.run(handler.access, handler, conf))
    assert.equal(413, fake.request.failure.status)
  end)

  describe("changes the request line:", function()
    it("the path", function()
      assert.equal("/new", run({ replace = { uri = "/new" } }).path)
    end)

    it("the path, with a query that comes first", function()
      local service = run({ replace = { uri = "/new?a=1" } }, { query = "b=2" })
      assert.same({ path = "/new", query = "a=1&b=2" }, service)
    end)

    it("the path, whose query cannot be brought in by a client", function()
      local service = run({ replace = { uri = "/$(query_params['a?'] or '?')?c=$(1)" } },
        { query = "a?=%3Fadmin=1%23%20" })
      assert.same({ path = "/%3Fadmin=1%23%20", query = "c=1&a?=%3Fadmin=1%23%20" }, service)
    end)

    it("the method", function()
      assert.equal("PATCH", run({ http_method = "PATCH" }).method)
    end)

    it("a form goes to the query when the method has no body", function()
      local want = { headers = FORM, body = "a=1&a=2&b=3", query = "a=0&c=4" }
      local service = run({ http_method = "GET", remove = { querystring = { "b" } } }, want)
      assert.equal("c=4&a=1&a=2", service.query)
      assert.equal("GET", service.method)
      assert.is_nil(run({ http_method = "PUT" }, want).query)
    end)
  end)

  describe("templates", function()
    local function render(value, want)
      run({ add = { headers = { "X-Out:" .. value } } }, want)
      return header("X-Out")[1]
    end

    it("refer to headers, query, groups of the path and kong.ctx.shared", function()
      local want = {
        headers = { ["X-Name"] = "kim" }, query = "a=1&b",
      }
      assert.equal("<kim>", render("<$(headers['X-Name'])>", want))
      assert.equal("kim-kim", render("$(headers.x_name)-$(headers['x-name'])", want))
      assert.equal("1 true", render("$(query_params.a) $(query_params['b'])", want))
      assert.equal("kim", render("$(shared.user)", want))
      assert.equal("", render("$(uri_captures.none)$(uri_captures[1])", want))
    end)

    it("are Lua", function()
      assert.equal("none", render("$(headers.none or 'none')"))
      assert.equal("ABC", render("$(('abc'):upper())"))
      assert.equal("5", render("$((function() local x = 2; return x + 3 end)())"))
      assert.equal("$(headers.x)", render("$('$(headers.x)')"))
      assert.equal("a$b (c)", render("a$b (c)"))
    end)

    it("see the request as it was", function()
      run({
        remove = { headers = { "X-Name" }, querystring = { "a" } },
        add = { headers = { "X-Out:$(headers['X-Name'])" },
          querystring = { "b:$(query_params.a)" } },
      }, { headers = { ["X-Name"] = "kim" }, query = "a=1" })
      assert.same({ "kim" }, header("X-Out"))
      assert.equal("b=1", fake.request.service.query)
    end)

    it("stand in all values", function()
      local service = run({
        rename = { querystring = { "a:$('z')" } }, replace = { uri = "/u/$(shared.user)" },
        append = { body = { "l:$(query_params.a)" } },
      }, { query = "a=1", headers = JSON, body = "{}" })
      assert.same({ path = "/u/kim", query = "z=1", body = '{"l":["1"]}' }, service)
    end)

    it("cannot leave their sandbox", function()
      for _, expression in ipairs({ "io.open('x')", "os.getenv('HOME')", "require('ffi')" }) do
        assert.has_error(function()
          render("$(" .. expression .. ")")
        end)
      end
    end)

    it("give texts", function()
      assert.has_error(function()
        render("$(headers)")
      end, "an expression in '$(headers)' gives a table, not a text")
    end)
  end)

  describe("refuses", function()
    local cases = {
      { { add = { headers = { "X-One" } } }, "key 'X-One' has no value" },
      { { add = { headers = { "X One:1" } } }, "'X One' is not a valid header" },
      { { rename = { headers = { "X-One:X Two" } } }, "'X Two' is not a valid header" },
      { { remove = { headers = { ":" } } }, "'' is not a valid header" },
      { { rename = { body = { "a:" } } }, "key 'a' has no value" },
      { { http_method = "get" }, "invalid value: get" },
      { { replace = { uri = "/$(1 +)" } }, "value '/$(1 +)' is not in supported format, error:" },
      { { add = { body = { "a:$(x y)" } } }, "value '$(x y)' is not in supported format, error:" },
    }
    for _, case in ipairs(cases) do
      it(case[2], function()
        local conf, err = plugin.configure(schema, case[1])
        assert.is_nil(conf)
        assert.equal(case[2], err:sub(1, #case[2]))
      end)
    end
  end)
end)
