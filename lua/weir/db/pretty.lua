-- A flat table as messages of Kong's show it: {a="b",c=1}.

local function show(value)
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

--- Writes a table of names and values on one line.
-- @tparam table fields
-- @treturn string
return function(fields)
  local parts = {}
  for name, value in pairs(fields) do
    parts[#parts + 1] = ("%s=%s"):format(name, show(value))
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end
