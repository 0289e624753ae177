local abi = require("weir.abi")
local chains = require("weir.runner.chains")

local ACCESS = abi.C.WEIR_PHASE_ACCESS

describe("weir.runner.chains", function()
  local seen

  local function record_of(name)
    local handler = {
      access = function()
        seen[#seen + 1] = name
      end,
    }
    return { name = name, phases = 2 ^ ACCESS, handler = handler, conf = {} }
  end

  before_each(function()
    seen = {}
  end)

  it("runs what has something to run in the phase, in order", function()
    local chain = chains.make(ACCESS, { record_of("a"), false, record_of("b") })
    assert.is_nil(chain:run())
    assert.same({ "a", "b" }, seen)
    assert.is_nil(chains.make(ACCESS, { false, { phases = 0 } }))
  end)

  it("has the rest behind each record, which is compiled once", function()
    local a, b, c = record_of("a"), record_of("b"), record_of("c")
    local chain = chains.make(ACCESS, { a, b, c })
    local rest = chains.rest(ACCESS, chain, a)
    rest:run()
    chains.rest(ACCESS, chain, b):run()
    assert.same({ "b", "c", "c" }, seen)
    assert.is_nil(chains.rest(ACCESS, chain, c))
    assert.equal(rest, chains.rest(ACCESS, chain, a))
  end)
end)
