-- How many header fields or arguments a function of the PDK reads: Kong's `max_headers` and
-- `max_args`.
local DEFAULT, MAX = 100, 1000

local limit = { MAX = MAX }

--- Checks the argument; called by the function that a plugin calls.
-- @param max nil for the default
-- @tparam string name of the argument
-- @treturn number
-- @raise in the plugin's name
function limit.of(max, name)
  if max == nil then
    return DEFAULT
  elseif type(max) ~= "number" then
    error(name .. " must be a number", 3)
  elseif max < 1 then
    error(name .. " must be >= 1", 3)
  elseif max > MAX then
    error(name .. " must be <= " .. MAX, 3)
  end
  return max
end

return limit
