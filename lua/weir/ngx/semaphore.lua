-- ngx.semaphore: units that requests of one worker wait for and give each other.
--
-- A unit is taken when the one that waits goes on, not when it is woken: if its request ends in
-- between, the unit is still there for others.
local time = require("weir.ngx.time")
local wait = require("weir.wait")

local semaphore = { version = "0.1" }
local Semaphore = {}
Semaphore.__index = Semaphore

--- A semaphore.
-- @tparam ?number n units that there are
-- @treturn table|nil
-- @treturn nil|string
function semaphore.new(n)
  n = n == nil and 0 or tonumber(n)
  if not n or n < 0 then
    error("no negative number", 2)
  end
  return setmetatable({ units = n, first = 1, last = 0 }, Semaphore)
end

-- Whether the one of an entry still waits there: it may have gone on, its request may have ended,
-- or it could not wait at all.
local function waits(entry)
  return wait.parked(entry.number, entry.park)
end

-- Drops those at the front that wait no more.
local function tidy(self)
  while self.first <= self.last and not waits(self[self.first]) do
    self[self.first] = nil
    self.first = self.first + 1
  end
end

-- Wakes the one that has waited longest.
local function wake_next(self)
  tidy(self)
  if self.first <= self.last then
    local entry = self[self.first]
    wait.wake(entry.number, entry.park)
  end
end

local function waiting(self)
  local count = 0
  for i = self.first, self.last do
    if waits(self[i]) then
      count = count + 1
    end
  end
  return count
end

--- Gives units.
-- @tparam ?number n 1
-- @treturn boolean
function Semaphore:post(n)
  n = n == nil and 1 or tonumber(n)
  if not n or n < 1 then
    error("positive number required", 2)
  end
  self.units = self.units + n
  for _ = 1, math.min(n, waiting(self)) do
    wake_next(self)
  end
  return true
end

local function take(self)
  if self.units == 0 then
    return false
  end
  self.units = self.units - 1
  return true
end

--- Takes a unit, and waits for it.
-- @tparam number timeout seconds
-- @treturn boolean|nil
-- @treturn nil|string "timeout"
function Semaphore:wait(timeout)
  timeout = tonumber(timeout)
  if not timeout or timeout < 0 then
    error("no negative number", 2)
  end
  local number, park = wait.self()
  local deadline = time.now() + timeout
  while not take(self) do
    local left = deadline - time.now()
    if left <= 0 then
      return nil, "timeout"
    end
    tidy(self)
    self.last = self.last + 1
    self[self.last] = { number = number, park = park }
    wait.park(left)
    park = park + 1
  end
  return true
end

--- How many units there are; negative: how many wait for one.
-- @treturn number
function Semaphore:count()
  return self.units - waiting(self)
end

return semaphore
