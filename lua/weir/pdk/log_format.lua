-- What lines of kong.log look like: texts with modifiers for where they come from and what they
-- say.
local log_format = {}

--- Kong's: of lines without a namespace, of those with one, of kong.log.inspect().
log_format.PLAIN = "%file_src:%line_src %message"
log_format.NAMESPACED = "%file_src:%line_src [%namespace] %message"
log_format.INSPECT = "%file_src:%func_name:%line_src [%namespace]\n%message"
log_format.INSPECT_PLAIN = "%file_src:%func_name:%line_src\n%message"

local PREFIX = "[kong] "

local UNKNOWN = "?"

-- Modifier -> what it stands for in a line of `info` (debug.getinfo's, or nil).
local MODIFIERS = {
  file_src = function(info)
    return info and (info.short_src:match("[^/]+$") or info.short_src)
  end,
  line_src = function(info)
    return info and info.currentline
  end,
  func_name = function(info)
    return info and info.name
  end,
  message = function(_, _, message)
    return message
  end,
  namespace = function(_, namespace)
    return namespace
  end,
}

--- Reads a format. "%%" is a percent sign; what is no modifier stays as it is.
-- @tparam string text
-- @treturn {string|function,...}
function log_format.compile(text)
  local parts, from = { PREFIX }, 1
  for at, name, after in text:gmatch("()%%([%a_%%]?[%a_]*)()") do
    local part
    if name:sub(1, 1) == "%" then
      part = name
    else
      part = MODIFIERS[name] or "%" .. name
    end
    parts[#parts + 1] = text:sub(from, at - 1)
    parts[#parts + 1] = part
    from = after
  end
  parts[#parts + 1] = text:sub(from)
  return parts
end

--- Makes a line.
-- @tparam table parts what compile() returned
-- @tparam ?table info of the function that logs
-- @tparam ?string namespace
-- @tparam string message
-- @treturn string
function log_format.line(parts, info, namespace, message)
  local line = {}
  for i, part in ipairs(parts) do
    line[i] = type(part) == "string" and part or part(info, namespace, message) or UNKNOWN
  end
  return table.concat(line)
end

return log_format
