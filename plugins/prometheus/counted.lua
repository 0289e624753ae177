-- Metrics that requests are counted in: counters and histograms.
--
-- A sample of a counter is one cell of the store. One of a histogram is a cell for each bucket,
-- with what fell into it and into no smaller one, and one for the sum of all values.

local exposition = require("kong.plugins.prometheus.exposition")
local store = require("kong.plugins.prometheus.store")

local counted = {}

-- Between the parts of a key: metric, part of its sample, labels.
local SEPARATOR = "\1"

local SUM = "sum"

local metrics = {} -- in the order of their names

local function key_of(metric, part, labels)
  return metric.name .. SEPARATOR .. part .. SEPARATOR .. labels
end

local function define(metric)
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
  store.add(key_of(metric, "", exposition.labels(metric.labels, values)), amount)
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
  local labels = exposition.labels(metric.labels, values)
  store.add(key_of(metric, bucket_of(metric, value), labels), 1)
  store.add(key_of(metric, SUM, labels), value)
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
          out[#out + 1] = exposition.sample(metric.name, labels, by_labels[labels][""])
        end
      end
    end
  end
end

return counted
