-- Changing the configuration under load: nothing is lost, nothing old is served afterwards.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("a reload", function()
  local peer, gateway

  local function document(listener, more)
    return config.build({
      up = { port = peer.ports[listener], service = more },
    })
  end

  setup(function()
    peer = upstreams.peer({ a = {}, b = {} })
    gateway = helpers.gateway({ config = document("a"), workers = 2 })
  end)
  teardown(helpers.stop_all)

  local function listener()
    local response = gateway:get({ path = "/up", host = "x" })
    return response.status == 200 and cjson.decode(response.body).listener or response.status
  end

  it("takes effect for the first request after it is confirmed", function()
    for i = 1, 10 do
      local name = i % 2 == 0 and "a" or "b"
      assert.is_true(gateway:reload(document(name)))
      for _ = 1, 4 do
        assert.equal(name, listener())
      end
    end
  end)

  it("lets requests in flight finish where they began", function()
    assert.is_true(gateway:reload(document("a")))
    local before = peer:count("request", "a")
    local running = gateway:get_start({ path = "/up/delay/700", host = "x" })
    peer:wait("request", before + 1, "a")
    assert.is_true(gateway:reload(document("b")))
    assert.equal("b", listener())
    local response = running.finish()
    assert.equal(200, response.status)
    assert.equal("a", cjson.decode(response.body).listener)
  end)

  it("does not end client connections", function()
    local raw = gateway:connect()
    for _, name in ipairs({ "a", "b" }) do
      assert.is_true(gateway:reload(document(name)))
      raw:send("GET /up HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(name, cjson.decode(raw:response().body).listener)
    end
    raw:close()
  end)

  it("of the same file changes nothing", function()
    local first = cjson.decode(gateway:get({ path = "/up", host = "x" }).body)
    for _ = 1, 3 do
      assert.is_true(gateway:reload())
    end
    for _ = 1, 4 do
      assert.equal(first.listener, listener())
    end
  end)

  it("loses no request under load", function()
    local load = helpers.start({
      "h2load", "--h1", "--clients", "8", "--requests", "12000", gateway:url("/up"),
    })
    while not load:ended() do
      assert.is_true(gateway:reload(document("a")))
      assert.is_true(gateway:reload(document("b")))
    end
    assert.matches("12000 succeeded", load:output())
    assert.matches("status codes: 12000 2xx", load:output())
  end)

  describe("that cannot be", function()
    local broken = {
      { "no YAML", "services: [", "weir%.json:1:" },
      { "an unknown field", { "services[0].tls_verfy", "unknown field" },
        { tls_verfy = true } },
      { "a wrong type", { "services[0].retries", "expected an integer" }, { retries = "many" } },
      { "a missing CA", { "services[0].ca_certificates[0]" },
        { protocol = "https", ca_certificates = { config.id(99) } } },
    }
    for _, case in ipairs(broken) do
      it("is refused and changes nothing: " .. case[1], function()
        assert.is_true(gateway:reload(document("a")))
        local applied, log
        if type(case[2]) == "string" then
          helpers.write(gateway.file, case[2])
          applied, log = gateway:reload()
          assert.matches(case[3], log)
        else
          applied, log = gateway:reload(document("b", case[3]))
          for _, text in ipairs(case[2]) do
            assert.truthy(log:find(text, 1, true), log)
          end
          assert.matches("weir%.json:%d+:%d+: ", log)
        end
        assert.is_false(applied)
        assert.equal("a", listener())
      end)
    end

    it("like a file that is gone", function()
      assert.is_true(gateway:reload(document("a")))
      os.rename(gateway.file, gateway.file .. ".away")
      local applied = gateway:reload()
      assert.is_false(applied)
      assert.equal("a", listener())
      os.rename(gateway.file .. ".away", gateway.file)
    end)
  end)

  it("many times does not grow the process", function()
    if helpers.sanitized() then
      pending("a sanitizer keeps freed memory")
      return
    end
    local pid = gateway:worker_pid()
    local function reload_often()
      for _ = 1, 30 do
        assert.is_true(gateway:reload(document("a")))
        assert.is_true(gateway:reload(document("b")))
      end
      return helpers.process.memory(pid, "VmRSS")
    end
    local first = reload_often()
    local second = reload_often()
    assert.is_true(second - first < 4096, ("%d KiB, then %d KiB"):format(first, second))
  end)
end)
