-- Functions of ngx that write and read parts of URIs.
local arguments = require("weir.pdk.arguments")

local type = type

local uri = {}

local MAX_ARGS = 100

local FULL, COMPONENT = 0, 2

local function percent(c)
  return ("%%%02X"):format(c:byte())
end

--- Percent-encodes.
-- @tparam string text
-- @tparam ?number kind 2 (nil): a component, all but unreserved characters; 0: a whole URI, what
--   cannot stand in one
-- @treturn string
function uri.escape_uri(text, kind)
  kind = kind == nil and COMPONENT or kind
  if type(kind) ~= "number" then
    error("\"type\" is not number", 2)
  elseif kind == COMPONENT then
    return arguments.escape(tostring(text))
  elseif kind == FULL then
    return (tostring(text):gsub("[%z\1-\32#%%?\127-\255]", percent))
  end
  error(("\"type\" %d out of range"):format(kind), 2)
end

--- Undoes percent-encoding, and "+" for a space. What is not well-formed stays as it is.
-- @tparam string text
-- @treturn string
function uri.unescape_uri(text)
  return arguments.unescape(tostring(text))
end

-- ngx_lua's errors of what cannot be an argument.
local function check_args(args)
  if type(args) ~= "table" then
    error(("bad argument #1 to 'encode_args' (table expected, got %s)"):format(type(args)), 3)
  end
  for name, value in pairs(args) do
    if type(name) ~= "string" then
      error("attempt to use a non-string key in the \"args\" option table", 3)
    end
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      local kind = type(item)
      if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
        error(("attempt to use %s as query arg value"):format(kind), 3)
      end
    end
  end
end

--- A query string, sorted by name.
-- @tparam table args name -> string, number, boolean or a list of these
-- @treturn string
function uri.encode_args(args)
  check_args(args)
  return (arguments.encode(args))
end

--- The arguments of a query string.
-- @tparam string text
-- @tparam ?number max 100 if nil; 0: all
-- @treturn table
-- @treturn nil|string "truncated"
function uri.decode_args(text, max)
  return arguments.decode(tostring(text), max == 0 and math.huge or max or MAX_ARGS)
end

return uri
