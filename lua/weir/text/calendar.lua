-- Dates and seconds since the epoch, in UTC.
local calendar = {}

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

--- The seconds since the epoch of a date, nil if there is no such date. A leap second is the second
-- before it.
-- @treturn number|nil
function calendar.seconds(year, month, day, hour, minute, second)
  if month < 1 or month > 12 or day < 1 or day > days_in(year, month)
    or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return days_since_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60
    + math.min(second, 59)
end

return calendar
