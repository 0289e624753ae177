-- Lua's `coroutine` for plugins: what waits in a coroutine that a plugin made makes whoever resumed
-- that one wait, too, and so on down to the coroutine that the core runs; when there is a result,
-- it goes all the way back up.
--
-- A plugin's own yields are as in plain Lua. Where there is nobody to yield to, on the coroutine of
-- the phase, yield() lets others run if the phase may wait, and is an error of the plugin if not.
-- The core alone resumes that one: it may be another request's, and what it waits for has a result.
local wait = require("weir.wait")

local raw = coroutine
local create, resume, running = raw.create, raw.resume, raw.running
local raw_status, raw_yield, isyieldable = raw.status, raw.yield, raw.isyieldable

-- Coroutines that resume each other nest in C, too, which PUC-Rio's Lua counts and LuaJIT does not.
local NESTED_MAX = 200
local depth = 0

-- Those that were made here, and of these the ones that wait.
local own = setmetatable({}, { __mode = "k" })
local waiting = setmetatable({}, { __mode = "k" })

local coroutines = setmetatable({}, { __index = raw })

local go_on

local function rise(to, ...)
  depth = to
  return ...
end

local function raw_resume(co, ...)
  if depth >= NESTED_MAX then
    return false, "C stack overflow"
  elseif type(co) ~= "thread" then
    return resume(co) -- which raises the error
  end
  depth = depth + 1
  return rise(depth - 1, resume(co, ...))
end

-- What came out of `co`: handed on, unless it waits.
local function settle(co, ...)
  local ok, first = ...
  if ok and first == wait.TOKEN then
    waiting[co] = true
    if not isyieldable() then
      wait.refused() -- raw_yield() raises the error
    end
    return go_on(co, raw_yield(first))
  end
  return ...
end

function go_on(co, ...)
  waiting[co] = nil
  return settle(co, raw_resume(co, ...))
end

function coroutines.create(f)
  local co = create(f)
  own[co] = true
  return co
end

function coroutines.resume(co, ...)
  if waiting[co] or (type(co) == "thread" and not own[co]) then
    return false, "cannot resume non-suspended coroutine"
  end
  return settle(co, raw_resume(co, ...))
end

function coroutines.yield(...)
  if not own[running()] and wait.possible() then
    wait.sleep(0)
    return
  end
  return raw_yield(...)
end

function coroutines.status(co)
  return waiting[co] and "normal" or raw_status(co)
end

local function unwrap(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

function coroutines.wrap(f)
  local co = coroutines.create(f)
  return function(...)
    return unwrap(coroutines.resume(co, ...))
  end
end

return coroutines
