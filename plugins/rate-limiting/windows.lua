-- The windows that requests are counted in: those of the calendar, in UTC.

local DAY = 86400

local function fixed(seconds)
  return function(now)
    local start = now - now % seconds
    return start, start + seconds
  end
end

-- The first moment of a period that a day belongs to, by the day's number in it.
local function first_moment(time, number)
  local day = os.date("!*t", time)[number]
  return time - time % DAY - (day - 1) * DAY
end

-- Longer by no more than one period: a day of the next one.
local function calendar(number, longest)
  return function(now)
    local start = first_moment(now, number)
    return start, first_moment(start + longest * DAY, number)
  end
end

local SPANS = {
  second = fixed(1),
  minute = fixed(60),
  hour = fixed(3600),
  day = fixed(DAY),
  month = calendar("day", 31),
  year = calendar("yday", 366),
}

local windows = {}

--- From the shortest to the longest.
windows.NAMES = { "second", "minute", "hour", "day", "month", "year" }

--- The window of a length that a moment belongs to.
-- @tparam string name
-- @tparam number now seconds since the epoch
-- @treturn number its first second
-- @treturn number the first second after it
function windows.at(name, now)
  return SPANS[name](math.floor(now))
end

return windows
