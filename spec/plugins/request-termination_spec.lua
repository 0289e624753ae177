-- request-termination: what it answers, and what its schema refuses.

local cjson = require("cjson")
local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.request-termination.handler")
local schema = require("kong.plugins.request-termination.schema")

local function run(config, want)
  want = want or {}
  want.phase = "access"
  fake.request = fake.new_request(want)
  local exited = fake.run(handler.access, handler, assert(plugin.configure(schema, config)))
  return exited and fake.request.exit or nil
end

describe("request-termination", function()
  before_each(function()
    fake.install()
    pdk.install({ node_id = "n" })
    current.generation, current.slot = { plans = {}, entities = {} }, 1
  end)
  after_each(function()
    current.release(1)
    current.generation, current.slot = nil, 0
  end)

  it("answers 503 when it is not told otherwise", function()
    assert.same({ status = 503, body = '{"message":"Service unavailable"}' }, run({}))
    assert.same({ "application/json; charset=utf-8" }, fake.header("RESPONSE", "Content-Type"))
  end)

  it("answers with a message", function()
    assert.same({ status = 403, body = '{"message":"So long"}' },
      run({ status_code = 403, message = "So long" }))
  end)

  it("has no message for a status that nobody names", function()
    assert.same({ status = 204 }, run({ status_code = 204 }))
  end)

  it("answers with a body and its type", function()
    assert.same({ status = 200, body = "<b>" },
      run({ status_code = 200, body = "<b>", content_type = "text/html" }))
    assert.same({ "text/html" }, fake.header("RESPONSE", "Content-Type"))
    run({ body = "{}" })
    assert.same({ "application/json; charset=utf-8" }, fake.header("RESPONSE", "Content-Type"))
  end)

  describe("with a trigger", function()
    local conf = { trigger = "X-Stop" }

    it("lets other requests pass", function()
      assert.is_nil(run(conf))
    end)

    it("answers those that have it, as header or as query", function()
      assert.equal(503, run(conf, { headers = { ["x-stop"] = "1" } }).status)
      assert.equal(503, run(conf, { texts = { REQUEST_QUERY = "X-Stop" } }).status)
      assert.equal(503, run(conf, { texts = { REQUEST_QUERY = "X-Stop=1&X-Stop=2" } }).status)
    end)
  end)

  it("echoes the request", function()
    local exit = run({ echo = true, status_code = 404 }, {
      body = "a=1",
      headers = { ["Content-Type"] = "application/x-www-form-urlencoded" },
      texts = { REQUEST_METHOD = "POST", REQUEST_QUERY = "q=1", REQUEST_HOST = "h",
        REQUEST_PATH_NORMAL = "/p" },
      numbers = { REQUEST_PORT = 8000 },
    })
    local echo = cjson.decode(exit.body)
    assert.equal(404, exit.status)
    assert.equal("Not found", echo.message)
    assert.equal("n", echo.kong.node_id)
    assert.same({ a = "1" }, echo.request.body)
    assert.equal("a=1", echo.request.raw_body)
    assert.same({ q = "1" }, echo.request.query)
    assert.equal("POST", echo.request.method)
    assert.equal("/p", echo.request.path)
    assert.equal("http", echo.request.scheme)
  end)

  describe("schema", function()
    local cases = {
      { { message = "m", body = "b" }, "message cannot be used with content_type or body" },
      { { message = "m", content_type = "t" }, "message cannot be used with content_type or body" },
      { { content_type = "t" }, "content_type requires a body" },
      { { echo = true, body = "b" }, "echo cannot be used with content_type and body" },
      { { status_code = 99 }, "value should be between 100 and 599" },
      { { status_code = 600 }, "value should be between 100 and 599" },
    }
    for i, case in ipairs(cases) do
      it("refuses combination " .. i, function()
        assert.same({ nil, case[2] }, { plugin.configure(schema, case[1]) })
      end)
    end
  end)
end)
