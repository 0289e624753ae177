-- ngx.quote_sql_str.
local quoting = {}

local ESCAPES = {
  ["\0"] = "\\0", ["\b"] = "\\b", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
  ["\26"] = "\\Z", ["\\"] = "\\\\", ["'"] = "\\'", ['"'] = '\\"',
}

--- A text as a literal of MySQL's SQL.
-- @tparam string text
-- @treturn string
function quoting.quote_sql_str(text)
  return "'" .. tostring(text):gsub("[%z\b\n\r\t\26\\'\"]", ESCAPES) .. "'"
end

return quoting
