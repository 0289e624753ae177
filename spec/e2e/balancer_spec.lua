-- The balancer phase: plugins choose policy and target at each try, for that try only.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT = config.id(1)
local VERIFY = { tls_verify = true, ca_certificates = { ROOT }, retries = 3 }

local SETTINGS = { plugins = "bundled,steer", plugin_path = "spec/fixtures/plugins" }

describe("the balancer phase", function()
  local peer, gateway, dead

  local function steer(ports)
    local named = {}
    for port, choice in pairs(ports) do
      named[tostring(port)] = choice
    end
    return { { name = "steer", config = { ports = named } } }
  end

  local function targets(...)
    local list = {}
    for i, port in ipairs({ ... }) do
      list[i] = { target = "127.0.0.1:" .. port, weight = 1 }
    end
    return list
  end

  local function build()
    local mine, other = peer.ports.mine, peer.ports.other
    local function service(fields)
      fields.protocol, fields.service = "https", fields.service or VERIFY
      return fields
    end
    local ca = pki.pem(pki.get("other_root"))
    local services = {
      plain = service({ port = mine }),
      each = service({ targets = targets(mine, other),
        plugins = steer({ [other] = { ca = ca } }) }),
      loose = service({ targets = targets(dead, other),
        plugins = steer({ [dead] = { verify = false } }) }),
      moved = service({ targets = targets(dead),
        plugins = steer({ [dead] = { host = "127.0.0.1", port = mine } }) }),
      named = service({ targets = targets(dead),
        plugins = steer({ [dead] = { host = "localhost", port = mine } }) }),
      returns = service({ targets = targets(mine, dead),
        plugins = steer({ [mine] = { host = "127.0.0.1", port = dead } }) }),
    }
    for _, fault in ipairs({ "error", "yield", "sleep", "exit" }) do
      services[fault] = service({ targets = targets(mine),
        plugins = steer({ [mine] = { fault = fault } }) })
    end
    return config.build(services, { ca_certificates = { config.ca(1, "root") } })
  end

  setup(function()
    dead = client.free_port()
    peer = upstreams.peer({
      mine = { tls = pki.issue("balancer_mine", {
        subject = "/CN=mine", san = "DNS:kong.example,DNS:localhost,IP:127.0.0.1",
        issuer = pki.get("inter"),
      }) },
      other = { tls = "from_other_root" },
    })
    gateway = helpers.gateway({ config = build(), settings = SETTINGS })
  end)
  teardown(helpers.stop_all)

  local function get(name)
    return gateway:get({ path = "/" .. name, host = "kong.example" })
  end

  local function tries(response)
    return gateway:lines("%[steer%] try ", response.headers["x-kong-request-id"])
  end

  it("chooses a policy for each target of an upstream", function()
    local conns = {}
    for _ = 1, 4 do
      local response = get("each")
      assert.equal(200, response.status, gateway:logs():sub(-2000))
      conns[cjson.decode(response.body).conn] = true
    end
    assert.same({ 1, 1 }, { peer:connections("mine"), peer:connections("other") })
    assert.is_truthy(next(conns, next(conns)))
  end)

  it("says which try it is, and how the one before ended", function()
    for _ = 1, 2 do
      local lines = tries(get("loose"))
      local first = lines[1]:match("try 1 of loose%.upstream at nil 127%.0%.0%.1:(%d+) after nil")
      assert.is_truthy(first, lines[1])
      local ended = tonumber(first) == dead and "refused" or "tls_verify"
      assert.matches("try 2 of loose%.upstream at nil 127%.0%.0%.1:%d+ after " .. ended, lines[2])
    end
  end)

  it("does not keep a choice for the next try", function()
    local before = peer:count("request", "other")
    for _ = 1, 4 do
      assert.equal(502, get("loose").status)
    end
    assert.equal(before, peer:count("request", "other"))
    assert.is_true(#gateway:lines("code: untrusted_issuer") > 0)
  end)

  for _, name in ipairs({ "moved", "named" }) do
    it("chooses another target: " .. name, function()
      local response = get(name)
      assert.equal(200, response.status, gateway:logs():sub(-2000))
      assert.equal(1, #tries(response))
      local headers = {}
      for _, pair in ipairs(peer:last("request", "mine").headers) do
        headers[pair[1]] = pair[2]
      end
      assert.equal("1", headers["x-try"])
    end)
  end

  it("goes back to the upstream's targets with the next try", function()
    local response = get("returns")
    assert.equal(502, response.status)
    local lines = tries(response)
    assert.is_true(#lines > 1)
    for _, line in ipairs(lines) do
      assert.matches("of returns%.upstream", line)
    end
  end)

  for _, fault in ipairs({ "error", "yield", "sleep" }) do
    it("ends the request with 500 after " .. fault, function()
      local before = peer:count("request", "mine")
      local response = get(fault)
      assert.equal(500, response.status)
      assert.equal("An unexpected error occurred", cjson.decode(response.body).message)
      assert.equal(1, #gateway:lines("%[steer%] balancer: ",
        response.headers["x-kong-request-id"]))
      assert.equal(before, peer:count("request", "mine"))
    end)
  end

  it("may answer instead", function()
    local before = peer:count("request", "mine")
    local response = get("exit")
    assert.same({ 418, "no" }, { response.status, response.body })
    assert.equal(before, peer:count("request", "mine"))
  end)

  it("does not enter Lua where no plugin has it", function()
    get("plain")
    local before = gateway:status().lua_phases
    assert.equal(200, get("plain").status)
    -- The question itself is the Admin API's, which is Lua.
    assert.equal(before + 1, gateway:status().lua_phases)
  end)
end)
