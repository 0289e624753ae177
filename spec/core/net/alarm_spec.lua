local ffi = require "ffi"
local net = require "spec.support.net"
local cimport = require "spec.support.cimport"
local C = cimport("net/alarm.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

describe("net/alarm", function()
  local world, fired, fire

  before_each(function()
    world, fired = net.new(), {}
    fire = ffi.cast("void (*)(void *)", function(arg)
      fired[#fired + 1] = tonumber(ffi.cast("intptr_t", arg))
    end)
  end)

  after_each(function()
    world:free()
    fire:free()
  end)

  local function set(ms, number)
    return C.alarm_set(world.loop, ms, fire, ffi.cast("void *", number))
  end

  it("fires once, not before its time, and not from within the call", function()
    local begun = tonumber(world.loop.now)
    set(20, 1)
    assert.same({}, fired)
    world:wait("the alarm", function() return #fired > 0 end)
    assert.is_true(tonumber(world.loop.now) - begun >= 20)
    world:pass(30)
    assert.same({ 1 }, fired)
  end)

  it("fires in the order of the times; 0 is the next turn", function()
    set(10, 3)
    set(5, 2)
    set(0, 1)
    world:wait("all", function() return #fired == 3 end)
    assert.same({ 1, 2, 3 }, fired)
  end)

  it("leaves others their turn, however many set another at once", function()
    local begun = world.loop.turn
    local left, turns = 1000000, 0
    local again
    again = ffi.cast("void (*)(void *)", function()
      left, turns = left - 1, world.loop.turn - begun
      if left > 0 and turns <= 5 then
        C.alarm_set(world.loop, 0, again, nil)
      else
        left = 0
      end
    end)
    C.alarm_set(world.loop, 0, again, nil)
    world:wait("the last", function() return left == 0 end)
    again:free()
    assert.is_true(turns > 5)
  end)

  it("can be called off", function()
    C.alarm_clear(set(1, 1))
    set(10, 2)
    world:wait("the other", function() return #fired > 0 end)
    assert.same({ 2 }, fired)
  end)
end)
