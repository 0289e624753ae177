-- ngx.thread: light threads. A phase is over when its own code and all its threads are.
local current = require("weir.pdk.current")
local coroutines = require("weir.wait.coroutines")
local failure = require("weir.runner.failure")
local wait = require("weir.wait")

local thread = {}

-- thread -> { parent, number, results once it has ended, over,
--             park: the parent's that waits for it }
local states = setmetatable({}, { __mode = "k" })

local function finish(co, state, ...)
  local ok, err = ...
  if not ok then
    failure.report(current.plugin, "thread", debug.traceback(co, failure.text(err)))
  end
  state.results = { count = select("#", ...), ... }
  if state.park then
    wait.wake(state.parent, state.park)
  end
end

-- A thread that yields lets others run; nobody is there to take what it yields.
local function go_on(co, state, ...)
  if coroutines.status(co) ~= "suspended" then
    return finish(co, state, ...)
  end
  wait.sleep(0)
  return go_on(co, state, coroutines.resume(co))
end

local function body(co, state, ...)
  go_on(co, state, coroutines.resume(co, ...))
end

--- Runs a function beside the caller: at once until it waits, then whenever it can go on.
-- @tparam function f
-- @param ... its arguments
-- @treturn thread
function thread.spawn(f, ...)
  local parent = wait.self()
  if type(f) ~= "function" then
    error(("bad argument #1 to 'spawn' (function expected, got %s)"):format(type(f)), 2)
  end
  local co = coroutines.create(f)
  local state = { parent = parent }
  states[co] = state
  state.number = wait.spawn(body, co, state, ...)
  return co
end

-- The states of threads, all of which are the caller's.
local function children(me, ...)
  local list = {}
  for i = 1, select("#", ...) do
    local state = states[(select(i, ...))]
    if not state then
      error("attempt to wait on a coroutine that is not a user thread", 3)
    elseif state.parent ~= me then
      error("only the parent coroutine can wait on the thread", 3)
    end
    list[i] = state
  end
  return list
end

-- One that was not waited for yet and can be: that has ended, or can never be.
local function ready(list)
  for _, state in ipairs(list) do
    if state.results or state.over then
      return state
    end
  end
end

local function set_park(list, park)
  for _, state in ipairs(list) do
    state.park = park
  end
end

--- Waits for the first of some threads to end.
-- @param ... threads that the caller spawned
-- @treturn boolean|nil true, or false if it failed
-- @return what the thread returned, or its error
function thread.wait(...)
  local me, park = wait.self()
  local list = children(me, ...)
  local state = ready(list)
  while not state do
    set_park(list, park)
    wait.park()
    park = park + 1
    state = ready(list)
  end
  if state.over then
    return nil, "already waited or killed"
  end
  state.over = true
  return unpack(state.results, 1, state.results.count)
end

--- Ends a thread that waits.
-- @tparam thread co
-- @treturn boolean|nil
-- @treturn nil|string
function thread.kill(co)
  local state = states[co]
  if not state then
    return nil, "not user thread"
  elseif state.parent ~= wait.self() then
    return nil, "killer not parent"
  elseif state.over then
    return nil, "already waited or killed"
  elseif state.results then
    return nil, "already terminated"
  end
  state.over = true
  wait.kill(state.number)
  return true
end

return thread
