-- The functions that wait: the coroutine stops, others run, and it goes on when there is a result.
--
-- What is current (weir.pdk.current) is saved meanwhile. Waiting is possible in rewrite, access,
-- response and timers; elsewhere the functions raise.
local core = require("weir.wait.core") -- core/vm/wait.c, thread.c, timer.c
local current = require("weir.pdk.current")

local wait = {}

local function put_back(plugin, slot, phase, generation, ...)
  current.begin(plugin)
  current.slot, current.phase, current.generation = slot, phase, generation
  return ...
end

local function keeping_current(pause)
  return function(...)
    return put_back(current.plugin, current.slot, current.phase, current.generation, pause(...))
  end
end

--- What a coroutine yields that waits, so that those around it can tell.
wait.TOKEN = core.waiting

--- Whether these functions can be called now.
-- @treturn boolean
wait.possible = core.possible

--- Says that a wait could not be passed on: whoever waited gets an error, and can wait again.
wait.refused = core.refused

--- The request's body.
-- @treturn string|nil
-- @treturn nil|string why it cannot be had
wait.body = keeping_current(core.body)

--- Waits to be woken.
-- @tparam ?number seconds at most
-- @treturn boolean whether somebody did
wait.park = keeping_current(core.park)

--- The numbers under which wait.wake() finds the one that runs, once it has parked.
-- @treturn number its own
-- @treturn number that of its next park
wait.self = core.self

--- Whether one is parked that was not woken yet.
-- @tparam number number
-- @tparam number park
wait.parked = core.parked

--- Has a parked one go on, in the loop's next turn.
-- @tparam number number
-- @tparam number park
-- @treturn boolean false: it is not parked, or is no more
wait.wake = core.wake

--- Runs a function as a light thread: until it waits for the first time, at once.
-- @tparam function f must not raise
-- @param ... its arguments
-- @treturn number its number
wait.spawn = keeping_current(core.spawn)

--- Ends a light thread that waits, of the same request or timer.
-- @tparam number number
-- @treturn boolean false: there is none, or it runs
wait.kill = core.kill

--- Runs a function later, outside of every request.
-- @tparam number seconds
-- @tparam function f called with `premature` (the worker drains) and its slot for weir.pdk.current
wait.after = core.after

--- How many functions wait for their time, and how many run.
wait.timers = core.timers

--- Cosockets, for weir.ngx.socket.tcp: connect(), handshake(), read() and write() of one that
-- socket() made wait, for so many ms at most.
wait.socket = core.socket
wait.connect = keeping_current(core.connect)
wait.handshake = keeping_current(core.handshake)
wait.read = keeping_current(core.read)
wait.write = keeping_current(core.write)
wait.close = core.close
wait.keep = core.keep
wait.reused = core.reused
wait.option = core.option

--- Datagram sockets, for weir.ngx.socket.udp; peer() and receive() wait.
wait.udp = core.udp
wait.udp_peer = keeping_current(core.udp_peer)
wait.udp_receive = keeping_current(core.udp_receive)
wait.udp_send = core.udp_send
wait.udp_close = core.udp_close

--- Lets time pass.
-- @tparam number seconds
function wait.sleep(seconds)
  wait.park(seconds)
end

--- Ends the phase: what weir_response_exit() stored is the answer. Does not return.
wait.exit = core.exit

-- The request's handler that left last is under this key in current.ctx().
local LEFT = {}

--- Ends the handler that runs, in rewrite, access or response: those of the other plugins follow.
-- Ends a timer, too. Does not return.
function wait.leave()
  current.ctx(LEFT).plugin = current.plugin
  core.leave()
end

--- Whose handler of the current request left last.
-- @treturn table the plugin's record
function wait.left()
  return current.ctx(LEFT).plugin
end

return wait
