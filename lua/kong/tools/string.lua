-- kong.tools.string.
local base64 = require("weir.text.base64")
local bytes = require("weir.text.bytes")
local utf8 = require("weir.text.utf8")

local text = { bytes_to_str = bytes.to_text }

local function pieces_by_space(s, max)
  local pieces, at = {}, 1
  while #pieces < max - 1 do
    local from, to = s:find("%S+", at)
    if not from then
      return pieces
    end
    pieces[#pieces + 1] = s:sub(from, to)
    at = to + 1
  end
  local rest = s:match("^%s*(.-)$", at)
  pieces[#pieces + 1] = rest ~= "" and rest or nil
  return pieces
end

--- Cuts a text into pieces.
-- @tparam string s
-- @tparam ?string separator plain text; white space if nil
-- @tparam ?number max pieces; the last is the rest
-- @treturn {string,...} none of an empty text
function text.split(s, separator, max)
  max = max or math.huge
  if s == "" then
    return {}
  elseif not separator then
    return pieces_by_space(s, max)
  elseif separator == "" then
    return { s }
  end
  local pieces, at = {}, 1
  while #pieces < max - 1 do
    local from, to = s:find(separator, at, true)
    if not from then
      break
    end
    pieces[#pieces + 1] = s:sub(at, from - 1)
    at = to + 1
  end
  pieces[#pieces + 1] = s:sub(at)
  return pieces
end

--- Iterates over pieces.
-- @tparam string s
-- @tparam ?string separator
-- @tparam ?number max pieces
-- @treturn function
function text.isplitn(s, separator, max)
  local pieces, i = text.split(s, separator, max), 0
  return function()
    i = i + 1
    return pieces[i]
  end
end

--- @treturn {string,...}
-- @treturn number how many
function text.splitn(s, separator, max)
  local pieces = text.split(s, separator, max)
  return pieces, #pieces
end

--- Puts a separator between texts.
-- @tparam string separator
-- @tparam table list
-- @treturn string
function text.join(separator, list)
  local parts = {}
  for i, item in ipairs(list) do
    parts[i] = tostring(item)
  end
  return table.concat(parts, separator)
end

--- Without white space at both ends; nil is the empty text.
function text.strip(value)
  if value == nil then
    return ""
  end
  local s = tostring(value)
  local from = s:find("%S")
  if not from then
    return ""
  end
  local to = #s
  while s:find("^%s", to) do
    to = to - 1
  end
  return s:sub(from, to)
end

--- Whether a text is UTF-8.
-- @treturn boolean
function text.validate_utf8(value)
  return utf8.invalid_at(tostring(value)) == nil
end

--- "-" becomes "_".
function text.replace_dashes(s)
  return (s:gsub("-", "_"))
end

--- The same, in lower case.
function text.replace_dashes_lower(s)
  return (s:lower():gsub("-", "_"))
end

local function decoded(value)
  if type(value) ~= "string" then
    return value
  end
  return base64.decode(value, false) or base64.decode(value, true) or value
end

--- What base64, in either alphabet, stands for; what is no base64 stays as it is.
-- @tparam string|table value items of a list are replaced
function text.try_decode_base64(value)
  if type(value) ~= "table" then
    return decoded(value)
  end
  for i, item in ipairs(value) do
    value[i] = decoded(item)
  end
  return value
end

return text
