-- How much memory each plugin holds: what can be reached from its modules, in bytes, roughly.
--
-- It is asked once a Lua state is of no use any more, and by its worker, which does nothing else
-- meanwhile. So no more than OBJECTS_MAX are looked at for each plugin, and no code of theirs runs.
local ffi = require("ffi")
local string_buffer = require("string.buffer")
local abi = require("weir.abi")
local bounds = require("weir.bounds")

local OBJECTS_MAX = 200000

local MIB = 1024 * 1024

-- LuaJIT's on 64 bits: an object's own, an entry of a table, an entry of its array, an upvalue.
local OBJECT, ENTRY, ITEM, UPVALUE = 40, 24, 8, 48
local STACK = 1024 -- a coroutine's, at least

local BUFFER = debug.getmetatable(string_buffer.new())

-- What weir's own functions refer to is weir's.
local OWN = debug.getinfo(1, "S").source:match("^(.*/)weir/runner/") or "@weir"

local holdings = {}

-- Each adds what an object refers to with see(value), and returns its size.
local sizes = {}

function sizes.string(value)
  return OBJECT + #value
end

function sizes.table(value, see)
  local bytes = OBJECT
  see(debug.getmetatable(value))
  for key, item in next, value do
    bytes = bytes + (type(key) == "number" and ITEM or ENTRY)
    see(key)
    see(item)
  end
  return bytes
end

sizes["function"] = function(value, see)
  if debug.getinfo(value, "S").source:sub(1, #OWN) == OWN then
    return 0
  end
  local bytes, index = OBJECT, 1
  local name, item = debug.getupvalue(value, index)
  while name do
    bytes, index = bytes + UPVALUE, index + 1
    see(item)
    name, item = debug.getupvalue(value, index)
  end
  see(getfenv(value))
  return bytes
end

function sizes.thread(value, see)
  local level = 0
  while debug.getinfo(value, level, "f") do
    see(debug.getinfo(value, level, "f").func)
    local index = 1
    local name, item = debug.getlocal(value, level, index)
    while name do
      see(item)
      index = index + 1
      name, item = debug.getlocal(value, level, index)
    end
    level = level + 1
  end
  return STACK
end

function sizes.userdata(value, see)
  local metatable = debug.getmetatable(value)
  see(metatable)
  return OBJECT + (metatable == BUFFER and #value or 0)
end

function sizes.cdata(value)
  return OBJECT + (tonumber(ffi.sizeof(value)) or 0)
end

--- What can be reached from a value.
-- @param root
-- @tparam table seen [object] = true for what does not count; what does is added
-- @treturn number bytes
-- @treturn boolean whether there is more
function holdings.weigh(root, seen)
  local queue, count, at, bytes = { root }, 1, 1, 0
  local function see(value)
    if sizes[type(value)] and not seen[value] then
      seen[value] = true
      count = count + 1
      queue[count] = value
    end
  end
  while at <= count and at <= OBJECTS_MAX do
    local value = queue[at]
    queue[at] = nil
    at = at + 1
    bytes = bytes + sizes[type(value)](value, see)
  end
  return bytes, at <= count
end

-- What does not belong to any plugin: Lua's library, weir's modules, and those of others that are
-- no plugin's.
local function common()
  local seen = { [_G] = true, [package.loaded] = true, [_G.kong] = true }
  for name, module in next, package.loaded do
    if type(name) ~= "string" or not name:find("^kong%.plugins%.") then
      seen[module] = true
    end
  end
  return seen
end

local function modules_of(plugin)
  local prefix, found = ("kong.plugins.%s."):format(plugin), {}
  for name, module in next, package.loaded do
    if type(name) == "string" and name:sub(1, #prefix) == prefix then
      found[name] = module
    end
  end
  return found
end

local function phase_name(phase)
  return phase == abi.C.WEIR_PHASE_TIMER and "timer" or abi.phases[phase]
    or "init_worker or configure"
end

-- Those who hold at least so many bytes, the largest first: { name, bytes, more }.
local function largest(plugins, least)
  local list = {}
  local function add(name, root)
    local bytes, more = holdings.weigh(root, common())
    if bytes >= least then
      list[#list + 1] = { name = name, bytes = bytes, more = more }
    end
  end
  for _, plugin in ipairs(plugins) do
    add(("plugin '%s'"):format(plugin), modules_of(plugin))
  end
  for _, cache in ipairs({ "cache", "core_cache" }) do
    add("kong." .. cache, _G.kong[cache])
  end
  table.sort(list, function(a, b) return a.bytes > b.bytes end)
  return list
end

--- Who has the memory of this state.
-- @tparam {string,...} plugins names
-- @treturn string for a log line: what is in use, who holds more than a tenth of what may be, and
--   who was refused more
function holdings.account(plugins)
  local used, limit = tonumber(abi.C.weir_bounds_used()), bounds.memory_limit()
  local parts = {
    ("%.1f MiB are in use, lua_memory_limit is %.1f MiB"):format(used / MIB, limit / MIB),
  }
  for i, holder in ipairs(largest(plugins, limit / 10)) do
    parts[i + 1] = ("%s holds %.1f MiB%s"):format(holder.name, holder.bytes / MIB,
      holder.more and " or more" or "")
  end
  local refused = bounds.refused
  if refused.plugin then
    parts[#parts + 1] = ("the last to ask for more was plugin '%s', in %s"):format(
      refused.plugin.name, phase_name(refused.phase))
  end
  return table.concat(parts, "; ")
end

return holdings
