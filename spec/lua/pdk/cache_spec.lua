local abi = require("weir.abi")
local current = require("weir.pdk.current")

describe("weir.pdk.cache", function()
  local Cache, cache, calls, time, waiting

  -- Time passes when the spec says so, and who may wait is up to it, too.
  setup(function()
    package.loaded["weir.abi"] = {
      C = setmetatable({ weir_time_ms = function() return time end }, { __index = abi.C }),
    }
    package.loaded["weir.pdk.cache"] = nil
    waiting = package.loaded["weir.wait"]
    Cache = require("weir.pdk.cache")
    package.loaded["weir.abi"] = abi
  end)
  teardown(function()
    package.loaded["weir.pdk.cache"] = nil
    package.loaded["weir.wait"] = waiting
  end)

  before_each(function()
    time = 1000
    package.loaded["weir.wait"] = { sleep = function() error("nobody can wait") end }
    current.generation = { settings = { db_cache_ttl = 0, db_cache_neg_ttl = 0 } }
    cache, calls = Cache.new(), 0
  end)
  after_each(function()
    current.generation = nil
  end)

  -- A callback that counts its calls and gives what it was told to.
  local function giving(...)
    local results = { n = select("#", ...), ... }
    return function()
      calls = calls + 1
      return unpack(results, 1, results.n)
    end
  end

  describe("of another worker", function()
    local other

    -- A module and a configuration of its own: what is shared is the core's.
    before_each(function()
      package.loaded["weir.pdk.cache"] = nil
      other = require("weir.pdk.cache").new()
    end)

    local function get(who, ...)
      return (who:get("k", nil, giving(...)))
    end

    it("keeps its own value, and forgets what is invalidated here", function()
      for _, forget in ipairs({ "invalidate", "invalidate_local", "purge" }) do
        assert.same({ "mine", "theirs" }, { get(cache, "mine"), get(other, "theirs") })
        assert.same({ "mine", "theirs" }, { get(cache, "new"), get(other, "new") })
        cache[forget](cache, "k")
        assert.is_nil(other:probe("k"))
        assert.same({ "new", "newer" }, { get(cache, "new"), get(other, "newer") })
        other[forget](other, "k")
        assert.is_nil(cache:probe("k"))
      end
    end)

    it("does not keep what was being worked out meanwhile", function()
      assert.equal("old", (other:get("k", nil, function()
        cache:invalidate("k")
        return "old"
      end)))
      assert.equal("new", get(other, "new"))
    end)
  end)

  it("calls back once, with the arguments", function()
    local function sum(a, b)
      calls = calls + 1
      return a + b
    end
    assert.same({ 3, nil, 3 }, { cache:get("k", nil, sum, 1, 2) })
    assert.same({ 3, nil, 1 }, { cache:get("k", nil, sum, 5, 5) })
    assert.equal(1, calls)
  end)

  it("keeps false, and that there is nothing", function()
    for key, value in pairs({ no = false, none = "nil" }) do
      if value == "nil" then value = nil end
      calls = 0
      assert.equal(value, (cache:get(key, nil, giving(value))))
      assert.equal(value, (cache:get(key, nil, giving("other"))))
      assert.equal(1, calls)
    end
  end)

  it("looks up without a callback", function()
    assert.same({ nil, nil, -1 }, { cache:get("k") })
    cache:get("k", nil, giving(5))
    assert.same({ 5, nil, 1 }, { cache:get("k") })
  end)

  it("keeps values for their ttl: the options', the callback's, the settings'", function()
    cache:get("options", { ttl = 0.01, neg_ttl = 100 }, giving(1))
    cache:get("callback", { ttl = 100 }, giving(1, nil, 0.01))
    cache:get("negative", { ttl = 100, neg_ttl = 0.01 }, giving(nil))
    cache:get("stays", { ttl = 100, neg_ttl = 0.01 }, giving(1))
    cache:get("forever", { ttl = 0 }, giving(1))
    cache:get("never", nil, giving(1, nil, -1))
    current.generation.settings.db_cache_ttl = 0.01
    cache:get("settings", nil, giving(1))
    assert.is_nil((cache:probe("never")))
    time = time + 20
    for _, key in ipairs({ "options", "callback", "negative", "settings" }) do
      assert.is_nil((cache:probe(key)), key)
      assert.equal(2, (cache:get(key, nil, giving(2))), key)
    end
    assert.equal(1, select(3, cache:probe("stays")))
    assert.is_true((cache:probe("stays")) > 90)
    assert.equal(0, (cache:probe("forever")))
  end)

  it("keeps what the serializer makes", function()
    local opts = { l1_serializer = function(text) return text .. "!" end }
    assert.equal("a!", (cache:get("k", opts, giving("a"))))
    assert.equal("a!", (cache:get("k", opts, giving("b"))))
    assert.is_nil((cache:get("none", opts, giving(nil))))
    local cases = {
      ["l1_serializer returned a nil value"] = function() end,
      ["no way"] = function() return nil, "no way" end,
      ["l1_serializer threw an error: oops"] = function() error("oops", 0) end,
    }
    for message, serializer in pairs(cases) do
      local value, err = cache:get("bad", { l1_serializer = serializer }, giving("a"))
      assert.is_nil(value)
      assert.equal("failed to get from node cache: " .. message, err)
      assert.is_nil((cache:probe("bad")))
    end
  end)

  it("passes failures of the callback on, and does not keep them", function()
    assert.same({ nil, "failed to get from node cache: no luck" },
      { cache:get("k", nil, giving(nil, "no luck")) })
    assert.same({ nil, "failed to get from node cache: callback threw an error: oops" },
      { cache:get("k", nil, function() error("oops", 0) end) })
    assert.equal(1, (cache:get("k", nil, giving(1))))
    assert.same({ nil, "failed to renew key in node cache: no luck" },
      { cache:renew("k", nil, giving(nil, "no luck")) })
    assert.equal(1, (cache:get("k")))
  end)

  it("renews, forgets one and forgets all", function()
    cache:get("a", nil, giving(1))
    cache:get("b", nil, giving(1))
    cache:get("c", nil, giving(1))
    assert.same({ 2, nil, 5 }, { cache:renew("a", { ttl = 5 }, giving(2)) })
    assert.equal(2, (cache:get("a")))
    cache:invalidate("a")
    cache:invalidate_local("b")
    assert.is_nil((cache:get("a")))
    assert.is_nil((cache:get("b")))
    assert.equal(1, (cache:get("c")))
    cache:purge()
    assert.is_nil((cache:get("c")))
  end)

  it("reads in bulk", function()
    local result = cache:get_bulk({
      "a", nil, function(x) return x end, 1,
      "b", { ttl = 5 }, function() return nil, "bad" end, nil,
      "a", nil, function() return 2 end, nil,
      n = 3,
    })
    assert.same({ 1, nil, 3, nil, "bad", nil, 1, nil, 1, n = 9 }, result)
  end)

  it("begins anew with each configuration", function()
    cache:get("k", nil, giving(1))
    local before = current.generation
    current.generation = { settings = before.settings }
    assert.equal(2, (cache:get("k", nil, giving(2))))
    current.generation = before
    assert.equal(1, (cache:get("k")))
  end)

  it("is apart from other caches", function()
    local other = Cache.new()
    cache:get("k", nil, giving(1))
    assert.equal(2, (other:get("k", nil, giving(2))))
  end)

  it("raises errors for arguments of wrong types", function()
    local function fn() end
    local cases = {
      { "key must be a string", cache.get, 5, nil, fn },
      { "opts must be a table", cache.get, "k", 5, fn },
      { "opts.ttl must be a number", cache.get, "k", { ttl = "1" }, fn },
      { "opts.neg_ttl must be >= 0", cache.get, "k", { neg_ttl = -1 }, fn },
      { "opts.l1_serializer must be a function", cache.get, "k", { l1_serializer = 1 }, fn },
      { "callback must be a function", cache.get, "k", nil, 5 },
      { "callback must be a function", cache.renew, "k", nil, nil },
      { "bulk must be a table", cache.get_bulk, 5 },
      { "bulk must have n field", cache.get_bulk, {} },
      { "key must be a string", cache.probe, nil },
      { "key must be a string", cache.invalidate, nil },
    }
    for _, case in ipairs(cases) do
      assert.has_error(function() case[2](cache, case[3], case[4], case[5]) end, case[1])
    end
  end)

  -- Three that want the same value, of whom the first is never done with it before they all wait.
  local function three_at_once()
    local function slowly()
      calls = calls + 1
      coroutine.yield()
      return calls
    end
    local threads, values = {}, {}
    for i = 1, 3 do
      threads[i] = coroutine.create(function()
        values[i] = cache:get("k", nil, slowly)
      end)
      assert(coroutine.resume(threads[i]))
    end
    return threads, values
  end

  it("works a value out once where requests can wait", function()
    package.loaded["weir.wait"] = { sleep = function() coroutine.yield() end }
    local threads, values = three_at_once()
    for i = 1, 3 do
      assert(coroutine.resume(threads[i]))
    end
    assert.same({ 1, 1, 1 }, values)
    assert.equal(1, calls)
  end)

  it("does not wait for ever for one that does not come back", function()
    package.loaded["weir.wait"] = { sleep = function() coroutine.yield() end }
    local threads = three_at_once()
    time = time + 5000
    assert(coroutine.resume(threads[2]))
    assert.equal(2, calls)
  end)

  it("is there for workers alone", function()
    current.generation = nil
    assert.has_error(function() cache:get("k") end, "there is no cache outside of workers")
  end)

  it("lets everybody work where nobody can wait", function()
    local inner
    local outer = cache:get("k", nil, function()
      inner = cache:get("k", nil, giving(1))
      return 2
    end)
    assert.same({ 1, 2 }, { inner, outer })
  end)
end)
