-- rate-limiting: windows, who is told from whom, what is counted and said, what the schema refuses.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local Schema = require("weir.schema")
local handler = require("kong.plugins.rate-limiting.handler")
local schema = require("kong.plugins.rate-limiting.schema")
local windows = require("kong.plugins.rate-limiting.windows")

-- 2023-11-14 22:13:20 UTC
local NOW = 1700000000

describe("rate-limiting", function()
  local clock, real_now

  setup(function()
    fake.install()
    pdk.install({})
    real_now = ngx.now
    ngx.now = function() return clock end
  end)
  teardown(function()
    ngx.now = real_now
  end)
  before_each(function()
    fake.install()
    clock = NOW
    current.slot, current.plugin = 1, { name = "rate-limiting", id = "plugin" }
    ngx.shared.kong_rate_limiting_counters:flush_all()
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  -- One request; returns the error that it was answered with, if any.
  local function call(config, want)
    local conf = assert(plugin.configure(schema, config))
    want = want or {}
    want.phase = "access"
    want.texts = want.texts or { CLIENT_FORWARDED_IP = "10.0.0.1" }
    fake.request = fake.new_request(want)
    current.release(1)
    local ctx = current.ctx("ngx")
    ctx.authenticated_consumer, ctx.authenticated_credential = want.consumer, want.credential
    fake.run(handler.access, handler, conf)
    return fake.request.failure
  end

  local function response(name)
    return fake.header("RESPONSE", name)[1]
  end

  describe("windows", function()
    local cases = {
      { "second", "2023-11-14 22:13:20", "2023-11-14 22:13:20", "2023-11-14 22:13:21" },
      { "minute", "2023-11-14 22:13:20", "2023-11-14 22:13:00", "2023-11-14 22:14:00" },
      { "hour", "2023-11-14 22:13:20", "2023-11-14 22:00:00", "2023-11-14 23:00:00" },
      { "day", "2023-11-14 22:13:20", "2023-11-14 00:00:00", "2023-11-15 00:00:00" },
      { "month", "2023-11-14 22:13:20", "2023-11-01 00:00:00", "2023-12-01 00:00:00" },
      { "month", "2023-12-31 23:59:59", "2023-12-01 00:00:00", "2024-01-01 00:00:00" },
      { "month", "2024-02-01 00:00:00", "2024-02-01 00:00:00", "2024-03-01 00:00:00" },
      { "month", "2023-02-28 23:59:59", "2023-02-01 00:00:00", "2023-03-01 00:00:00" },
      { "year", "2023-11-14 22:13:20", "2023-01-01 00:00:00", "2024-01-01 00:00:00" },
      { "year", "2024-12-31 23:59:59", "2024-01-01 00:00:00", "2025-01-01 00:00:00" },
    }
    local function seconds(text)
      return tonumber(assert(io.popen("date -u +%s -d '" .. text .. "'")):read("*l"))
    end
    for _, case in ipairs(cases) do
      it(("the %s of %s"):format(case[1], case[2]), function()
        assert.same({ seconds(case[3]), seconds(case[4]) },
          { windows.at(case[1], seconds(case[2]) + 0.75) })
      end)
    end
  end)

  it("lets so many pass, then refuses", function()
    for i = 1, 3 do
      assert.is_nil(call({ minute = 3 }))
      assert.equal("3", response("X-RateLimit-Limit-Minute"))
      assert.equal(tostring(3 - i), response("X-RateLimit-Remaining-Minute"))
      assert.is_nil(response("Retry-After"))
    end
    local failure = call({ minute = 3 })
    assert.equal(429, failure.status)
    assert.equal("API rate limit exceeded", failure.message)
    assert.equal("0", response("X-RateLimit-Remaining-Minute"))
    assert.equal("40", response("Retry-After"))
  end)

  it("begins anew with the next window", function()
    call({ minute = 1 })
    clock = NOW + 39.9
    assert.is_table(call({ minute = 1 }))
    assert.equal("1", response("Retry-After"))
    clock = NOW + 40
    assert.is_nil(call({ minute = 1 }))
  end)

  it("says what is tightest", function()
    call({ minute = 5, hour = 10, day = 10 })
    assert.same({ "5", "4", "40" }, { response("RateLimit-Limit"), response("RateLimit-Remaining"),
      response("RateLimit-Reset") })
    assert.equal("9", response("X-RateLimit-Remaining-Hour"))
    clock = NOW + 40
    for _ = 1, 5 do
      call({ minute = 5, hour = 10, day = 10 })
    end
    clock = NOW + 100
    call({ minute = 5, hour = 10, day = 10 })
    assert.same({ "10", "3", "6300" }, { response("RateLimit-Limit"),
      response("RateLimit-Remaining"), response("RateLimit-Reset") })
  end)

  it("does not count what it refuses", function()
    call({ second = 1, hour = 3 })
    for _ = 1, 5 do
      assert.is_table(call({ second = 1, hour = 3 }))
      assert.equal("2", response("X-RateLimit-Remaining-Hour"))
    end
    clock = NOW + 1
    assert.is_nil(call({ second = 1, hour = 3 }))
    assert.equal("1", response("X-RateLimit-Remaining-Hour"))
  end)

  it("says nothing about limits if told so", function()
    for _ = 1, 2 do
      call({ second = 1, hide_client_headers = true })
      assert.same({}, fake.request.lists[tonumber(require("ffi").C.WEIR_HEADERS_RESPONSE)])
    end
  end)

  it("answers as it is told to", function()
    call({ second = 1 })
    local failure = call({ second = 1, error_code = 503, error_message = "later" })
    assert.same({ 503, "later" }, { failure.status, failure.message })
  end)

  describe("tells apart", function()
    -- Calls twice: the second is refused if it is taken for the first.
    local function same(config, first, second)
      config.hour = 1
      assert.is_nil(call(config, first))
      return call(config, second) ~= nil
    end
    local function from(ip, more)
      more = more or {}
      more.texts = more.texts or {}
      more.texts.CLIENT_FORWARDED_IP = ip
      return more
    end

    it("addresses", function()
      assert.is_true(same({ limit_by = "ip" }, from("10.0.0.1"), from("10.0.0.1")))
      assert.is_false(same({ limit_by = "ip" }, from("10.0.0.2"), from("10.0.0.3")))
    end)

    it("consumers", function()
      local one = { id = "one" }
      assert.is_true(same({}, from("10.0.0.1", { consumer = one, credential = { id = "a" } }),
        from("10.0.0.2", { consumer = one, credential = { id = "b" } })))
      assert.is_false(same({}, from("10.0.0.1", { consumer = { id = "two" } }),
        from("10.0.0.1", { consumer = { id = "three" } })))
    end)

    it("credentials, also of one consumer", function()
      local config = { limit_by = "credential" }
      local one = { id = "one" }
      assert.is_false(same(config, from("10.0.0.1", { consumer = one, credential = { id = "a" } }),
        from("10.0.0.1", { consumer = one, credential = { id = "b" } })))
      assert.is_true(call(config, from("10.0.0.9", { credential = { id = "a" } })) ~= nil)
    end)

    it("credentials where there is no consumer", function()
      assert.is_true(same({}, from("10.0.0.1", { credential = { id = "c" } }),
        from("10.0.0.2", { credential = { id = "c" } })))
    end)

    it("header values of any length", function()
      local config = { limit_by = "header", header_name = "X-App" }
      local long = ("x"):rep(70000)
      for i, value in ipairs({ "a", "b", long, long .. "y" }) do
        local want = { headers = { ["X-App"] = value } }
        assert.is_true(same(config, from("10.0.0." .. i, want), from("10.0.0.9", want)))
      end
    end)

    it("header values from addresses", function()
      local config = { limit_by = "header", header_name = "X-App" }
      assert.is_false(same(config, from("10.0.0.1"),
        from("10.0.0.2", { headers = { ["X-App"] = "10.0.0.1" } })))
      assert.is_table(call(config, from("10.0.0.1")))
    end)

    it("one path from all others", function()
      local config = { limit_by = "path", path = "/one" }
      local function at(ip, path)
        return from(ip, { texts = { REQUEST_PATH_NORMAL = path } })
      end
      assert.is_true(same(config, at("10.0.0.1", "/one"), at("10.0.0.2", "/one")))
      assert.is_false(same(config, at("10.0.0.1", "/two"), at("10.0.0.2", "/two")))
    end)

    it("services", function()
      local config = { limit_by = "service" }
      current.generation = { plans = { [0] = { service_id = "s1" }, { service_id = "s2" } },
        entities = { services = { s1 = { id = "s1" }, s2 = { id = "s2" } } } }
      local function to(ip, plan)
        return from(ip, { numbers = { REQUEST_PLAN = plan } })
      end
      assert.is_true(same(config, to("10.0.0.1", 0), to("10.0.0.2", 0)))
      assert.is_nil(call(config, to("10.0.0.1", 1)))
    end)

    it("instances of the plugin", function()
      assert.is_nil(call({ hour = 1 }))
      current.plugin = { name = "rate-limiting", id = "other" }
      assert.is_nil(call({ hour = 1 }))
      assert.is_table(call({ hour = 1 }))
    end)
  end)

  describe("when it cannot count", function()
    local dict

    before_each(function()
      dict = ngx.shared.kong_rate_limiting_counters
      local incr = dict.incr
      -- The second window of a request fails.
      rawset(dict, "incr", function(self, key, ...)
        if key:find("hour", 1, true) then
          return nil, "no memory"
        end
        return incr(self, key, ...)
      end)
    end)
    after_each(function()
      rawset(dict, "incr", nil)
    end)

    it("lets requests pass by default, and says so", function()
      assert.is_nil(call({ minute = 5, hour = 5 }))
      assert.matches("could not count a request: no memory", fake.log[1].text)
      assert.is_nil(response("RateLimit-Limit"))
    end)

    it("answers 500 where that is not tolerated, and counts nothing", function()
      assert.equal(500, call({ minute = 5, hour = 5, fault_tolerant = false }).status)
      assert.is_nil(call({ minute = 5 }))
      assert.equal("4", response("X-RateLimit-Remaining-Minute"))
    end)
  end)

  describe("schema", function()
    local function errors(config)
      local _, list = assert(Schema.new(schema)):process({ config = config })
      local texts = {}
      for i, one in ipairs(list) do
        texts[i] = one.message
      end
      return table.concat(texts, "; ")
    end
    local cases = {
      { { second = 20, hour = 10 },
        "The limit for hour(10.0) cannot be lower than the limit for second(20.0)" },
      { { second = 10, minute = 20, hour = 30, day = 40, month = 60, year = 50 },
        "The limit for year(50.0) cannot be lower than the limit for month(60.0)" },
      { {}, "at least one of these fields must be non-empty: 'config.second', 'config.minute', "
        .. "'config.hour', 'config.day', 'config.month', 'config.year'" },
      { { second = 1, limit_by = "header" }, "required field missing" },
      { { second = 1, limit_by = "path" }, "required field missing" },
      { { second = 0 }, "value must be greater than 0" },
      { { second = 1, error_code = 200 }, "value should be between 400 and 599" },
      { { second = 1, policy = "cluster" },
        "there is no database to count in: policy should be local or redis" },
      { { second = 1, policy = "redis" }, "required field missing" },
    }
    for i, case in ipairs(cases) do
      it("refuses combination " .. i, function()
        assert.has_match(case[2], errors(case[1]), 1, true)
      end)
    end

    it("takes what was exported, with Redis' fields by both names", function()
      local conf = assert(plugin.configure(schema, { minute = 5, policy = "local",
        redis_host = "redis.example", redis = { port = 6380, database = 0 }, redis_timeout = 100 }))
      assert.same({ "redis.example", 6380, 100 },
        { conf.redis.host, conf.redis.port, conf.redis.timeout })
    end)

    it("warns of TLS to Redis that is not verified", function()
      local function advice(redis)
        local conf = assert(plugin.configure(schema,
          { minute = 5, policy = "redis", redis = redis }))
        return schema.advise({ config = conf })
      end
      local warnings = advice({ host = "redis.example", ssl = true })
      assert.equal(1, #warnings)
      assert.same({ "config", "redis" }, warnings[1].path)
      assert.matches("not verified", warnings[1].message, 1, true)
      assert.same({}, advice({ host = "redis.example", ssl = true, ssl_verify = true }))
      assert.same({}, advice({ host = "redis.example" }))
    end)
  end)
end)
