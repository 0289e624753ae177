-- Metrics that requests are counted in: counters and histograms.
--
-- A sample of a counter is one cell of the store. One of a histogram is a cell for each bucket,
-- with what fell into it and into no smaller one, and one for the sum of all values.

local exposition = require("kong.plugins.prometheus.exposition")
local store = require("kong.plugins.prometheus.store")

local concat = table.concat

local counted = {}

-- Between the parts of a key: metric, part of its sample, labels. Names of entities cannot hold it,
-- those of consumers can, and come last.
local SEPARATOR = "\1"

-- The part that is all of a counter's sample, and that of a histogram which is no bucket.
local WHOLE, SUM = "", "sum"

-- Sets of labels that a metric remembers the keys of; with more it begins anew.
local REMEMBERED_MAX = 10000

local metrics = {} -- in the order of their names

local function new_keys(metric, values)
  local head = metric.name .. SEPARATOR
  local tail = SEPARATOR .. exposition.labels(metric.labels, values)
  return setmetatable({}, { __index = function(keys, part)
    local key = head .. part .. tail
    keys[part] = key
    return key
  end })
end

-- The keys of a set of labels, by the part of the sample. They are put together once: requests
-- come with few different ones.
local function keys_of(metric, values)
  local id = concat(values, SEPARATOR)
  local keys = metric.keys[id]
  if not keys then
    if metric.remembered == REMEMBERED_MAX then
      metric.keys, metric.remembered = {}, 0
    end
    keys = new_keys(metric, values)
    metric.keys[id], metric.remembered = keys, metric.remembered + 1
  end
  return keys
end

local function define(metric)
  metric.keys, metric.remembered = {}, 0
  metrics[#metrics + 1] = metric
  table.sort(metrics, function(a, b)
    return a.name < b.name
  end)
  return metric
end

--- Defines a counter.
-- @tparam string name
-- @tparam string help
-- @tparam {string,...} labels their names
-- @treturn table metric
function counted.counter(name, help, labels)
  return define({ name = name, help = help, kind = "counter", labels = labels })
end

--- Defines a histogram.
-- @tparam string name
-- @tparam string help
-- @tparam {string,...} labels their names
-- @tparam {number,...} bounds upper ones, ascending
-- @treturn table metric
function counted.histogram(name, help, labels, bounds)
  return define({ name = name, help = help, kind = "histogram", labels = labels, bounds = bounds })
end

--- Adds to a counter.
-- @tparam table metric
-- @tparam number amount
-- @tparam table values of its labels
function counted.add(metric, amount, values)
  store.add(keys_of(metric, values)[WHOLE], amount)
end

-- The bucket that a value falls into; one more than there are bounds: it is above all of them.
local function bucket_of(metric, value)
  for i, bound in ipairs(metric.bounds) do
    if value <= bound then
      return i
    end
  end
  return #metric.bounds + 1
end

--- Adds a value to a histogram.
-- @tparam table metric
-- @tparam number value
-- @tparam table values of its labels
function counted.observe(metric, value, values)
  local keys = keys_of(metric, values)
  store.add(keys[bucket_of(metric, value)], 1)
  store.add(keys[SUM], value)
end

-- Cells as metric name -> labels -> part -> number.
local function sorted_out(cells)
  local samples = {}
  for key, value in pairs(cells) do
    local name, part, labels = key:match("^(.-)\1(.-)\1(.*)$")
    samples[name] = samples[name] or {}
    samples[name][labels] = samples[name][labels] or {}
    samples[name][labels][part] = value
  end
  return samples
end

local function write_histogram(out, metric, labels, parts)
  local count = 0
  for i = 1, #metric.bounds + 1 do
    count = count + (parts[tostring(i)] or 0)
    local bound = exposition.bound(metric.bounds[i] or math.huge)
    out[#out + 1] = exposition.sample(metric.name .. "_bucket", labels .. ',le="' .. bound .. '"',
      count)
  end
  out[#out + 1] = exposition.sample(metric.name .. "_count", labels, count)
  out[#out + 1] = exposition.sample(metric.name .. "_sum", labels, parts[SUM] or 0)
end

local function keys_in_order(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- Writes the metrics that something was counted in.
-- @tparam table out list of texts
function counted.write(out)
  store.flush()
  local samples = sorted_out(store.read())
  for _, metric in ipairs(metrics) do
    local by_labels = samples[metric.name]
    if by_labels then
      out[#out + 1] = exposition.head(metric.name, metric.kind, metric.help)
      for _, labels in ipairs(keys_in_order(by_labels)) do
        if metric.bounds then
          write_histogram(out, metric, labels, by_labels[labels])
        else
          out[#out + 1] = exposition.sample(metric.name, labels, by_labels[labels][WHOLE])
        end
      end
    end
  end
end

return counted
