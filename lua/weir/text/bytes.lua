-- Amounts of memory as texts, in Kong's form.
local bytes = {}

local UNITS = { k = { 2 ^ 10, "KiB" }, m = { 2 ^ 20, "MiB" }, g = { 2 ^ 30, "GiB" } }

--- An amount in a unit.
-- @tparam number amount bytes
-- @tparam ?string unit "b" (nil), "k", "m" or "g", in any case
-- @tparam ?number scale digits after the point, 2 if nil
-- @treturn string raises Kong's errors in the caller
function bytes.to_text(amount, unit, scale)
  local name = (unit or ""):lower()
  if name == "" or name == "b" then
    return ("%d"):format(amount)
  end
  scale = scale or 2
  if type(scale) ~= "number" or scale < 0 then
    error("scale must be equal or greater than 0", 2)
  end
  local known = UNITS[name]
  if not known then
    error(("invalid unit '%s' (expected 'k/K', 'm/M', or 'g/G')"):format(unit), 2)
  end
  return ("%%.%df %s"):format(scale, known[2]):format(amount / known[1])
end

return bytes
