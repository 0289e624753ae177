-- Answers of plugins in the running gateway: in which phases, and what still runs after them.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local EXIT = [[
  if kong.request.get_header("X-Exit") == "%s" then
    kong.response.exit(418, { phase = "%s" }, { ["X-By"] = "plugin" })
  end]]

describe("kong.response.exit", function()
  local gateway, peer

  setup(function()
    peer = upstreams.peer({ main = {} })
    local functions = {}
    for _, phase in ipairs({ "rewrite", "access", "header_filter" }) do
      functions[phase] = { EXIT:format(phase, phase) }
    end
    gateway = helpers.gateway({
      config = config.build({ up = { port = peer.ports.main } }, { plugins = {
        { name = "pre-function", config = functions },
        { name = "tracer", config = { mark = "t" } },
      } }),
      settings = { plugins = "bundled,tracer", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  local function exit_in(phase)
    local before = peer:count("request")
    local response = gateway:get({ path = "/up", headers = { ["X-Exit"] = phase } })
    assert.equal(418, response.status)
    assert.equal("plugin", response.headers["x-by"])
    assert.same({ phase = phase }, cjson.decode(response.body))
    return response, peer:count("request") - before
  end

  it("in rewrite skips what comes before the head, and nothing goes upstream", function()
    local response, sent = exit_in("rewrite")
    assert.equal("header_filter=t", response.headers["x-trace"])
    assert.equal("exit", response.headers["x-source"])
    assert.equal(0, sent)
    gateway:wait_line("trace header_filter=t,log=t status 418")
  end)

  it("in access skips the other plugins' access, not their later phases", function()
    local response, sent = exit_in("access")
    assert.equal("rewrite=t,header_filter=t", response.headers["x-trace"])
    assert.equal(0, sent)
    gateway:wait_line("trace rewrite=t,header_filter=t,log=t status 418")
  end)

  it("in header_filter replaces the service's answer", function()
    local response, sent = exit_in("header_filter")
    assert.equal("rewrite=t,access=t,header_filter=t", response.headers["x-trace"])
    assert.equal(1, sent)
  end)

  it("is not needed for an error page to pass the filters", function()
    local response = gateway:get("/nowhere")
    assert.equal(404, response.status)
    assert.equal("rewrite=t,header_filter=t", response.headers["x-trace"])
    assert.equal("error", response.headers["x-source"])
    gateway:wait_line("trace rewrite=t,header_filter=t,log=t status 404")
  end)
end)
