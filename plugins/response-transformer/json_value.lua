-- Values of the configuration as JSON.

local cjson = require("cjson.safe")

local function is_number(text)
  local whole, rest = text:match("^%-?(%d+)(.*)$")
  if not whole or whole:find("^0%d") then
    return false
  end
  rest = rest:gsub("^%.%d+", "")
  return rest == "" or rest:find("^[eE][+-]?%d+$") ~= nil
end

local encoders = {
  string = cjson.encode,
  -- As it is written: no digit gets lost.
  number = function(text)
    return is_number(text) and text or nil
  end,
  boolean = function(text)
    return (text == "true" or text == "false") and text or nil
  end,
}

--- Writes a value as JSON.
-- @tparam string text
-- @tparam ?string kind "string" (also when nil), "number" or "boolean"
-- @treturn string|nil nil when it is not of that kind
return function(text, kind)
  return encoders[kind or "string"](text)
end
