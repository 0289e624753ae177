-- Verdicts by service: what is counted where, and what is beyond the bound.

local cimport = require "spec.support.cimport"
local tls = require "spec.support.tls"
local ffi = require "ffi"

local C = cimport("tls/tally.h")

describe("tally", function()
  local tally
  local record = ffi.new("struct tally_record")

  local function start(max)
    tally = ffi.new("struct tally")
    C.tally_init(tally, max or 100)
  end

  before_each(function() start() end)
  after_each(function() C.tally_done(tally) end)

  local function count(service, code, mode)
    local verdict = ffi.new("struct verdict", { code = code, mode = mode or C.POLICY_VERIFY })
    C.tally_count(tally, tls.str(service), verdict)
  end

  -- Service -> what was counted, as { [mode * 1000 + code] = count }.
  local function all()
    local found, index = {}, 0
    while C.tally_at(tally, index, record) do
      local counts = {}
      for mode = 0, C.POLICY_MODES - 1 do
        for code = 0, C.VERDICT_CODE_COUNT - 1 do
          local n = tonumber(record.counts[mode][code])
          counts[mode * 1000 + code] = n > 0 and n or nil
        end
      end
      found[ffi.string(record.service)] = counts
      index = index + 1
    end
    return found
  end

  it("is empty before anything is counted", function()
    assert.same({}, all())
  end)

  it("keeps services, modes and codes apart", function()
    count("a", 0)
    count("a", 0)
    count("a", 3)
    count("b", 0, C.POLICY_REPORT)
    count("ab", C.VERDICT_CODE_COUNT - 1)
    assert.same({
      a = { [0] = 2, [3] = 1 },
      b = { [(C.POLICY_REPORT - C.POLICY_VERIFY) * 1000] = 1 },
      ab = { [C.VERDICT_CODE_COUNT - 1] = 1 },
    }, all())
  end)

  it("counts many services", function()
    C.tally_done(tally)
    start(1000)
    for i = 1, 1000 do
      count("service " .. i, i % 3)
    end
    local found = all()
    for i = 1, 1000 do
      assert.same({ [i % 3] = 1 }, found["service " .. i])
    end
  end)

  it("counts services beyond the bound together", function()
    C.tally_done(tally)
    start(2)
    for _, service in ipairs({ "a", "b", "c", "d", "a", "c" }) do
      count(service, 0)
    end
    assert.same({ a = { [0] = 2 }, b = { [0] = 1 }, [""] = { [0] = 3 } }, all())
  end)

  it("cuts names that are too long", function()
    local long = ("x"):rep(C.TALLY_NAME - 1)
    count(long, 0)
    count(long .. "y", 0)
    count(("x"):rep(C.TALLY_NAME - 2), 0)
    assert.same({ [long] = { [0] = 2 }, [long:sub(2)] = { [0] = 1 } }, all())
  end)
end)
