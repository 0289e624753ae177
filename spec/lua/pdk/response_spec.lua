-- kong.response and kong.service.response.

local cjson = require("cjson")
local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")

local kong

local function request(want)
  fake.request = fake.new_request(want)
end

local function fails(code)
  local ok, err = pcall(loadstring(code, "=plugin"))
  assert.is_false(ok)
  return err
end

describe("kong.response", function()
  before_each(function()
    fake.install()
    kong = pdk.install({})
    request({ phase = "access" })
  end)

  describe("reading", function()
    before_each(function()
      request({
        phase = "header_filter", numbers = { RESPONSE_STATUS = 201, RESPONSE_SOURCE = 1 },
        headers_response = { ["X-A"] = { "1", "2" }, Server = "s" },
        headers_service = { ["X-A"] = "0" },
      })
    end)

    it("tells status, source and headers", function()
      assert.equal(201, kong.response.get_status())
      assert.equal("service", kong.response.get_source())
      assert.equal("1", kong.response.get_header("x-a"))
      assert.same({ "1", "2" }, kong.response.get_headers()["x_a"])
      local _, err = kong.response.get_headers(1)
      assert.equal("truncated", err)
    end)

    it("tells what the service sent apart", function()
      fake.request.numbers[tonumber(require("weir.abi").C.WEIR_SERVICE_STATUS)] = 200
      assert.equal("0", kong.service.response.get_header("X-A"))
      assert.equal(200, kong.service.response.get_status())
      assert.same({ ["x-a"] = "0" }, kong.service.response.get_headers())
    end)

    describe("body of the service", function()
      local FORM = { ["Content-Type"] = "application/x-www-form-urlencoded" }

      it("is there where it was held, raw and decoded", function()
        for _, phase in ipairs({ "response", "header_filter", "body_filter", "log" }) do
          request({ phase = phase, held = "a=1&b=2", headers_service = FORM })
          assert.equal("a=1&b=2", kong.service.response.get_raw_body())
          local body, err, mime = kong.service.response.get_body()
          assert.same({ a = "1", b = "2" }, body)
          assert.is_nil(err)
          assert.equal("application/x-www-form-urlencoded", mime)
          assert.same({ a = "1" }, kong.service.response.get_body(nil, 1))
        end
      end)

      it("is decoded as the plugin says", function()
        request({ phase = "response", held = '{"a":1}', headers_service = FORM })
        assert.same({ a = 1 }, kong.service.response.get_body("application/json"))
        request({ phase = "response", held = "x" })
        local body, err = kong.service.response.get_body()
        assert.is_nil(body)
        assert.equal("missing content type", err)
      end)

      it("is not there where it was not", function()
        for _, name in ipairs({ "get_raw_body", "get_body" }) do
          assert.equal("plugin:1: service body is only available with buffered proxying (see: "
            .. "kong.service.request.enable_buffering function)",
            fails(("kong.service.response.%s()"):format(name)))
        end
      end)

      it("is asked for before the request is sent", function()
        request({ phase = "access" })
        kong.service.request.enable_buffering()
        assert.is_true(fake.request.service.held)
        request({ phase = "response" })
        assert.equal("plugin:1: function cannot be called in response phase (only in: rewrite, "
          .. "access, balancer)", fails("kong.service.request.enable_buffering()"))
      end)
    end)

    it("tells where an answer of our own comes from", function()
      request({ phase = "log", numbers = { RESPONSE_SOURCE = 2 } })
      assert.equal("exit", kong.response.get_source())
      request({ phase = "log", numbers = { RESPONSE_SOURCE = 3 } })
      assert.equal("error", kong.response.get_source())
      request({ phase = "log", numbers = { RESPONSE_SOURCE = 0 } })
      assert.equal("error", kong.response.get_source())
    end)

    it("needs a response", function()
      request({ phase = "access" })
      assert.equal("plugin:1: function cannot be called in access phase (only in: response, "
        .. "header_filter, body_filter, log, error, admin_api)",
        fails("kong.response.get_status()"))
      assert.matches("only in: response, header_filter, body_filter, log%)",
        fails("kong.service.response.get_status()"))
    end)
  end)

  describe("changing the head", function()
    before_each(function()
      request({ phase = "header_filter", headers_response = { ["X-A"] = "1", ["X-B"] = "1" } })
    end)

    it("sets, adds and clears fields", function()
      kong.response.set_header("X-A", 2)
      kong.response.add_header("X-B", true)
      kong.response.add_header("X-B", { "x", 3 })
      kong.response.set_header("X-C", { "a", "b" })
      assert.same({ "2" }, fake.header("RESPONSE", "X-A"))
      assert.same({ "1", "true", "x", "3" }, fake.header("RESPONSE", "X-B"))
      assert.same({ "a", "b" }, fake.header("RESPONSE", "X-C"))
      kong.response.clear_header("x-b")
      assert.same({}, fake.header("RESPONSE", "X-B"))
      kong.response.set_headers({ ["X-C"] = "c", ["X-D"] = { "d" } })
      assert.same({ "c" }, fake.header("RESPONSE", "X-C"))
      assert.same({ "d" }, fake.header("RESPONSE", "X-D"))
      assert.same({ "2" }, fake.header("RESPONSE", "X-A"))
    end)

    it("leaves framing to the core", function()
      kong.response.set_header("Transfer-Encoding", "gzip")
      assert.same({}, fake.header("RESPONSE", "Transfer-Encoding"))
      assert.same({ { level = 4, text = "manually setting Transfer-Encoding. Ignored." } },
        fake.log)
    end)

    it("sets the status", function()
      kong.response.set_status(404)
      assert.equal(404, fake.request.status)
    end)

    it("blames the caller", function()
      assert.equal('plugin:1: invalid header name "1": got number, expected string',
        fails("kong.response.set_header(1, 'x')"))
      assert.equal('plugin:1: invalid header value for "a": got function, expected array of '
        .. "string, string, number or boolean", fails("kong.response.set_header('a', print)"))
      assert.equal('plugin:1: invalid header value in array "a": got table, expected string',
        fails("kong.response.add_header('a', { {} })"))
      assert.equal("plugin:1: headers must be a table", fails("kong.response.set_headers('a')"))
      assert.equal('plugin:1: invalid header value for "a": got function, expected array of '
        .. "string, string, number or boolean", fails("kong.response.set_headers({ a = print })"))
      assert.equal("plugin:1: not a header name, or a value with control characters",
        fails("kong.response.set_header('a', 'b\\r\\nc: d')"))
      assert.equal("plugin:1: code must be a number", fails("kong.response.set_status('200')"))
      for _, status in ipairs({ "99", "600", "200.5", "0/0" }) do
        assert.equal("plugin:1: code must be a number between 100 and 599",
          fails("kong.response.set_status(" .. status .. ")"))
      end
      assert.equal("plugin:1: a status is between 200 and 599",
        fails("kong.response.set_status(101)"))
    end)

    it("comes too late when the head was sent", function()
      request({ phase = "header_filter", numbers = { RESPONSE_SENT = 1 } })
      for _, code in ipairs({
        "set_status(200)", "set_header('a', 'b')", "add_header('a', 'b')", "clear_header('a')",
        "set_headers({})", "exit(200)", "error(500)",
      }) do
        assert.equal("plugin:1: headers have already been sent", fails("kong.response." .. code))
      end
      request({ phase = "body_filter" })
      assert.equal("plugin:1: function cannot be called in body_filter phase (only in: rewrite, "
        .. "access, balancer, response, header_filter, error, admin_api)",
        fails("kong.response.set_header('a', 'b')"))
    end)
  end)

  describe("exit", function()
    it("ends rewrite and access for good", function()
      for _, phase in ipairs({ "rewrite", "access" }) do
        request({ phase = phase })
        local after
        assert.is_true(fake.run(function()
          kong.response.exit(403, "no")
          after = true
        end))
        assert.is_nil(after)
        assert.same({ status = 403, body = "no" }, fake.request.exit)
      end
    end)

    it("lets header_filter go on", function()
      request({ phase = "header_filter" })
      assert.is_false(fake.run(kong.response.exit, 403, "no"))
      assert.same({ status = 403, body = "no" }, fake.request.exit)
    end)

    it("sends a table as JSON", function()
      fake.run(kong.response.exit, 200, { a = { 1 } })
      assert.same({ a = { 1 } }, cjson.decode(fake.request.exit.body))
      assert.same({ "application/json; charset=utf-8" }, fake.header("RESPONSE", "Content-Type"))
    end)

    it("keeps lists that are empty, and digits", function()
      local body = '[{"list":[],"id":1234567890123456}]'
      fake.run(kong.response.exit, 200, require("kong.tools.cjson").decode(body))
      assert.same(require("kong.tools.cjson").decode(body),
        require("kong.tools.cjson").decode(fake.request.exit.body))
      assert.truthy(fake.request.exit.body:find("[]", 1, true))
    end)

    it("leaves a Content-Type of the plugin's own", function()
      for _, name in ipairs({ "content-type", "Content_Type" }) do
        request({ phase = "access" })
        fake.run(kong.response.exit, 200, {}, { [name] = "application/x" })
        assert.same({ "application/x" }, fake.header("RESPONSE", "Content-Type"))
      end
    end)

    it("sends no body for none, an empty one for an empty one, and the headers", function()
      fake.run(kong.response.exit, 204, nil, { ["X-A"] = { "1", "2" } })
      assert.same({ status = 204 }, fake.request.exit)
      assert.same({ "1", "2" }, fake.header("RESPONSE", "X-A"))
      fake.run(kong.response.exit, 200, "")
      assert.same({ status = 200, body = "" }, fake.request.exit)
    end)

    it("blames the caller", function()
      assert.equal("plugin:1: code must be a number", fails("kong.response.exit()"))
      assert.equal("plugin:1: code must be a number between 100 and 599",
        fails("kong.response.exit(1000)"))
      assert.equal("plugin:1: body must be a nil, string or table",
        fails("kong.response.exit(200, 1)"))
      assert.equal("plugin:1: headers must be a nil or table",
        fails("kong.response.exit(200, '', 'x')"))
      assert.matches("^plugin:1: body encoding failed", fails("kong.response.exit(200, { print })"))
      assert.is_nil(fake.request.exit)
    end)
  end)

  describe("error", function()
    it("has Kong's message by default, in the form that the client accepts", function()
      assert.is_true(fake.run(kong.response.error, 503))
      assert.same({ status = 503, form = -1 }, fake.request.failure)
    end)

    local forms = {
      ["application/json"] = 0, ["text/html; charset=utf-8"] = 1, ["text/plain"] = 2,
      ["application/xml"] = 3, ["application/x-own"] = -1,
    }
    for content_type, form in pairs(forms) do
      it("has the form of the plugin's Content-Type " .. content_type, function()
        fake.run(kong.response.error, 400, "no", { ["Content-Type"] = content_type })
        assert.same({ status = 400, message = "no", form = form }, fake.request.failure)
      end)
    end

    it("sends a table as JSON", function()
      fake.run(kong.response.error, 400, { own = true })
      assert.same({ own = true }, cjson.decode(fake.request.exit.body))
    end)

    it("blames the caller", function()
      assert.equal("plugin:1: code must be a number between 400 and 599",
        fails("kong.response.error(200)"))
      assert.equal("plugin:1: message must be a nil, a string or a table",
        fails("kong.response.error(500, 1)"))
      assert.equal("plugin:1: headers must be a nil or table",
        fails("kong.response.error(500, nil, 1)"))
    end)
  end)

  describe("body_filter", function()
    before_each(function()
      current.slot = 1
    end)
    after_each(function()
      current.release(1)
      current.slot = 0
    end)

    local function pieces(list, filter)
      local out = {}
      request({ phase = "body_filter" })
      for i, piece in ipairs(list) do
        fake.request.chunk, fake.request.last = piece, i == #list
        filter()
        out[i] = fake.request.chunk
      end
      return out
    end

    it("gives the body as a whole, and withholds it until then", function()
      local seen = {}
      local out = pieces({ "a", "b", "c" }, function()
        table.insert(seen, kong.response.get_raw_body() or "-")
      end)
      assert.same({ "-", "-", "abc" }, seen)
      assert.same({ "", "", "abc" }, out)
    end)

    it("gives it to two plugins alike", function()
      local seen = {}
      local out = pieces({ "a", "b" }, function()
        seen[1] = kong.response.get_raw_body()
        seen[2] = kong.response.get_raw_body()
      end)
      assert.same({ "ab", "ab" }, seen)
      assert.same({ "", "ab" }, out)
    end)

    it("gives a body of one piece", function()
      assert.same({ "one" }, pieces({ "one" }, function()
        assert.equal("one", kong.response.get_raw_body())
      end))
    end)

    it("replaces it", function()
      assert.same({ "new" }, pieces({ "old" }, function()
        kong.response.set_raw_body("new")
      end))
      assert.is_true(fake.request.last)
      assert.same({ "\n" }, pieces({ "old" }, function()
        kong.response.set_raw_body("")
      end))
      assert.equal("plugin:1: body must be a string", fails("kong.response.set_raw_body()"))
    end)

    it("is where these belong", function()
      request({ phase = "access" })
      assert.matches("function cannot be called in access phase %(only in: body_filter%)",
        fails("kong.response.get_raw_body()"))
    end)
  end)
end)
