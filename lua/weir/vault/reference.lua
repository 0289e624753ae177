-- References to secrets: {vault://NAME/RESOURCE[/KEY][?OPTIONS][#VERSION]}.
--
-- NAME is the prefix of a vault in the configuration, or the name of one that weir has.
local arguments = require("weir.pdk.arguments")

local reference = {}

local BEGIN, END = "{vault://", "}"

local OPTIONS_MAX = 100

--- Whether a value is a reference.
-- @param value
-- @treturn boolean
function reference.is(value)
  return type(value) == "string" and value:sub(1, #BEGIN) == BEGIN and value:sub(-1) == END
end

-- "a/b/c" -> "a/b" and "c"; the key is what comes after the last slash, if there is one.
local function split_path(path)
  local resource, key = path:match("^(.+)/([^/]*)$")
  if not resource then
    return path
  end
  return resource, key ~= "" and key or nil
end

--- Takes a reference apart.
-- @tparam string text
-- @treturn table|nil { name, resource, key or nil, config = options or nil, version or nil }
-- @treturn nil|string
function reference.parse(text)
  local function refuse(why)
    return nil, ("%s [%s]"):format(why, tostring(text))
  end
  if not reference.is(text) then
    return refuse("not a reference")
  end
  local rest = text:sub(#BEGIN + 1, -#END - 1)
  local main, fragment = rest:match("^([^#]*)#?(.*)$")
  local place, query = main:match("^([^?]*)%??(.*)$")
  local name, path = place:match("^([^/]*)/?(.*)$")
  if name == "" then
    return refuse("reference url is missing host")
  elseif path == "" then
    return refuse(place:find("/", 1, true) and "reference url has empty path"
      or "reference url is missing path")
  elseif fragment ~= "" and not fragment:find("^%d+$") then
    return refuse("reference url has invalid version")
  end
  local resource, key = split_path(path)
  return {
    name = name,
    resource = arguments.unescape(resource),
    key = key and arguments.unescape(key),
    config = query ~= "" and arguments.decode(query, OPTIONS_MAX) or nil,
    version = tonumber(fragment),
  }
end

return reference
