-- Who holds the memory of a Lua state, as the log says when it is given up.

require("spec.support.fake_abi").install()
local holdings = require("weir.runner.holdings")

local KIB = 1024

describe("holdings", function()
  local function weigh(root)
    return (holdings.weigh(root, { [_G] = true, [getfenv(1)] = true }))
  end

  local function assert_holds(least, root)
    local bytes = weigh(root)
    assert.is_true(bytes >= least and bytes < least + 8 * KIB, bytes)
  end

  local text

  before_each(function()
    text = ("x"):rep(100 * KIB) .. math.random()
  end)

  it("follows tables, their keys and metatables", function()
    assert_holds(100 * KIB, { a = { { text } } })
    assert_holds(100 * KIB, { [text] = true })
    assert_holds(100 * KIB, setmetatable({}, { __index = { text } }))
  end)

  it("follows upvalues and environments of functions", function()
    local function keep()
      return text
    end
    assert_holds(100 * KIB, keep)
    assert_holds(100 * KIB, setfenv(function() end, { text }))
  end)

  it("follows coroutines", function()
    local co = coroutine.create(function(kept)
      coroutine.yield()
      return kept
    end)
    coroutine.resume(co, text)
    assert_holds(100 * KIB, co)
  end)

  it("knows cdata and string buffers", function()
    assert_holds(100 * KIB, { require("ffi").new("char[?]", 100 * KIB) })
    assert_holds(100 * KIB, { require("string.buffer").new():put(text) })
  end)

  it("counts once what is there twice", function()
    local t = { text }
    t.t, t.again = t, { text, t }
    assert_holds(100 * KIB, t)
  end)

  it("runs nothing that it finds, and leaves out what is weir's", function()
    local function fail()
      error("called")
    end
    assert_holds(0, setmetatable({}, {
      __index = fail, __len = fail, __pairs = fail, __metatable = false, __mode = "k",
    }))
    local current = require("weir.pdk.current")
    current.slot = 1
    current.ctx("shared").text = text
    assert_holds(0, current.ctx)
    current.release(1)
    current.slot = 0
  end)

  it("stops when there is too much to look at, and says so", function()
    local many = {}
    for i = 1, 300000 do
      many[i] = { i }
    end
    local bytes, more = holdings.weigh(many, {})
    assert.is_true(more and bytes > 8e6)
    assert.is_false((select(2, holdings.weigh({ 1 }, {}))))
  end)
end)
