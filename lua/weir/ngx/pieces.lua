-- What ngx.print() and send() of a socket take: a value, or lists of values and of such lists.

local pieces = {}

--- Adds the texts of a value to a list.
-- @tparam table out
-- @param value
-- @tparam string name of the function that was given it, for its error
-- @raise where it has no text
function pieces.add(out, value, name)
  local kind = type(value)
  if kind == "table" then
    for _, item in ipairs(value) do
      pieces.add(out, item, name)
    end
  elseif kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
    out[#out + 1] = tostring(value)
  else
    error(("bad argument #1 to '%s' (string, number, boolean, nil, or array table expected, "
      .. "got %s)"):format(name, kind), 0)
  end
end

return pieces
