-- Functions of ngx that tell the time. It is never cached here.
local abi = require("weir.abi")
local calendar = require("weir.text.calendar")

local C = abi.C
local date, floor, tonumber = os.date, math.floor, tonumber

local time = {}

local MONTHS = {}
for i, name in ipairs({
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
}) do
  MONTHS[name] = i
end

-- A cookie's year has two digits until there could be doubt about which it is.
local LAST_SHORT_YEAR = 2037

--- Seconds since the epoch.
-- @treturn number
function time.time()
  return floor(tonumber(C.weir_time_ms()) / 1000)
end

--- Seconds since the epoch, with milliseconds.
-- @treturn number
function time.now()
  return tonumber(C.weir_time_ms()) / 1000
end

--- Nothing to do: time is never cached.
function time.update_time() end

--- The local day, "2026-01-31".
-- @treturn string
function time.today()
  return date("%Y-%m-%d", time.time())
end

--- The local time, "2026-01-31 12:00:00".
-- @treturn string
function time.localtime()
  return date("%Y-%m-%d %H:%M:%S", time.time())
end

--- The time in UTC, "2026-01-31 12:00:00".
-- @treturn string
function time.utctime()
  return date("!%Y-%m-%d %H:%M:%S", time.time())
end

--- A time as HTTP has it, "Thu, 18 Nov 2010 11:27:35 GMT".
-- @tparam number seconds since the epoch
-- @treturn string
function time.http_time(seconds)
  return date("!%a, %d %b %Y %H:%M:%S GMT", seconds)
end

--- A time for a cookie, "Thu, 18-Nov-10 11:27:35 GMT".
-- @tparam number seconds since the epoch
-- @treturn string
function time.cookie_time(seconds)
  local year = tonumber(date("!%Y", seconds)) > LAST_SHORT_YEAR and "%Y" or "%y"
  return date("!%a, %d-%b-" .. year .. " %H:%M:%S GMT", seconds)
end

-- The forms of RFC 9110 §5.6.7; the order of what is captured.
local FORMS = {
  { "^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d)", "dmyHMS" },
  { "^%a+, (%d%d)%-(%a%a%a)%-(%d%d) (%d%d):(%d%d):(%d%d)", "dmyHMS" },
  { "^%a+ (%a%a%a) +(%d%d?) (%d%d):(%d%d):(%d%d) (%d%d%d%d)", "mdHMSy" },
}

local function year_of(text)
  local year = tonumber(text)
  if #text > 2 then
    return year
  end
  return year < 70 and year + 2000 or year + 1900
end

--- Reads a time as HTTP has it.
-- @tparam string text
-- @treturn number|nil seconds since the epoch
function time.parse_http_time(text)
  for _, form in ipairs(FORMS) do
    local found = { text:match(form[1]) }
    if found[1] then
      local at = {}
      for i = 1, #found do
        at[form[2]:sub(i, i)] = found[i]
      end
      local month = MONTHS[at.m]
      return month and calendar.seconds(year_of(at.y), month, tonumber(at.d), tonumber(at.H),
        tonumber(at.M), tonumber(at.S))
    end
  end
  return nil
end

return time
