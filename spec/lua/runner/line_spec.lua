local abi = require("weir.abi")
local line = require("weir.runner.line")

local ACCESS, LOG = abi.C.WEIR_PHASE_ACCESS, abi.C.WEIR_PHASE_LOG

describe("weir.runner.line", function()
  local function first() end
  local function second() end

  -- A chain of handlers' functions, each with the conf given.
  local function chain_of(phase, conf, ...)
    local chain = {}
    for _, fn in ipairs({ ... }) do
      for _, part in ipairs({ line.step(phase, fn), { name = "one" }, {}, conf }) do
        chain[#chain + 1] = part
      end
    end
    return chain
  end

  it("has one step for a handler, whoever configures it", function()
    assert.equal(line.step(ACCESS, first), line.step(ACCESS, first))
    assert.not_equal(line.step(ACCESS, first), line.step(ACCESS, second))
    assert.not_equal(line.step(ACCESS, first), line.step(LOG, first))
  end)

  it("has one line for the same handlers in the same order", function()
    local run = line.of(ACCESS, chain_of(ACCESS, {}, first, second))
    assert.equal(run, line.of(ACCESS, chain_of(ACCESS, {}, first, second)))
    assert.not_equal(run, line.of(ACCESS, chain_of(ACCESS, {}, second, first)))
    assert.not_equal(run, line.of(ACCESS, chain_of(ACCESS, {}, first)))
  end)

  it("gives each chain's configurations to the handlers, in their order", function()
    local seen = {}
    local function noting(_, conf)
      seen[#seen + 1] = conf
    end
    local a, b = chain_of(ACCESS, "a", noting, first, noting), chain_of(ACCESS, "b", noting, first,
      noting)
    assert.is_nil(line.of(ACCESS, a)(a))
    assert.is_nil(line.of(ACCESS, a)(b))
    assert.same({ "a", "a", "b", "b" }, seen)
  end)

  it("runs as many handlers as there are", function()
    local count, many = 0, {}
    for i = 1, 300 do
      many[i] = function()
        count = count + 1
      end
    end
    local chain = chain_of(LOG, {}, unpack(many))
    assert.is_nil(line.of(LOG, chain)(chain))
    assert.equal(300, count)
  end)

  it("forgets the steps and lines that no chain uses any more", function()
    local weak = setmetatable({}, { __mode = "v" })
    do
      local chain = chain_of(ACCESS, {}, function() end)
      weak.step, weak.run = chain[1], line.of(ACCESS, chain)
    end
    jit.flush() -- compiled code holds on to functions
    collectgarbage()
    collectgarbage()
    assert.same({}, weak)
  end)
end)
