-- cors in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local ORIGIN = "https://app.example"

describe("cors", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    local function with(fields)
      return { port = peer.ports.main, plugins = { { name = "cors", config = fields } } }
    end
    local services = {
      open = with({}),
      listed = with({ origins = { "https://app.example", "(.*\\.)?b\\.example" },
        credentials = true, exposed_headers = { "X-Token" } }),
      continued = with({ preflight_continue = true }),
      stopped = with({}),
    }
    table.insert(services.stopped.plugins, { name = "request-termination",
      config = { status_code = 403 } })
    gateway = helpers.gateway({ config = config.build(services) })
  end)
  teardown(helpers.stop_all)

  local function ask(path, method, origin)
    return gateway:get({ path = path, method = method, headers = {
      Origin = origin, ["Access-Control-Request-Method"] = "PUT",
    } })
  end

  it("answers preflight requests itself", function()
    local before = peer:count("request")
    local response = ask("/open", "OPTIONS", ORIGIN)
    assert.equal(200, response.status)
    assert.equal("0", response.headers["content-length"])
    assert.equal("*", response.headers["access-control-allow-origin"])
    assert.matches("PATCH", response.headers["access-control-allow-methods"])
    assert.equal(before, peer:count("request"))
  end)

  it("lets the service answer them if told so", function()
    local response = ask("/continued", "OPTIONS", ORIGIN)
    assert.equal("OPTIONS", cjson.decode(response.body).method)
    assert.is_nil(response.headers["access-control-allow-origin"])
  end)

  it("says who may read what the service answers", function()
    for origin, allowed in pairs({
      [ORIGIN] = ORIGIN, ["http://x.b.example:81"] = "http://x.b.example:81",
      ["https://b.example.evil.example"] = false,
    }) do
      local headers = ask("/listed", "GET", origin).headers
      assert.equal(allowed or nil, headers["access-control-allow-origin"])
      assert.equal("true", headers["access-control-allow-credentials"])
      assert.equal("X-Token", headers["access-control-expose-headers"])
      assert.equal("Origin", headers.vary)
    end
  end)

  it("says so in what other plugins answer", function()
    local response = ask("/stopped", "GET", ORIGIN)
    assert.equal(403, response.status)
    assert.equal("*", response.headers["access-control-allow-origin"])
  end)

  it("is checked without a gateway", function()
    local file = helpers.write(helpers.directory() .. "/weir.yml", [[
_format_version: "3.0"
plugins:
- name: cors
  config: {origins: ["("]}
]])
    local result = helpers.run({ helpers.binary(), "check", file })
    assert.equal(1, result.code)
    assert.matches("plugins%[0%]%.config%.origins%[0%]: '%(' is not a valid regex", result.stdout)
  end)
end)
