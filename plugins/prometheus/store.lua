-- What is counted, for all workers: cells of the shared dictionary prometheus_metrics.
--
-- A worker adds up in a table of its own, which is cheap and takes no lock, and puts its sums into
-- the dictionary once a second and before it is asked.

local clear = require("table.clear")

local store = {}

local INTERVAL = 1 -- seconds

-- Counts what did not fit into the dictionary. It is there from the start.
local LOST = "lost"

local pending, dirty = {}, false

local function dictionary()
  return ngx.shared.prometheus_metrics
end

-- A counter that is full leaves the others as they are: nothing is pushed out for a new one.
local function put(dict, key, amount)
  local value, err = dict:incr(key, amount)
  if not value and err == "not found" then
    local added
    added, err = dict:safe_add(key, amount)
    if added then
      return true
    elseif err == "exists" then
      value, err = dict:incr(key, amount)
    end
  end
  return value ~= nil, err
end

--- Adds to a cell.
-- @tparam string key
-- @tparam number amount
function store.add(key, amount)
  pending[key] = (pending[key] or 0) + amount
  dirty = true
end

--- Makes what this worker counted visible to all.
function store.flush()
  if not dirty then
    return
  end
  local dict = dictionary()
  for key, amount in pairs(pending) do
    local ok, err = put(dict, key, amount)
    if not ok then
      dict:incr(LOST, 1)
      kong.log.err("a metric is not counted: ", err)
    end
  end
  clear(pending)
  dirty = false
end

--- Starts to flush from time to time.
function store.start()
  dictionary():safe_add(LOST, 0)
  local ok, err = ngx.timer.every(INTERVAL, store.flush)
  if not ok then
    kong.log.err("metrics are written only when this worker is asked for them: ", err)
  end
end

--- All cells.
-- @treturn table key -> number
function store.read()
  local dict = dictionary()
  local cells = {}
  for _, key in ipairs(dict:get_keys(0)) do
    if key ~= LOST then
      cells[key] = dict:get(key)
    end
  end
  return cells
end

--- How many times something could not be counted.
function store.lost()
  return dictionary():get(LOST) or 0
end

return store
