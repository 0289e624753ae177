local ffi = require("ffi")
local cimport = require("spec.support.cimport")
local host = require("weir.text.host")
local http = require("spec.support.http")
local Targets = require("weir.compile.targets")
local tls = require("spec.support.tls")
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

  local function found(name, port, of)
    local target = C.plan_target(of or plan, str(name), port)
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

  -- What people are shown follows the compiler's idea of what fits, what happens follows ours.
  it("agrees with the compiler about what fits", function()
    local NAMES = {
      "10.0.0.1", "10.0.0.2", "::1", "0:0:0::1", "0:0:0:0:0:0:0:1", "::ffff:10.0.0.1",
      "2001:DB8::A", "2001:db8:0:0:0:0:0:a", "a.example", "A.Example", "a.example.",
      "b.a.example", "a_b",
    }
    local array = ffi.new("struct target_policy[4]")
    local seed, agreed = 1, 0
    local function random(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return math.floor(seed / 65536) % n
    end
    for _ = 1, 200 do
      local list, count = {}, 0
      for _ = 1, 4 do
        local name, port = NAMES[random(#NAMES) + 1], random(3)
        local canonical = host.canonical(name)
        if not Targets.find(list, { canonical = canonical, port = port }) then
          list[count + 1] = { canonical = canonical, port = port > 0 and port or nil, at = count }
          -- As api_build.c has it.
          local parsed = tls.name(canonical)
          array[count].host, array[count].port = str(ffi.string(parsed.text, parsed.len)), port
          count = count + 1
        end
      end
      local made = ffi.new("struct plan", { targets = array, target_count = count })
      for _, name in ipairs(NAMES) do
        for port = 1, 3 do
          local ours = C.plan_target(made, str(name), port)
          local theirs = Targets.find(list, { canonical = host.canonical(name), port = port })
          assert.equal(theirs and theirs.at, ours ~= nil and tonumber(ours - array) or nil, name)
          agreed = agreed + (theirs and 1 or 0)
        end
      end
    end
    assert.is_true(agreed > 1000)
  end)
end)
