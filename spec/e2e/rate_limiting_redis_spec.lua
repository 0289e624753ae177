-- rate-limiting with counters in a real redis-server, shared by two gateways. Limits are per year,
-- so that no window ends while a test runs.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

describe("rate-limiting with redis", function()
  local gateways

  setup(function()
    local server = upstreams.redis({ password = "open" })
    local port = upstreams.peer({ main = {} }).ports.main
    local function with(limit, redis, more)
      local fields = { year = limit, limit_by = "ip", policy = "redis", redis = redis }
      redis.host, redis.password = "127.0.0.1", redis.password or "open"
      redis.port = redis.port or server.port
      for key, value in pairs(more or {}) do
        fields[key] = value
      end
      return { port = port, plugins = { { name = "rate-limiting", config = fields } } }
    end
    local strict = { fault_tolerant = false }
    local document = config.build({
      shared = with(10, {}),
      down = with(2, { database = 3 }, { month = 2 }),
      verified = with(1, { port = server.tls_port, ssl = true, ssl_verify = true,
        server_name = "kong.example" }, strict),
      misnamed = with(1, { port = server.tls_port, ssl = true, ssl_verify = true,
        server_name = "other.example" }, strict),
      locked = with(1, { password = "wrong" }, strict),
      tolerant = with(1, { password = "wrong" }),
    })
    local settings = { lua_ssl_trusted_certificate = pki.get("root").cert }
    gateways = {
      helpers.gateway({ config = document, settings = settings }),
      helpers.gateway({ config = document, settings = settings }),
    }
  end)
  teardown(helpers.stop_all)

  local function status(path)
    return gateways[1]:get(path).status
  end

  it("lets exactly as many pass as allowed, whichever gateway they come to", function()
    local started, statuses = {}, { [200] = 0, [429] = 0 }
    for i = 1, 20 do
      started[i] = gateways[i % 2 + 1]:get_start({ path = "/shared" })
    end
    for _, one in ipairs(started) do
      local code = one.finish().status
      statuses[code] = statuses[code] + 1
    end
    assert.same({ [200] = 10, [429] = 10 }, statuses)
  end)

  it("counts down", function()
    for i = 1, 2 do
      local headers = gateways[i]:get("/down").headers
      assert.equal(tostring(2 - i), headers["x-ratelimit-remaining-year"])
    end
    local response = gateways[1]:get("/down")
    assert.equal(429, response.status)
    assert.equal("0", response.headers["ratelimit-remaining"])
  end)

  it("verifies the server's certificate if told so", function()
    assert.equal(200, status("/verified"))
    assert.equal(429, status("/verified"))
    assert.equal(500, status("/misnamed"))
    gateways[1]:wait_line("%[rate%-limiting%] could not count a request: 62: hostname mismatch")
  end)

  it("answers 500 where it cannot count, unless that is tolerated", function()
    assert.equal(500, status("/locked"))
    gateways[1]:wait_line("could not count a request: .*WRONGPASS")
    assert.equal(200, status("/tolerant"))
    assert.equal(200, status("/tolerant"))
  end)
end)
