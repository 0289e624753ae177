local traces = require("weir.runner.traces")

describe("weir.runner.traces", function()
  local attach = jit.attach
  after_each(function()
    jit.attach = attach -- luacheck: ignore 122
  end)

  -- What is reported when LuaJIT tells this of a trace; it goes on telling as long as somebody
  -- listens.
  local function reports(...)
    local event, said, listener = { ... }, {}, nil
    jit.attach = function(fn, what) -- luacheck: ignore 122
      listener = what and fn
      if listener then
        listener(unpack(event, 1, 6))
      end
    end
    traces.start(function(text)
      said[#said + 1] = text
    end)
    assert.is_falsy(listener)
    return said
  end

  it("says when there is no room for machine code, and listens no longer", function()
    local code
    for i, text in pairs(require("jit.vmdef").traceerr) do
      code = text:find("failed to allocate mcode memory", 1, true) and i or code
    end
    assert.same({ "plugins run uncompiled: failed to allocate mcode memory" },
      reports("abort", 1, nil, 0, code))
  end)

  it("is silent about what else happens to traces", function()
    assert.same({}, reports("abort", 1, nil, 0, 1))
    assert.same({}, reports("abort", 1, nil, 0, "an error"))
    assert.same({}, reports("stop", 1))
  end)
end)
