-- Keeps the Lua of plugins within bounds (core/vm/bounds.h): loads it with checks in it, and calls
-- it where the core itself does not see that a plugin runs.

local abi = require("weir.abi")
local checks = require("weir.bounds.checks")
local current = require("weir.pdk.current")

local C = abi.C

-- How many functions and loops begin between two questions to the core. With each, C functions may
-- have nested once more, so it is also a bound of the stack that must be left.
local BUDGET = 200

local TIME, STACK, COLLECT = C.WEIR_BOUNDS_TIME, C.WEIR_BOUNDS_STACK, C.WEIR_BOUNDS_COLLECT

local bounds = {}

local settings = { time = 0, memory = 0 }

--- The plugin (its record) and the phase that were refused memory last.
bounds.refused = { plugin = nil, phase = nil }

--- What is said when a plugin took too much memory.
-- @treturn string
function bounds.memory_error()
  bounds.refused.plugin, bounds.refused.phase = current.plugin, current.phase
  return ("not enough memory: the Lua state has %d bytes in use; lua_memory_limit is %d")
    :format(tonumber(C.weir_bounds_used()), settings.memory)
end

-- What a check that used its budget up calls.
local function ask()
  local answer = C.weir_bounds_check()
  if answer >= COLLECT then
    collectgarbage()
    answer = C.weir_bounds_check()
  end
  if answer == 0 or answer == COLLECT then
    return BUDGET
  elseif answer == TIME then
    error(("the time limit is over: Lua ran for %g s without a pause (lua_time_limit)")
      :format(settings.time), 2)
  elseif answer == STACK then
    error("stack overflow: C functions are nested too deeply", 2)
  end
  error(bounds.memory_error(), 2)
end

--- Sets the limits of this state.
-- @tparam table values by name; those of settings
function bounds.set(values)
  settings.time, settings.memory = values.lua_time_limit, values.lua_memory_limit
  C.weir_bounds_set(settings.time * 1000, settings.memory)
end

--- How much memory this state may have.
-- @treturn number bytes; 0: no limit
function bounds.memory_limit()
  return settings.memory
end

--- Whether a load has room to go on: within the limit, give or take some garbage. At twice the
-- limit plugins' functions are refused memory wherever they are; a configuration as large as that
-- is refused as a whole, while there is room to say so.
-- @treturn true|nil
-- @treturn nil|string
function bounds.has_room()
  local limit = settings.memory
  if limit == 0 or collectgarbage("count") * 1024 < limit * 1.5 then
    return true
  end
  collectgarbage()
  if collectgarbage("count") * 1024 < limit then
    return true
  end
  return nil, ("the configuration takes more memory than lua_memory_limit (%d bytes): split it, or "
    .. "raise that"):format(limit)
end

-- ---- calling

local function leave(before, ...)
  C.weir_bounds_switch(before)
  return ...
end

--- Like xpcall, for a function of a plugin: its time begins now, and memory may be refused.
function bounds.xpcall(fn, handler, ...)
  return leave(C.weir_bounds_switch(1), xpcall(fn, handler, ...))
end

--- For loops of weir's own that a plugin can make long: raises an error when it has taken its time,
-- or too much memory.
function bounds.check()
  if C.weir_bounds_check() ~= 0 then
    ask()
  end
end

-- ---- loading

local load = load

--- Lua's own load(), for texts that weir makes itself.
bounds.load_own = load

-- A text, or what a function gives in pieces.
local function text_of(chunk)
  if type(chunk) ~= "function" then
    return chunk
  end
  local pieces = {}
  for piece in chunk do
    if piece == "" then
      break
    end
    pieces[#pieces + 1] = piece
  end
  return table.concat(pieces)
end

--- Like Lua's load(), for code of others: with checks in it, and never bytecode, which could do
-- without them and crash the process besides.
-- @treturn function|nil
-- @treturn nil|string
function bounds.load(chunk, name, _, ...)
  local text = text_of(chunk)
  if type(text) ~= "string" then
    error(("bad argument #1 to 'load' (string expected, got %s)"):format(type(text)), 2)
  end
  name = name or text
  -- Mistakes are those of the text as it was written.
  local ok, err = load(text, name, "t")
  if not ok then
    return nil, err
  end
  local checked
  checked, err = checks.insert(text)
  if not checked then
    return nil, ("%s: %s"):format(name, err)
  end
  local make
  make, err = load(checked, name, "t", ...)
  return make and make(ask), err
end

--- Like Lua's loadfile(), likewise.
function bounds.loadfile(path, ...)
  path = path or "/dev/stdin"
  local file, err = io.open(path)
  local text
  if file then
    text, err = file:read("*a")
    file:close()
  end
  if not text then
    return nil, "cannot open " .. err
  end
  -- The line that says which program reads the file.
  return bounds.load((text:gsub("^#[^\n]*", "", 1)), "@" .. path, ...)
end

-- ---- the whole state

--- Lua's functions that load code.
-- @tparam table env what is global to code for which nothing else is said
-- @treturn table by name
function bounds.loaders(env)
  local loaders = {}
  function loaders.load(chunk, name, mode, own)
    return bounds.load(chunk, name, mode, own or env)
  end
  function loaders.loadstring(text, name)
    return bounds.load(text, name, "t", env)
  end
  function loaders.loadfile(path, mode, own)
    return bounds.loadfile(path, mode, own or env)
  end
  function loaders.dofile(path)
    local chunk, err = bounds.loadfile(path, "t", env)
    return (chunk or error(err, 0))()
  end
  return loaders
end

--- Puts these functions in the place of Lua's own, in a state of the gateway.
function bounds.install()
  for name, loads in pairs(bounds.loaders(_G)) do
    _G[name] = loads
  end
end

return bounds
