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

--- Makes a line. In the format "%%" is a percent sign; what is no modifier stays as it is.
-- @tparam string format
-- @tparam ?table info of the function that logs
-- @tparam ?string namespace
-- @tparam string message
-- @treturn string
function log_format.line(format, info, namespace, message)
  local function replacement(percent, name)
    if percent ~= "" then
      return percent .. name
    end
    local modifier = MODIFIERS[name]
    return modifier and (modifier(info, namespace, message) or UNKNOWN)
  end
  return PREFIX .. format:gsub("%%(%%?)([%a_]*)", replacement)
end

return log_format
