-- Sizes and times that a client cannot exceed, and many clients at once.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("limits", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    gateway = helpers.gateway({
      config = config.build({ up = { port = peer.ports.main } }),
      settings = {
        nginx_http_client_header_timeout = "1s",
        nginx_http_client_body_timeout = "1s",
        nginx_http_keepalive_timeout = "1s",
      },
    })
  end)
  teardown(helpers.stop_all)

  local function status(bytes)
    local response = assert(gateway:exchange(bytes))
    response.raw:close()
    return response.status, response.body
  end

  it("414 for a target that is too long, and 200 for one that is not", function()
    assert.equal(414, (status("GET /up/" .. ("a"):rep(20000) .. " HTTP/1.1\r\nHost: x\r\n\r\n")))
    assert.equal(200, (status("GET /up/" .. ("a"):rep(4000) .. " HTTP/1.1\r\nHost: x\r\n\r\n")))
  end)

  it("400 for headers that are too large, with their own text", function()
    local code, body = status(
      "GET /up HTTP/1.1\r\nHost: x\r\nX: " .. ("a"):rep(100000) .. "\r\n\r\n")
    assert.equal(400, code)
    assert.matches("Request header or cookie too large", body)
  end)

  it("400 for too many headers", function()
    assert.equal(400, (status("GET /up HTTP/1.1\r\nHost: x\r\n" .. ("a: b\r\n"):rep(3000)
      .. "\r\n")))
    assert.equal(200, (status("GET /up HTTP/1.1\r\nHost: x\r\n" .. ("a: b\r\n"):rep(90)
      .. "\r\n")))
  end)

  it("408 for a head that does not come to its end", function()
    local raw = gateway:connect()
    raw:send("GET /up HTTP/1.1\r\nHost: x\r\n")
    local response = raw:response()
    assert.equal(408, response.status)
    assert.equal("close", response.headers.connection)
    assert.is_true(raw:closed())
    raw:close()
  end)

  it("408 for a body that does not come", function()
    local raw = gateway:connect()
    raw:send("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert.equal(408, raw:response().status)
    raw:close()
  end)

  it("an idle connection is closed without a word", function()
    local raw = gateway:connect()
    raw:send("GET /up HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(200, raw:response().status)
    assert.is_true(raw:closed())
    raw:close()
  end)

  it("hundreds of idle connections leave room for work", function()
    local idle = {}
    for i = 1, 300 do
      idle[i] = gateway:connect()
    end
    local response = gateway:get({ path = "/up", host = "x" })
    assert.equal(200, response.status)
    assert.equal("main", cjson.decode(response.body).listener)
    for _, raw in ipairs(idle) do
      raw:close()
    end
  end)
end)
