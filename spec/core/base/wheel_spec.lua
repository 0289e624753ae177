local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("base/wheel.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

local TICK = 50
local NEVER = 0xffffffffffffffffULL


describe("base/wheel", function()
  local wheel, fire, timers, fired, now, on_fire

  local function number_of(timer)
    for i, t in pairs(timers) do
      if t == timer then
        return i
      end
    end
  end

  setup(function()
    fire = ffi.cast("void (*)(struct timer *)", function(timer)
      local i = number_of(timer)
      fired[#fired + 1] = { i = i, at = now }
      if on_fire then
        on_fire(i)
      end
    end)
  end)

  teardown(function()
    fire:free()
  end)

  before_each(function()
    wheel = ffi.new("struct wheel")
    timers, fired, on_fire, now = {}, {}, nil, 123457
    C.wheel_init(wheel, now)
  end)

  local function set(i, deadline)
    if not timers[i] then
      timers[i] = ffi.new("struct timer")
      C.timer_init(timers[i], fire)
    end
    C.wheel_set(wheel, timers[i], deadline)
  end

  local function advance(to)
    now = to
    C.wheel_advance(wheel, now)
  end

  -- Advances as a loop does: only when the wheel asks for it.
  local function run_until(limit)
    while true do
      local at = C.wheel_next(wheel)
      if at > limit then
        break
      end
      advance(math.max(now, tonumber(at)))
    end
    advance(limit)
  end

  it("has nothing to do when it is new", function()
    assert.is_true(C.wheel_next(wheel) == NEVER)
    advance(now + 10 * 24 * 3600 * 1000)
    assert.same({}, fired)
  end)

  it("never fires early and at most a tick late, at any distance", function()
    local start, distances = now, {}
    for _, ms in ipairs({ 0, 1, 49, 50, 51, 100, 999, 12799, 12800, 12801, 60000, 3276800, 3276849,
                          5000000, 100000000, 838860800, 838860801, 2000000000 }) do
      distances[#distances + 1] = ms
    end
    for i, ms in ipairs(distances) do
      set(i, start + ms)
    end
    run_until(start + 2000000000 + TICK)
    assert.equal(#distances, #fired)
    for _, f in ipairs(fired) do
      local late = f.at - (start + distances[f.i])
      assert.is_true(late >= 0 and late <= TICK, ("%d ms: %d late"):format(distances[f.i], late))
      assert.equal(0, tonumber(timers[f.i].deadline))
    end
    assert.is_true(C.wheel_next(wheel) == NEVER)
  end)

  it("keeps every deadline of many random ones, with clearing and re-arming", function()
    math.randomseed(11)
    local due = {}
    for i = 1, 600 do
      due[i] = now + math.random(0, 4000000)
      set(i, due[i])
    end
    for i = 1, 600, 3 do
      C.wheel_clear(wheel, timers[i])
      due[i] = nil
    end
    for i = 2, 600, 3 do
      due[i] = now + math.random(0, 4000000)
      set(i, due[i])
    end
    run_until(now + 4100000)
    for _, f in ipairs(fired) do
      assert.is_true(f.at >= due[f.i] and f.at <= due[f.i] + TICK)
      due[f.i] = nil
    end
    assert.is_nil(next(due))
    assert.equal(0, tonumber(wheel.count))
  end)

  it("fires what came due during a long stall, in one go", function()
    set(1, now + 1000)
    set(2, now + 20000)
    set(3, now + 4000000)
    advance(now + 3600000)
    assert.equal(2, #fired)
    run_until(now + 500000)
    assert.equal(3, #fired)
  end)

  it("fires a touched timer only at its later deadline", function()
    set(1, now + 1000)
    timers[1].deadline = now + 70000   -- as the inline wheel_touch() does
    local start = now
    run_until(start + 69990)
    assert.same({}, fired)
    run_until(start + 70050)
    assert.equal(1, #fired)
  end)

  it("moves a deadline both ways", function()
    local start = now
    set(1, start + 60000)
    set(1, start + 1000)
    set(2, start + 1000)
    set(2, start + 60000)
    run_until(start + 1050)
    assert.equal(1, #fired)
    assert.equal(1, fired[1].i)
    run_until(start + 60050)
    assert.equal(2, #fired)
    assert.equal(0, tonumber(wheel.count))
  end)

  it("clears a timer that is not armed without harm", function()
    set(1, now + 100)
    C.wheel_clear(wheel, timers[1])
    C.wheel_clear(wheel, timers[1])
    assert.equal(0, tonumber(wheel.count))
    assert.is_true(C.wheel_next(wheel) == NEVER)
  end)

  it("lets callbacks clear others of the same slot", function()
    for i = 1, 5 do
      set(i, now + 100)
    end
    on_fire = function()
      for i = 1, 5 do
        C.wheel_clear(wheel, timers[i])
      end
    end
    run_until(now + 1000)
    assert.equal(1, #fired)
    assert.equal(0, tonumber(wheel.count))
  end)

  it("lets callbacks arm themselves and others, also for a time that has passed", function()
    local start = now
    set(1, start + 100)
    on_fire = function(i)
      on_fire = nil
      set(i, start)
      set(2, start + 100)
    end
    run_until(start + 1000)
    assert.equal(3, #fired)
    assert.is_true(fired[2].at <= fired[1].at + TICK)
  end)

  it("asks to be called at the deadline's tick, not each tick", function()
    set(1, now + 5000)
    local at = tonumber(C.wheel_next(wheel))
    assert.is_true(at >= now + 5000 and at <= now + 5000 + TICK)
    set(2, now + 600000)
    local wakes = 0
    while C.wheel_next(wheel) ~= NEVER do
      advance(tonumber(C.wheel_next(wheel)))
      wakes = wakes + 1
    end
    assert.is_true(wakes <= 3, wakes)
  end)
end)
