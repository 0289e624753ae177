describe("weir.pdk.current", function()
  local current

  before_each(function()
    package.loaded["weir.pdk.current"] = nil
    current = require("weir.pdk.current")
  end)

  it("has no tables outside of requests", function()
    assert.is_nil(current.ctx("shared"))
    current.release(0)
  end)

  it("gives each key of a request its own table, the same each time", function()
    current.slot = 1
    local shared, own = current.ctx("shared"), current.ctx({})
    assert.are_not.equal(shared, own)
    assert.equal(shared, current.ctx("shared"))
    current.slot = 2
    assert.are_not.equal(shared, current.ctx("shared"))
  end)

  it("gives the next request tables of its own, whatever became of the last one's", function()
    current.slot = 1
    local first = setmetatable(current.ctx("shared"), {
      __metatable = false, __index = function() return "stale" end,
    })
    first.secret, first[1] = "x", "y"
    current.release(1)
    local second = current.ctx("shared")
    assert.is_nil(next(second))
    assert.is_nil(second.secret)
    assert.is_nil(getmetatable(second))
    first.late = "from a timer, say"
    assert.is_nil(second.late)
  end)

  it("takes another table in the place of one", function()
    local mine = {}
    current.slot = 1
    assert.is_true(current.assign("shared", mine))
    assert.equal(mine, current.ctx("shared"))
    current.release(1)
    assert.are_not.equal(mine, current.ctx("shared"))
    current.slot = 0
    assert.is_false(current.assign("shared", mine))
  end)

  it("keeps what is assigned to kong.ctx for the request alone", function()
    package.loaded["weir.pdk.ctx"] = nil
    local ctx = require("weir.pdk.ctx")
    current.slot, current.plugin = 1, {}
    ctx.mine, ctx.plugin = { "mine" }, { "own" }
    assert.same({ "mine" }, ctx.mine)
    assert.same({ "own" }, current.ctx(current.plugin))
    assert.has_error(function() ctx.mine = 1 end, "kong.ctx.mine can only be a table")
    current.release(1)
    assert.same({}, ctx.mine)
    assert.same({}, ctx.plugin)
    current.release(1)
    current.slot, current.plugin = 0, nil
    assert.has_error(function() ctx.mine = {} end,
      "there is no request that kong.ctx.mine could belong to")
  end)

  it("drops what it made for keys of a request that is over", function()
    local key = setmetatable({ {} }, { __mode = "v" })
    current.slot = 3
    current.ctx(key[1])
    current.release(3)
    collectgarbage()
    collectgarbage()
    assert.is_nil(key[1])
  end)
end)
