local ffi = require("ffi")
local proxy = require("spec.support.proxy")
local C = proxy.C

describe("proxy/balance", function()
  local kept = {}

  -- A balancer over targets of these weights.
  local function balancer(weights, seed)
    local targets = ffi.new("struct target[?]", math.max(#weights, 1))
    for i, weight in ipairs(weights) do
      targets[i - 1].weight = weight
    end
    local upstream = ffi.new("struct upstream_conf", {
      targets = targets, target_count = #weights,
    })
    local b = ffi.gc(ffi.new("struct balancer"), C.balancer_done)
    C.balancer_init(b, upstream, seed or 0)
    kept[#kept + 1] = { targets, upstream } -- the balancer points into them
    return b
  end

  local function round(b, n, excluded)
    local order = {}
    for i = 1, n do
      order[i] = C.balancer_next(b, excluded or 0)
    end
    return order
  end

  it("spreads as evenly as the weights allow", function()
    assert.same({ 0, 1, 0, 0, 1, 0 }, round(balancer({ 2, 1 }), 6))
    assert.same({ 0, 0, 1, 0, 2, 0, 0 }, round(balancer({ 5, 1, 1 }), 7))
  end)

  it("serves each target as often in a round as its weight says", function()
    for seed = 1, 50 do
      math.randomseed(seed)
      local weights, total = {}, 0
      for i = 1, math.random(1, 8) do
        weights[i] = math.random(0, 20)
        total = total + weights[i]
      end
      local b = balancer(weights, seed)
      local served = {}
      for _, target in ipairs(round(b, 3 * total)) do
        served[target] = (served[target] or 0) + 1
      end
      for i, weight in ipairs(weights) do
        assert.equal(3 * weight, served[i - 1] or 0, "seed " .. seed)
      end
      end
  end)

  it("begins at another place for another worker", function()
    local first = {}
    for seed = 0, 3 do
      first[C.balancer_next(balancer({ 1, 1, 1, 1 }, seed), 0)] = true
    end
    assert.same({ [0] = true, true, true, true }, first)
  end)

  it("passes over what is excluded, and over targets without weight", function()
    local b = balancer({ 1, 1, 0, 1 })
    for _, target in ipairs(round(b, 10, 0x2)) do
      assert.is_true(target == 0 or target == 3)
    end
    assert.is_true(C.balancer_has(b, 0x3))
    assert.is_false(C.balancer_has(b, 0xb))
    assert.equal(-1, C.balancer_next(b, 0xb))
  end)

  it("finds nothing among nothing", function()
    local b = balancer({})
    assert.equal(-1, C.balancer_next(b, 0))
    assert.is_false(C.balancer_has(b, 0))
  end)

  it("excludes the first 64 only", function()
    local weights = {}
    for i = 1, 70 do
      weights[i] = 1
    end
    local b = balancer(weights)
    for _, target in ipairs(round(b, 20, 0xffffffffffffffffULL)) do
      assert.is_true(target >= 64)
    end
  end)
end)
