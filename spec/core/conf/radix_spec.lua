local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("conf/radix.h")

local NONE = 0xffffffff

-- The lengths of the keys that are prefixes of a string, as the tree finds them.
local function finder(keys)
  table.sort(keys)
  local arena, tree = http.arena(), ffi.new("struct radix")
  local array = ffi.new("struct radix_key[?]", math.max(#keys, 1))
  for i, key in ipairs(keys) do
    array[i - 1] = { http.str(key), #key }
  end
  C.radix_build(tree, arena, array, #keys)
  return function(text)
    local walk = ffi.new("struct radix_walk", tree, http.str(text), 0)
    local found = {}
    while true do
      local value = C.radix_next(walk)
      if value == NONE then
        return found, arena
      end
      found[#found + 1] = value
    end
  end
end

describe("radix tree", function()
  it("finds the keys that are prefixes, shortest first", function()
    local find = finder({ "", "/", "/a", "/ab/c", "/abd", "/b" })
    assert.same({ 0, 1, 2, 5 }, (find("/ab/cd")))
    assert.same({ 0, 1, 2 }, (find("/ab/")))
    assert.same({ 0, 1, 2, 4 }, (find("/abd")))
    assert.same({ 0 }, (find("")))
    assert.same({ 0 }, (find("x")))
  end)

  it("may be empty", function()
    assert.same({}, (finder({})("x")))
  end)

  it("takes any bytes", function()
    local find = finder({ "\0", "\0\255", "\255\0", "\127" })
    assert.same({ 1, 2 }, (find("\0\255\1")))
    assert.same({ 2 }, (find("\255\0")))
  end)

  it("takes a key of each length", function()
    local keys, want = {}, {}
    for n = 1, 3000 do
      keys[n], want[n] = ("a"):rep(n), n
    end
    assert.same(want, (finder(keys)(("a"):rep(4000))))
  end)

  it("agrees with comparing all keys", function()
    math.randomseed(7)
    local function word()
      local letters = {}
      for i = 1, math.random(0, 6) do
        letters[i] = ("abc"):sub(math.random(3)):sub(1, 1)
      end
      return table.concat(letters)
    end
    for _ = 1, 100 do
      local set, keys = {}, {}
      for _ = 1, math.random(40) do
        set[word()] = true
      end
      for key in pairs(set) do
        keys[#keys + 1] = key
      end
      local find = finder(keys)
      for _ = 1, 20 do
        local text, want = word() .. word(), {}
        for n = 0, #text do
          want[#want + 1] = set[text:sub(1, n)] and n or nil
        end
        assert.same(want, (find(text)))
      end
    end
  end)
end)
