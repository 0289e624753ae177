-- rate-limiting in the running gateway, with workers that count together. Limits are per year, so
-- that no window ends while a test runs.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("rate-limiting", function()
  local peer, gateway, document

  setup(function()
    peer = upstreams.peer({ main = {} })
    local function with(...)
      return { port = peer.ports.main, plugins = { ... } }
    end
    local function limiting(fields)
      return { name = "rate-limiting", config = fields }
    end
    document = config.build({
      three = with(limiting({ year = 3, limit_by = "ip" })),
      burst = with(limiting({ year = 10, limit_by = "ip", hide_client_headers = true })),
      header = with(limiting({ year = 1, limit_by = "header", header_name = "X-App" })),
      kept = with(limiting({ year = 1, limit_by = "service" })),
      stopped = with(limiting({ year = 5 }),
        { name = "request-termination", config = { status_code = 403 } }),
      keyed = with({ name = "key-auth" }, limiting({ year = 1 })),
    }, { consumers = {
      { username = "ann", keyauth_credentials = { { key = "a1" }, { key = "a2" } } },
      { username = "big", keyauth_credentials = { { key = "b" } }, plugins = {
        limiting({ year = 2 }),
      } },
    } })
    gateway = helpers.gateway({ config = document, workers = 2 })
  end)
  teardown(helpers.stop_all)

  it("counts down, then refuses without asking the service", function()
    for left = 2, 0, -1 do
      local response = gateway:get("/three")
      assert.equal(200, response.status)
      assert.equal("3", response.headers["x-ratelimit-limit-year"])
      assert.equal(tostring(left), response.headers["x-ratelimit-remaining-year"])
      assert.equal(tostring(left), response.headers["ratelimit-remaining"])
    end
    local before = peer:count("request")
    local response = gateway:get("/three")
    assert.equal(429, response.status)
    assert.equal("API rate limit exceeded", cjson.decode(response.body).message)
    assert.equal("0", response.headers["x-ratelimit-remaining-year"])
    assert.equal(response.headers["ratelimit-reset"], response.headers["retry-after"])
    assert.equal(before, peer:count("request"))
  end)

  it("lets exactly as many pass as allowed when they come at once", function()
    local started, statuses = {}, { [200] = 0, [429] = 0 }
    for i = 1, 25 do
      started[i] = gateway:get_start({ path = "/burst" })
    end
    for _, one in ipairs(started) do
      local response = one.finish()
      statuses[response.status] = statuses[response.status] + 1
      assert.is_nil(response.headers["ratelimit-limit"])
    end
    assert.same({ [200] = 10, [429] = 15 }, statuses)
  end)

  it("tells callers apart", function()
    for _, app in ipairs({ "one", "two" }) do
      local request = { path = "/header", headers = { ["X-App"] = app } }
      assert.equal(200, gateway:get(request).status)
      assert.equal(429, gateway:get(request).status)
    end
  end)

  it("counts consumers, whichever key they have, and has limits for single ones", function()
    local keys = { "a1", "a2", "b", "b", "b" }
    for i, status in ipairs({ 200, 429, 200, 200, 429 }) do
      assert.equal(status, gateway:get("/keyed?apikey=" .. keys[i]).status)
    end
  end)

  it("says in what other plugins answer how much is left", function()
    local response = gateway:get("/stopped")
    assert.equal(403, response.status)
    assert.equal("4", response.headers["ratelimit-remaining"])
  end)

  it("does not forget with a reload", function()
    assert.equal(200, gateway:get("/kept").status)
    document.services[1].tags = { "changed" }
    assert.is_true(gateway:reload(document))
    assert.equal(429, gateway:get("/kept").status)
  end)
end)
