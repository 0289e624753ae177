local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("base/table.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)


local function str(s)
  return ffi.new("struct str", { p = ffi.cast("const char *", s), n = #s })
end


describe("base/table", function()
  local tab, same

  setup(function()
    same = ffi.cast("table_eq", function(value, key) return value == key end)
  end)

  teardown(function()
    same:free()
  end)

  before_each(function()
    tab = ffi.new("struct table")
  end)

  after_each(function()
    C.table_done(tab)
  end)

  local function value(i)
    return ffi.cast("void *", i)
  end

  it("finds nothing in an empty table", function()
    local pos = ffi.new("size_t[1]")
    assert.is_true(C.table_get(tab, 1, same, value(1)) == nil)
    assert.is_false(C.table_remove(tab, 1, value(1)))
    assert.is_true(C.table_next(tab, pos) == nil)
  end)

  it("tells values of equal hash apart", function()
    for i = 1, 20 do
      C.table_put(tab, 42, value(i))
    end
    for i = 1, 20 do
      assert.is_true(C.table_get(tab, 42, same, value(i)) == value(i))
    end
    assert.is_true(C.table_get(tab, 42, same, value(21)) == nil)
    assert.is_true(C.table_get(tab, 43, same, value(1)) == nil)
  end)

  it("agrees with a Lua table through thousands of changes", function()
    local model, size = {}, 0
    math.randomseed(7)
    for _ = 1, 20000 do
      local i = math.random(1, 400)
      local hash = i % 50 == 0 and 3 or i * 0x10000001   -- some collide, many share a home slot
      if model[i] then
        assert.is_true(C.table_remove(tab, hash, value(i)))
        model[i], size = nil, size - 1
      else
        C.table_put(tab, hash, value(i))
        model[i], size = hash, size + 1
      end
      assert.equal(size, tonumber(tab.count))
    end
    for i = 1, 400 do
      local hash = model[i] or i * 0x10000001
      assert.equal(model[i] ~= nil, C.table_get(tab, hash, same, value(i)) ~= nil)
    end
    local pos, seen = ffi.new("size_t[1]"), 0
    while true do
      local it = C.table_next(tab, pos)
      if it == nil then
        break
      end
      assert.is_truthy(model[tonumber(ffi.cast("uintptr_t", it))])
      seen = seen + 1
    end
    assert.equal(size, seen)
  end)

  it("stays at most three quarters full", function()
    for i = 1, 1000 do
      C.table_put(tab, i * 7919, value(i))
      assert.is_true(tab.count * 4 <= (tab.mask + 1) * 3)
    end
  end)

  it("hashes as xxh3 does", function()
    assert.is_true(C.table_hash("", 0) == 0x2d06800538d394c2ULL)
    assert.is_true(C.table_hash(nil, 0) == 0x2d06800538d394c2ULL)
    assert.is_true(C.table_hash("a", 1) ~= C.table_hash("b", 1))
  end)

  it("hashes names without regard to case, of any length", function()
    for _, n in ipairs({ 0, 1, 255, 256, 257, 5000 }) do
      local upper, lower = ("AbZ[@"):rep(n):sub(1, n), ("abz[@"):rep(n):sub(1, n)
      assert.is_true(C.table_hash_nocase(str(upper)) == C.table_hash(lower, n))
    end
  end)
end)
