-- kong.service.set_target_retry_callback: when it is asked, and what comes of the answer.

local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

-- %s is the body of the callback, which knows how often it was asked.
local ACCESS = [[
  local asked = 0
  if not kong.request.get_header("X-Unset") then
    kong.service.set_target_retry_callback(function(...)
      asked = asked + 1
      kong.log.notice("asked ", asked, " with ", select("#", ...), " for ",
        kong.request.get_path())
      %s
    end)
  end]]

local SETTINGS = { plugins = "bundled,steer", plugin_path = "spec/fixtures/plugins" }

describe("a target's retry callback", function()
  local peer, gateway, dead

  local function service(callback, more)
    local fields = { host = "127.0.0.1", port = dead, service = { retries = 3 } }
    for key, value in pairs(more or {}) do
      fields[key] = value
    end
    fields.plugins = { { name = "pre-function", config = { access = { ACCESS:format(callback) } } },
      unpack(fields.plugins or {}) }
    return fields
  end

  setup(function()
    dead = client.free_port()
    peer = upstreams.peer({ main = {} })
    local live = ('kong.service.set_target("127.0.0.1", %d) '):format(peer.ports.main)
    local nowhere = ('kong.service.set_target("127.0.0.1", %d) '):format(client.free_port())
    local steer = { plugins = { { name = "steer", config = {} } } }
    local entity = { service = { retries = 3, host = "both.upstream", port = 80 } }
    local services = {
      moves = service(live .. "return true"),
      again = service("return true"),
      stays = service("if asked == 1 then " .. nowhere .. "end return true", steer),
      steered = service(live .. "return true", steer),
      entity = service("return false", entity),
      silent = service(live),
      text = service("return 'true'"),
      reason = service("return nil, 'no more of them'"),
      raises = service("error('broken on purpose')"),
      yields = service("coroutine.yield()"),
      exits = service("kong.response.exit(418, 'enough')"),
    }
    gateway = helpers.gateway({
      config = config.build(services, { upstreams = { { name = "both.upstream", targets = {
        { target = "127.0.0.1:" .. dead }, { target = "127.0.0.1:" .. peer.ports.main },
      } } } }),
      settings = SETTINGS,
    })
  end)
  teardown(helpers.stop_all)

  local function get(name, headers)
    local response = gateway:get({ path = "/" .. name, headers = headers })
    local id = response.headers["x-kong-request-id"]
    return response, function(pattern) return gateway:lines(pattern, id) end
  end

  it("chooses another target, after the first try only", function()
    local response, lines = get("moves")
    assert.equal(200, response.status)
    assert.equal(1, #lines("asked "))
    assert.equal(1, #lines("asked 1 with 0 for /moves"))
  end)

  it("is asked before each retry", function()
    local response, lines = get("again")
    assert.equal(502, response.status)
    assert.equal(3, #lines("asked "))
  end)

  it("chooses for all tries that follow, also where plugins choose for one", function()
    local response, lines = get("stays")
    assert.equal(502, response.status)
    local tries = lines("%[steer%] try ")
    assert.equal(4, #tries)
    local of_each = {}
    for i, line in ipairs(tries) do
      of_each[i] = line:match("127%.0%.0%.1:(%d+) after")
    end
    assert.equal(tostring(dead), of_each[1])
    assert.are_not.equal(of_each[1], of_each[2])
    assert.same({ of_each[2], of_each[2] }, { of_each[3], of_each[4] })
  end)

  it("is asked before the plugins of the next try are", function()
    local response, lines = get("steered")
    assert.equal(200, response.status)
    assert.equal(1, #lines("try 2 of nil at nil 127%.0%.0%.1:" .. peer.ports.main))
  end)

  it("is not asked where an upstream has the targets", function()
    for _ = 1, 2 do
      local response, lines = get("entity")
      assert.equal(200, response.status)
      assert.equal(0, #lines("asked "))
    end
  end)

  local refusals = {
    silent = "it did not return true", text = "it did not return true",
    reason = "no more of them", raises = "broken on purpose", yields = "attempt to yield",
  }
  for name, why in pairs(refusals) do
    it("ends the request with 503: " .. name, function()
      local before = peer:count("request")
      local response, lines = get(name)
      assert.equal(503, response.status)
      assert.equal(1, #lines("asked "))
      assert.equal(1, #lines("%[pre%-function%] .*" .. why))
      assert.equal(before, peer:count("request"))
    end)
  end

  it("may answer instead", function()
    local response = get("exits")
    assert.same({ 418, "enough" }, { response.status, response.body })
  end)

  it("is forgotten with its request", function()
    for _ = 1, 2 do
      assert.equal(200, (get("moves")).status)
      local response, lines = get("moves", { ["X-Unset"] = "1" })
      assert.equal(502, response.status)
      assert.equal(0, #lines("asked "))
    end
  end)
end)
