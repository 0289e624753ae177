-- kong.tools.mime_type: media types as Content-Type and Accept have them.
local mime_type = {}

--- Reads a media type with its parameters.
-- @tparam string text "Text/HTML; charset=utf-8; q=0.5"
-- @treturn string|nil type, in lower case; nil when it is none
-- @treturn string|nil subtype
-- @treturn table|nil parameters by name in lower case; q is a number
function mime_type.parse_mime_type(text)
  local kind, subtype, rest = text:match("^%s*([%w!#$&^_.+*-]+)/([%w!#$&^_.+*-]+)%s*(.*)$")
  if not kind or (rest ~= "" and rest:sub(1, 1) ~= ";") then
    return nil
  end
  local parameters = {}
  for name, value in rest:gmatch(";%s*([^=;%s]+)%s*=%s*([^;]*)") do
    name = name:lower()
    value = value:match('^"(.*)"%s*$') or value:match("^(.-)%s*$")
    parameters[name] = name == "q" and tonumber(value) or value
  end
  return kind:lower(), subtype:lower(), parameters
end

--- Whether one media type stands for another, too, as "*/*" does for all.
-- @tparam table this type and subtype
-- @tparam table other the same
-- @treturn boolean
function mime_type.includes(this, other)
  if this.type == "*" then
    return true
  end
  return this.type == other.type and (this.subtype == "*" or this.subtype == other.subtype)
end

return mime_type
