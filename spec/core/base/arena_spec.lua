local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("base/arena.h")

local CHUNK_ROOM = 4096 - 16


local function str(s)
  return ffi.new("struct str", { p = ffi.cast("const char *", s), n = #s })
end


local function text(s)
  return ffi.string(s.p, s.n)
end


describe("base/arena", function()
  local pool, arena

  before_each(function()
    pool = ffi.new("struct arena_pool")
    arena = ffi.new("struct arena")
    C.arena_pool_init(pool)
    C.arena_init(arena, pool)
  end)

  after_each(function()
    C.arena_done(arena)
    C.arena_pool_done(pool)
  end)

  local function alloc(n)
    -- What the inline arena_alloc() does when there is no room; it is the same memory either way.
    return ffi.cast("char *", C.arena_alloc_slow(arena, n))
  end

  it("owns nothing before the first use", function()
    assert.is_true(arena.chunks == nil)
    assert.equal(0, tonumber(arena.used))
  end)

  it("gives aligned memory that does not overlap", function()
    local seen = {}
    for i = 1, 50 do
      local n = i * 40
      local p = alloc(n)
      assert.equal(0, tonumber(ffi.cast("uintptr_t", p) % 8))
      ffi.fill(p, n, i)
      seen[i] = { p = p, n = n }
    end
    for i, s in ipairs(seen) do
      for at = 0, s.n - 1 do
        assert.equal(i, s.p[at])
      end
    end
  end)

  it("keeps chunks for the next request, but not oversized ones, and at most 256", function()
    alloc(8)
    alloc(100000)
    C.arena_reset(arena)
    assert.equal(1, tonumber(pool.count))
    assert.equal(0, tonumber(arena.used))
    for _ = 1, 300 do
      alloc(CHUNK_ROOM)
    end
    assert.equal(0, tonumber(pool.count))
    C.arena_reset(arena)
    assert.equal(256, tonumber(pool.count))
  end)

  it("leaves the current chunk in use when something large goes by", function()
    C.arena_printf(arena, "x")
    local at = arena.at
    local p = alloc(50000)
    ffi.fill(p, 50000, 1)
    assert.is_true(arena.at == at)
    C.arena_printf(arena, "y")
    assert.equal(8, arena.at - at)
  end)

  it("works without a pool", function()
    local own = ffi.new("struct arena")
    C.arena_init(own, nil)
    assert.equal("7", text(C.arena_printf(own, "%d", ffi.new("int", 7))))
    C.arena_done(own)
  end)

  it("formats texts of every length, with a NUL behind", function()
    for _, n in ipairs({ 0, 1, 7, 8, 9, CHUNK_ROOM - 1, CHUNK_ROOM, CHUNK_ROOM + 1, 20000 }) do
      local expected = ("z"):rep(n)
      local s = C.arena_printf(arena, "%s", expected)
      assert.equal(expected, text(s))
      assert.equal(0, s.p[s.n])
    end
  end)

  describe("arena_append", function()
    it("grows the last allocation in place", function()
      local s = C.arena_append(arena, str(""), str("abc"))
      local p = s.p
      for i = 1, 100 do
        s = C.arena_append(arena, s, str("defg"))
        assert.is_true(s.p == p, i)
      end
      assert.equal("abc" .. ("defg"):rep(100), text(s))
      assert.equal(408, tonumber(arena.used))
    end)

    it("moves what is not the last, and leaves both others alone", function()
      local a = C.arena_append(arena, str(""), str("first..."))
      local b = C.arena_append(arena, str(""), str("second.."))
      local moved = C.arena_append(arena, a, str("more"))
      assert.is_true(moved.p ~= a.p)
      assert.equal("first...more", text(moved))
      assert.equal("first...", text(a))
      assert.equal("second..", text(b))
    end)

    it("does not grow into what follows the first bytes of an allocation", function()
      local whole = C.arena_append(arena, str(""), str("0123456789abcdef"))
      local part = ffi.new("struct str", { p = whole.p, n = 4 })
      assert.equal("0123more", text(C.arena_append(arena, part, str("more"))))
      assert.equal("0123456789abcdef", text(whole))
    end)

    it("takes strings of its own from outside of the arena", function()
      assert.equal("outside!", text(C.arena_append(arena, str("out"), str("side!"))))
    end)

    it("copies a string that grows piece by piece seldom", function()
      local s, moves = str(""), 0
      for _ = 1, 4000 do
        local before = s.p
        s = C.arena_append(arena, s, str(("x"):rep(100)))
        moves = moves + (s.p ~= before and 1 or 0)
      end
      assert.equal(400000, tonumber(s.n))
      assert.equal(("x"):rep(400000), text(s))
      assert.is_true(moves <= 10, moves)
    end)

    it("returns the same when nothing is added", function()
      local s = C.arena_append(arena, str(""), str("abc"))
      assert.is_true(C.arena_append(arena, s, str("")).p == s.p)
    end)
  end)
end)
