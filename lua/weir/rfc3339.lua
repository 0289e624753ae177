-- Points in time as RFC 3339 writes them.
local rfc3339 = {}

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

local function days_in(year, month)
  return month == 2 and is_leap(year) and 29 or DAYS[month]
end

-- Days from 1970-01-01. Years begin in March here, so that a leap day is the last of its year.
local function days_since_epoch(year, month, day)
  local y = month > 2 and year or year - 1
  local in_year = math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400) + in_year - 719468
end

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
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  local offset = offset_of((zone:gsub("^%.%d+", "")))
  if not offset or month < 1 or month > 12 or day < 1 or day > days_in(year, month)
    or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return days_since_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60
    + math.min(second, 59) - offset
end

--- Writes a time.
-- @tparam number seconds since the epoch
-- @treturn string "2026-01-31T12:00:00Z"
function rfc3339.format(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

return rfc3339
