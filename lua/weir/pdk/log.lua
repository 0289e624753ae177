-- kong.log: lines for the error log, "[kong] FILE:LINE [PLUGIN] message".
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local inspect = require("weir.pdk.inspect")
local serialize = require("weir.pdk.serialize")

local C = abi.C
local concat = table.concat
local getinfo = debug.getinfo
local select, tostring = select, tostring

-- Kong's names on enum log_level.
local LEVELS = {
  emerg = 0, alert = 1, crit = 2, err = 3, warn = 4, notice = 5, info = 6, debug = 7,
}

-- The plugin's frame, counted from getinfo(): place, write, the function of kong.log, its caller.
local CALLER = 4

local log = {}

local function place()
  local info = getinfo(CALLER, "Sl")
  if not info then
    return "?"
  end
  return (info.short_src:match("[^/]+$") or info.short_src) .. ":" .. info.currentline
end

local function text_of(...)
  local count = select("#", ...)
  if count == 1 then
    return tostring((...))
  end
  local parts = { ... }
  for i = 1, count do
    parts[i] = tostring(parts[i])
  end
  return concat(parts)
end

local function write(level, ...)
  local plugin = current.plugin
  local line = concat({
    "[kong] ", place(), plugin and " [" .. plugin.name .. "] " or " ", text_of(...),
  })
  C.weir_log(level, line, #line)
end

-- A function for one level. Below the log's level nothing is put together.
local function writer(level)
  return function(...)
    if level <= C.weir_log_level() then
      write(level, ...)
    end
  end
end

for name, level in pairs(LEVELS) do
  log[name] = writer(level)
end

local inspecting = true

local inspector = {
  on = function()
    inspecting = true
  end,
  off = function()
    inspecting = false
  end,
}

--- kong.log.inspect(...): values in full, at level debug.
log.inspect = setmetatable(inspector, {
  __call = function(_, ...)
    if not inspecting or LEVELS.debug > C.weir_log_level() then
      return
    end
    local parts = {}
    for i = 1, select("#", ...) do
      parts[i] = inspect((select(i, ...)))
    end
    write(LEVELS.debug, concat(parts, "\n"))
  end,
})

log.set_serialize_value = serialize.set_serialize_value
log.serialize = serialize.serialize

--- kong.log(...) is a notice.
return setmetatable(log, {
  __call = function(_, ...)
    if LEVELS.notice <= C.weir_log_level() then
      write(LEVELS.notice, ...)
    end
  end,
})
