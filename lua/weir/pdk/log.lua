-- kong.log: lines for the error log, "[kong] FILE:LINE [PLUGIN] message", and facilities for lines
-- under a name of their own.
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local inspect = require("weir.pdk.inspect")
local log_format = require("weir.pdk.log_format")
local serialize = require("weir.pdk.serialize")

local C = abi.C
local concat = table.concat
local getinfo = debug.getinfo
local select, tostring, type = select, tostring, type

-- Kong's names on enum log_level.
local LEVELS = {
  emerg = 0, alert = 1, crit = 2, err = 3, warn = 4, notice = 5, info = 6, debug = 7,
}

-- The frame that logs, counted from getinfo(): emit, the function of the facility, its caller.
local CALLER = 3

local function default_format(namespace)
  return namespace and log_format.NAMESPACED or log_format.PLAIN
end

-- How a namespace logs.
local function new_style(namespace)
  return { namespace = namespace, format = default_format(namespace), inspecting = true }
end

-- Plugin name -> its style of kong.log itself; "" outside of plugins.
local styles = { [""] = new_style(nil) }

local function plugin_style()
  local plugin = current.plugin
  local name = plugin and plugin.name or ""
  local style = styles[name]
  if not style then
    style = new_style(name)
    styles[name] = style
  end
  return style
end

local function is_on(level)
  return level <= C.weir_log_level()
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

local function emit(level, format, namespace, message)
  local line = log_format.line(format, getinfo(CALLER, "Sln"), namespace, message)
  C.weir_log(level, line, #line)
end

-- A function for one level. Below the log's level nothing is put together.
local function writer(level, style_of)
  return function(...)
    if is_on(level) then
      local style = style_of()
      emit(level, style.format, style.namespace, text_of(...))
    end
  end
end

-- ---- deprecation

local function deprecation_note(notice)
  if notice.after and notice.removal then
    return (" (deprecated after %s, scheduled for removal in %s)"):format(notice.after,
      notice.removal)
  elseif notice.after then
    return (" (deprecated after %s)"):format(notice.after)
  elseif notice.removal then
    return (" (scheduled for removal in %s)"):format(notice.removal)
  end
  return ""
end

-- The message, from arguments of which the last may be { after, removal, trace }.
local function deprecation_text(...)
  local count = select("#", ...)
  local notice = count > 0 and select(count, ...)
  if type(notice) ~= "table" then
    return text_of(...)
  end
  local parts = { ... }
  parts[count] = deprecation_note(notice)
  local text = text_of(unpack(parts, 1, count))
  return notice.trace and debug.traceback(text, CALLER) or text
end

local function deprecation_writer(style_of)
  return function(...)
    if is_on(LEVELS.warn) then
      local style = style_of()
      emit(LEVELS.warn, style.format, style.namespace, deprecation_text(...))
    end
  end
end

-- ---- inspect

local function inspect_all(...)
  local parts = {}
  for i = 1, select("#", ...) do
    parts[i] = inspect((select(i, ...)))
  end
  return concat(parts, " ")
end

local function new_inspector(style_of)
  local inspector = {
    on = function()
      style_of().inspecting = true
    end,
    off = function()
      style_of().inspecting = false
    end,
  }
  return setmetatable(inspector, {
    __call = function(_, ...)
      local style = style_of()
      if style.inspecting and is_on(LEVELS.debug) then
        emit(LEVELS.debug, style.namespace and log_format.INSPECT or log_format.INSPECT_PLAIN,
          style.namespace, inspect_all(...))
      end
    end,
  })
end

-- ---- facilities

--- Writes a line at level emerg, if the log's level is not below it.
-- @function kong.log.emerg
-- @param ... values, put together

--- Writes a line at level alert, if the log's level is not below it.
-- @function kong.log.alert
-- @param ... values, put together

--- Writes a line at level crit, if the log's level is not below it.
-- @function kong.log.crit
-- @param ... values, put together

--- Writes a line at level err, if the log's level is not below it.
-- @function kong.log.err
-- @param ... values, put together

--- The same as kong.log.err. Kong does not have it, and yet plugins of its own call it.
-- @function kong.log.error
-- @param ... values, put together

--- Writes a line at level warn, if the log's level is not below it.
-- @function kong.log.warn
-- @param ... values, put together

--- Writes a line at level notice, if the log's level is not below it.
-- @function kong.log.notice
-- @param ... values, put together

--- Writes a line at level info, if the log's level is not below it.
-- @function kong.log.info
-- @param ... values, put together

--- Writes a line at level debug, if the log's level is not below it.
-- @function kong.log.debug
-- @param ... values, put together

--- Writes a line at level notice.
-- @function kong.log
-- @param ... values, put together

--- Writes values in full, tables with what is in them, at level debug.
-- @function kong.log.inspect
-- @param ... values

--- Has kong.log.inspect() write, which it does from the start.
-- @function kong.log.inspect.on

--- Has kong.log.inspect() write nothing.
-- @function kong.log.inspect.off

--- Warns of what is deprecated.
-- @function kong.log.deprecation
-- @param ... values, put together; the last may be a table: { after, removal = versions, trace =
-- whether a traceback is added }

local new

-- `style_of` gives the style at the time of a call.
local function new_facility(style_of)
  local log = {
    new = new,
    inspect = new_inspector(style_of),
    deprecation = deprecation_writer(style_of),
    set_serialize_value = serialize.set_serialize_value,
    serialize = serialize.serialize,
  }
  for name, level in pairs(LEVELS) do
    log[name] = writer(level, style_of)
  end
  log.error = log.err
  --- Changes what the lines look like.
  -- @tparam ?string text with the modifiers of new(); nil is Kong's format again
  function log.set_format(text)
    if text ~= nil and type(text) ~= "string" then
      error("format must be a string", 2)
    end
    local style = style_of()
    style.format = text or default_format(style.namespace)
  end
  -- Called itself it writes a notice. A tail call: the frame that logs is the caller's.
  local notice = log.notice
  return setmetatable(log, {
    __call = function(_, ...)
      return notice(...)
    end,
  })
end

--- A facility like kong.log whose lines carry a name.
-- @tparam string namespace
-- @tparam ?string format with the modifiers %file_src, %line_src, %func_name, %namespace and
-- %message
-- @treturn table
function new(namespace, format)
  if type(namespace) ~= "string" then
    error("namespace must be a string", 2)
  elseif namespace == "" then
    error("namespace cannot be an empty string", 2)
  elseif format ~= nil and type(format) ~= "string" then
    error("format must be a string if specified", 2)
  elseif format == "" then
    error("format cannot be an empty string if specified", 2)
  end
  local style = new_style(namespace)
  local log = new_facility(function()
    return style
  end)
  log.set_format(format)
  return log
end

return new_facility(plugin_style)
