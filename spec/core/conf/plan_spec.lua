local ffi = require("ffi")
local cimport = require("spec.support.cimport")
local http = require("spec.support.http")
local C, str, text = cimport("conf/plan.h"), http.str, http.text

describe("conf/plan", function()
  local LIST = {
    { "10.0.0.1", 8443 }, { "b.example", 0 }, { "b.example", 443 }, { "::1", 443 },
    { "10.0.0.1", 0 },
  }
  local plan, targets

  setup(function()
    targets = ffi.new("struct target_policy[?]", #LIST)
    for i, item in ipairs(LIST) do
      targets[i - 1].host, targets[i - 1].port = str(item[1]), item[2]
    end
    plan = ffi.new("struct plan", { targets = targets, target_count = #LIST })
  end)

  local function found(host, port, of)
    local target = C.plan_target(of or plan, str(host), port)
    return target ~= nil and ("%s:%d"):format(text(target.host), target.port) or nil
  end

  it("prefers an entry for the port over one for any", function()
    assert.equal("10.0.0.1:8443", found("10.0.0.1", 8443))
    assert.equal("10.0.0.1:0", found("10.0.0.1", 443))
    assert.equal("b.example:443", found("b.example", 443))
    assert.equal("b.example:0", found("b.example", 8443))
  end)

  it("knows a host in every spelling", function()
    assert.equal("b.example:443", found("B.Example.", 443))
    assert.equal("::1:443", found("0:0:0:0:0:0:0:1", 443))
    assert.equal("::1:443", found("[::1]", 443))
  end)

  it("finds nothing where nothing is said", function()
    assert.is_nil(found("::1", 444))
    assert.is_nil(found("a.b.example", 443))
    assert.is_nil(found("10.0.0.11", 443))
    assert.is_nil(found("", 443))
    assert.is_nil(found("b.example", 443, ffi.new("struct plan")))
  end)
end)
