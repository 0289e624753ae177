-- kong.tools.timestamp: the beginnings of the periods that limits are counted in, in UTC.
local abi = require("weir.abi")
local calendar = require("weir.text.calendar")

local C = abi.C

local timestamp = {}

local SECOND, MINUTE, HOUR, DAY = 1000, 60000, 3600000, 86400000

--- Milliseconds since the epoch, whole seconds.
function timestamp.get_utc()
  return math.floor(timestamp.get_utc_ms() / SECOND) * SECOND
end

--- Milliseconds since the epoch.
function timestamp.get_utc_ms()
  return tonumber(C.weir_time_ms())
end

--- A time's parts.
-- @tparam ?number now milliseconds since the epoch
-- @treturn table year, month, day, hour, min, sec …, as os.date() gives them
function timestamp.get_timetable(now)
  return os.date("!*t", math.floor((now or timestamp.get_utc_ms()) / SECOND))
end

--- When the periods began that a time is in.
-- @tparam ?number now milliseconds since the epoch
-- @treturn table second, minute, hour, day, month, year: milliseconds since the epoch
function timestamp.get_timestamps(now)
  now = now or timestamp.get_utc_ms()
  local parts = timestamp.get_timetable(now)
  local function floor(unit)
    return math.floor(now / unit) * unit
  end
  return {
    second = floor(SECOND), minute = floor(MINUTE), hour = floor(HOUR), day = floor(DAY),
    month = calendar.seconds(parts.year, parts.month, 1, 0, 0, 0) * SECOND,
    year = calendar.seconds(parts.year, 1, 1, 0, 0, 0) * SECOND,
  }
end

return timestamp
