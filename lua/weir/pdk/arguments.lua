-- Query strings and form bodies: "a=1&b" to tables and back.
local add = require("weir.text.fields").add

local concat, sort = table.concat, table.sort
local find, gsub, sub, byte, char = string.find, string.gsub, string.sub, string.byte, string.char
local format = string.format
local tonumber, tostring, type = tonumber, tostring, type

local arguments = {}

local function hex_to_char(hex)
  return char(tonumber(hex, 16))
end

--- Undoes percent-encoding, and "+" for a space.
function arguments.unescape(text)
  if find(text, "+", 1, true) then
    text = gsub(text, "+", " ")
  end
  if find(text, "%", 1, true) then
    text = gsub(text, "%%(%x%x)", hex_to_char)
  end
  return text
end

local function char_to_hex(c)
  return format("%%%02X", byte(c))
end

--- Percent-encodes all but the unreserved characters.
function arguments.escape(text)
  return (gsub(text, "[^%w%-%._~]", char_to_hex))
end

--- Decodes arguments.
-- @tparam string text
-- @tparam number max arguments to decode
-- @treturn table name -> value, true for an argument without "=", or a list of these
-- @treturn nil|string "truncated" when there are more
function arguments.decode(text, max)
  local t, count, from = {}, 0, 1
  while from <= #text do
    local to = find(text, "&", from, true) or #text + 1
    if to > from then
      if count == max then
        return t, "truncated"
      end
      count = count + 1
      local equals = find(text, "=", from, true)
      if equals and equals < to then
        if equals > from then
          add(t, arguments.unescape(sub(text, from, equals - 1)),
            arguments.unescape(sub(text, equals + 1, to - 1)))
        end
      else
        add(t, arguments.unescape(sub(text, from, to - 1)), true)
      end
    end
    from = to + 1
  end
  return t
end

local function append(parts, name, value)
  if value == true then
    parts[#parts + 1] = name
  elseif value ~= false then
    parts[#parts + 1] = name .. "=" .. arguments.escape(tostring(value))
  end
end

local function is_scalar(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

--- Encodes arguments, sorted by name.
-- @tparam table t name -> string, number, boolean or a list of these; true is an argument without
-- "=", false none at all
-- @treturn string|nil
-- @treturn nil|string what is wrong
function arguments.encode(t)
  local names = {}
  for name in pairs(t) do
    if type(name) ~= "string" then
      return nil, "arg keys must be strings"
    end
    names[#names + 1] = name
  end
  sort(names)
  local parts = {}
  for _, name in ipairs(names) do
    local value, escaped = t[name], arguments.escape(name)
    if type(value) == "table" then
      for _, item in ipairs(value) do
        if not is_scalar(item) then
          return nil, "values in the array of '" .. name .. "' must be a string, number or boolean"
        end
        append(parts, escaped, item)
      end
    elseif is_scalar(value) then
      append(parts, escaped, value)
    else
      return nil, "value of '" .. name .. "' must be a string, number, boolean or array"
    end
  end
  return concat(parts, "&")
end

--- Takes all arguments of a name out of a query string and leaves the others as they are written.
-- @treturn string
function arguments.without(text, name)
  local kept = {}
  for piece in (text .. "&"):gmatch("([^&]*)&") do
    local own = piece:match("^[^=]*")
    if piece ~= "" and arguments.unescape(own) ~= name then
      kept[#kept + 1] = piece
    end
  end
  return concat(kept, "&")
end

return arguments
