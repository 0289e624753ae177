-- Points in time as RFC 3339 writes them.
local calendar = require("weir.text.calendar")

local rfc3339 = {}

local function offset_of(zone)
  if zone == "Z" or zone == "z" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):(%d%d)$")
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
    return nil
  end
  return (sign == "-" and -60 or 60) * (hours * 60 + minutes)
end

--- Reads a time. Fractions of a second are left out, a leap second is the second before it.
-- @tparam string text "2026-01-31T12:00:00Z", "2026-01-31T13:00:00.25+01:00"
-- @treturn number|nil seconds since the epoch
function rfc3339.parse(text)
  local year, month, day, hour, minute, second, zone =
    text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(.+)$")
  if not year then
    return nil
  end
  local offset = offset_of((zone:gsub("^%.%d+", "")))
  local seconds = calendar.seconds(tonumber(year), tonumber(month), tonumber(day), tonumber(hour),
    tonumber(minute), tonumber(second))
  return offset and seconds and seconds - offset
end

--- Writes a time.
-- @tparam number seconds since the epoch
-- @treturn string "2026-01-31T12:00:00Z"
function rfc3339.format(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

return rfc3339
