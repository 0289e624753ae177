local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("base/dict.h")

local NOW = 1000

describe("base/dict", function()
  local dict, item, forced

  before_each(function()
    dict = C.dict_new(C.DICT_LEAST)
    item, forced = ffi.new("struct dict_item"), ffi.new("bool[1]")
  end)

  after_each(function()
    C.dict_item_done(item)
    C.dict_free(dict)
  end)

  local function value_of(value)
    if type(value) == "string" then
      return ffi.new("struct dict_value", { type = C.DICT_STRING, text = http.str(value) })
    elseif type(value) == "number" then
      return ffi.new("struct dict_value", { type = C.DICT_NUMBER, number = value })
    end
    return ffi.new("struct dict_value", { type = C.DICT_NONE })
  end

  -- Puts a value in; `how` are fields of struct dict_how.
  local function put(key, value, how, now)
    local result = C.dict_put(dict, http.str(key), now or NOW, value_of(value),
      ffi.new("struct dict_how", how or {}), forced)
    return tonumber(result), forced[0]
  end

  local function item_value()
    if item.type == C.DICT_STRING then
      return ffi.string(item.text, item.n)
    end
    return item.number
  end

  -- The value, or the result if there is none.
  local function get(key, now, stale)
    local result = C.dict_get(dict, http.str(key), now or NOW, stale or false, item)
    if result ~= C.DICT_OK then
      return nil, tonumber(result)
    end
    return item_value()
  end

  local function keys(max, now)
    local count = tonumber(C.dict_keys(dict, now or NOW, max or 0, item))
    local list, at = {}, 0
    for i = 1, count do
      local n = ffi.cast("uint32_t *", item.text + at)[0]
      list[i] = ffi.string(item.text + at + 4, n)
      at = at + 4 + n
    end
    assert.equal(at, tonumber(item.n))
    return list
  end

  it("keeps values with their flags, in place of those before", function()
    assert.equal(C.DICT_OK, (put("a", "one", { flags = 7 })))
    assert.equal("one", get("a"))
    assert.equal(7, item.flags)
    put("a", 2.5)
    assert.equal(2.5, get("a"))
    assert.equal(0, item.flags)
    put("a", ("long"):rep(100))
    assert.equal(("long"):rep(100), get("a"))
    put("", "the empty key")
    assert.equal("the empty key", get(""))
    put("\0a", "")
    assert.equal("", get("\0a"))
    put("a", nil)
    assert.same({ nil, C.DICT_NOT_FOUND }, { get("a") })
    assert.equal(C.DICT_OK, (put("a", nil)))
  end)

  it("adds and replaces only where that is right", function()
    assert.equal(C.DICT_NOT_FOUND, (put("a", 1, { store = C.DICT_REPLACE })))
    assert.equal(C.DICT_OK, (put("a", 1, { store = C.DICT_ADD, ttl = 10 })))
    assert.equal(C.DICT_EXISTS, (put("a", 2, { store = C.DICT_ADD })))
    assert.equal(C.DICT_OK, (put("a", 3, { store = C.DICT_REPLACE, ttl = 10 })))
    assert.equal(3, get("a"))
    assert.equal(C.DICT_NOT_FOUND, (put("a", 4, { store = C.DICT_REPLACE }, NOW + 10)))
    assert.equal(C.DICT_OK, (put("a", 5, { store = C.DICT_ADD }, NOW + 10)))
    assert.equal(5, get("a", NOW + 10000))
  end)

  describe("time", function()
    it("ends a value, which is stale from then on", function()
      put("a", "x", { ttl = 10 })
      assert.equal("x", get("a", NOW + 9))
      assert.is_false(item.stale)
      assert.is_nil((get("a", NOW + 10)))
      assert.equal("x", get("a", NOW + 10, true))
      assert.is_true(item.stale)
    end)

    it("can be asked for and set", function()
      local ttl = ffi.new("int64_t[1]")
      assert.equal(C.DICT_NOT_FOUND, C.dict_ttl(dict, http.str("a"), NOW, ttl))
      assert.equal(C.DICT_NOT_FOUND, C.dict_expire(dict, http.str("a"), NOW, 5))
      put("a", 1)
      assert.equal(C.DICT_OK, C.dict_ttl(dict, http.str("a"), NOW, ttl))
      assert.equal(0, tonumber(ttl[0]))
      assert.equal(C.DICT_OK, C.dict_expire(dict, http.str("a"), NOW, 5))
      C.dict_ttl(dict, http.str("a"), NOW + 2, ttl)
      assert.equal(3, tonumber(ttl[0]))
      assert.equal(C.DICT_NOT_FOUND, C.dict_ttl(dict, http.str("a"), NOW + 5, ttl))
      assert.equal(C.DICT_NOT_FOUND, C.dict_expire(dict, http.str("a"), NOW + 5, 5))
      put("a", 1, { ttl = 5 })
      C.dict_expire(dict, http.str("a"), NOW, 0)
      assert.equal(1, get("a", NOW + 1000))
    end)

    it("of all values can be ended; what has ended can be freed", function()
      local space = tonumber(C.dict_free_space(dict))
      put("a", 1)
      put("b", 2)
      C.dict_flush_all(dict)
      assert.is_nil((get("a")))
      assert.equal(1, get("a", NOW, true))
      put("c", 3)
      assert.equal(1, tonumber(C.dict_flush_expired(dict, NOW, 1)))
      assert.equal(1, tonumber(C.dict_flush_expired(dict, NOW, 0)))
      assert.equal(3, get("c"))
      put("c", nil)
      assert.equal(space, tonumber(C.dict_free_space(dict)))
    end)
  end)

  describe("adding to a number", function()
    local sum = ffi.new("double[1]")

    local function add(key, by, init, ttl, now)
      local result = C.dict_add(dict, http.str(key), now or NOW, by,
        init and ffi.new("double[1]", init), ttl or 0, sum, forced)
      return tonumber(result), sum[0]
    end

    it("needs a number, or what to begin with", function()
      assert.equal(C.DICT_NOT_FOUND, (add("n", 1)))
      assert.same({ C.DICT_OK, 11 }, { add("n", 1, 10) })
      assert.same({ C.DICT_OK, 8.5 }, { add("n", -2.5, 10) })
      put("s", "text")
      assert.equal(C.DICT_NOT_A_NUMBER, (add("s", 1, 1)))
    end)

    it("sets an end only where it begins", function()
      add("n", 1, 0, 10)
      add("n", 1, 0, 1000, NOW + 9)
      assert.equal(2, get("n", NOW + 9))
      assert.same({ C.DICT_OK, 1 }, { add("n", 1, 0, 10, NOW + 10) })
      assert.equal(C.DICT_NOT_FOUND, (add("n", 1, nil, 0, NOW + 20)))
    end)
  end)

  describe("lists", function()
    local length = ffi.new("size_t[1]")

    local function push(which, key, value, now)
      local result = C.dict_push(dict, http.str(key), now or NOW, which, value_of(value), length)
      return tonumber(result), tonumber(length[0])
    end

    local function pop(which, key, now)
      local result = C.dict_pop(dict, http.str(key), now or NOW, which, item)
      if result ~= C.DICT_OK then
        return nil, tonumber(result)
      end
      return item_value()
    end

    local function count(key)
      return tonumber(C.dict_length(dict, http.str(key), NOW, length)), tonumber(length[0])
    end

    it("have two ends", function()
      local space = tonumber(C.dict_free_space(dict))
      assert.same({ C.DICT_OK, 1 }, { push(C.DICT_LEFT, "l", "b") })
      assert.same({ C.DICT_OK, 2 }, { push(C.DICT_LEFT, "l", "a") })
      assert.same({ C.DICT_OK, 3 }, { push(C.DICT_RIGHT, "l", 3) })
      assert.same({ C.DICT_OK, 3 }, { count("l") })
      assert.equal("a", pop(C.DICT_LEFT, "l"))
      assert.equal(3, pop(C.DICT_RIGHT, "l"))
      assert.equal("b", pop(C.DICT_RIGHT, "l"))
      assert.same({ nil, C.DICT_NOT_FOUND }, { pop(C.DICT_LEFT, "l") })
      assert.same({ C.DICT_OK, 0 }, { count("l") })
      assert.equal(space, tonumber(C.dict_free_space(dict)))
    end)

    it("are no values, and values are no lists", function()
      put("v", 1)
      push(C.DICT_LEFT, "l", 1)
      assert.equal(C.DICT_NOT_A_LIST, (push(C.DICT_LEFT, "v", 1)))
      assert.same({ nil, C.DICT_NOT_A_LIST }, { pop(C.DICT_LEFT, "v") })
      assert.equal(C.DICT_NOT_A_LIST, (count("v")))
      assert.same({ nil, C.DICT_IS_A_LIST }, { get("l") })
      put("l", 2)
      assert.equal(2, get("l"))
    end)

    it("begin anew when their time is over", function()
      push(C.DICT_LEFT, "l", 1)
      C.dict_expire(dict, http.str("l"), NOW, 5)
      assert.same({ C.DICT_OK, 1 }, { push(C.DICT_LEFT, "l", 2, NOW + 5) })
      assert.same({ nil, C.DICT_NOT_FOUND }, { pop(C.DICT_LEFT, "none", NOW + 5) })
    end)

    it("do not push others out", function()
      put("a", ("x"):rep(8000))
      assert.equal(C.DICT_NO_MEMORY, (push(C.DICT_LEFT, "l", ("x"):rep(8000))))
      assert.equal(8000, #get("a"))
      C.dict_flush_all(dict)
      assert.equal(C.DICT_OK, (push(C.DICT_LEFT, "l", ("x"):rep(8000))))
    end)
  end)

  describe("bound", function()
    it("drops what was used longest ago, and says so", function()
      for i = 1, 4 do
        assert.same({ C.DICT_OK, false }, { put("k" .. i, ("x"):rep(2000)) })
      end
      get("k1")
      assert.same({ C.DICT_OK, true }, { put("big", ("x"):rep(5000)) })
      assert.is_nil((get("k2")))
      assert.equal(2000, #get("k1"))
      assert.same({ C.DICT_OK, false }, { put("small", 1) })
    end)

    it("does not count what has ended as dropped", function()
      put("a", ("x"):rep(8000), { ttl = 5 })
      assert.same({ C.DICT_OK, false }, { put("b", ("x"):rep(8000), {}, NOW + 5) })
    end)

    it("is kept by safe stores with an error, which changes nothing", function()
      put("a", ("x"):rep(6000))
      put("b", ("y"):rep(3000))
      assert.same({ C.DICT_NO_MEMORY, false }, { put("c", ("z"):rep(6000), { safe = true }) })
      assert.same({ C.DICT_NO_MEMORY, false }, { put("b", ("z"):rep(6000), { safe = true }) })
      assert.equal(("y"):rep(3000), get("b"))
      assert.equal(6000, #get("a"))
      assert.same({ C.DICT_OK, false }, { put("b", ("z"):rep(3500), { safe = true }) })
    end)

    it("is never exceeded, whatever comes", function()
      assert.equal(C.DICT_NO_MEMORY, (put("a", ("x"):rep(C.DICT_LEAST))))
      math.randomseed(1)
      local length = ffi.new("size_t[1]")
      for i = 1, 20000 do
        local key = "key" .. math.random(200)
        local what = math.random(4)
        if what == 1 then
          C.dict_push(dict, http.str(key), NOW + i, C.DICT_LEFT, value_of(i), length)
        elseif what == 2 then
          C.dict_pop(dict, http.str(key), NOW + i, C.DICT_RIGHT, item)
        else
          put(key, ("x"):rep(math.random(3000)), { ttl = math.random(0, 100) }, NOW + i)
        end
        assert.is_true(tonumber(C.dict_free_space(dict)) <= C.DICT_LEAST)
      end
      C.dict_flush_all(dict)
      C.dict_flush_expired(dict, NOW, 0)
      assert.equal(C.DICT_LEAST, tonumber(C.dict_free_space(dict)))
    end)
  end)

  it("lists its keys, those used last first", function()
    for _, key in ipairs({ "a", "b", "c" }) do
      put(key, 1, { ttl = key == "b" and 5 or 0 })
    end
    get("a")
    assert.same({ "a", "c", "b" }, keys())
    assert.same({ "a", "c" }, keys(2))
    assert.same({ "a", "c" }, keys(0, NOW + 5))
  end)

  it("finds every key of a large one, which has stripes", function()
    local large = C.dict_new(64 * 1024 * 1024)
    local small
    dict, small = large, dict
    finally(function() C.dict_free(small) end)
    for i = 1, 5000 do
      assert.equal(C.DICT_OK, (put("key" .. i, i)))
    end
    for i = 1, 5000 do
      assert.equal(i, get("key" .. i))
    end
    assert.equal(5000, #keys())
    assert.equal(100, #keys(100))
    assert.equal(64 * 1024 * 1024, tonumber(C.dict_capacity(dict)))
    assert.equal(C.DICT_NO_MEMORY, (put("a", ("x"):rep(4 * 1024 * 1024))))
  end)
end)
