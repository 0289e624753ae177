-- A parser of Prometheus' text format (0.0.4) that takes nothing which is not exactly right: each
-- metric has its HELP and TYPE once and before its samples, which stand together; no sample comes
-- twice; histograms are whole, and their buckets ascend.

local prometheus = {}

local SUFFIXES = { counter = { "" }, gauge = { "" }, histogram = { "_bucket", "_sum", "_count" } }

local function number(text)
  if text == "+Inf" then
    return math.huge
  end
  assert(text:find("^%-?%d") and not text:find("^%-?0[xX]"), "no number: " .. text)
  return assert(tonumber(text), "no number: " .. text)
end

local UNESCAPED = { ["\\\\"] = "\\", ['\\"'] = '"', ["\\n"] = "\n" }

-- The labels at a place of a line, and where they end.
local function labels_at(line, at)
  local labels, order = {}, {}
  while line:sub(at, at) ~= "}" do
    local name, value_at = line:match('^([%a_][%w_]*)="()', at)
    assert(name, "no label: " .. line:sub(at))
    assert(labels[name] == nil, "label twice: " .. name)
    local value_end = value_at
    while line:sub(value_end, value_end) ~= '"' do
      assert(value_end <= #line, "label without end: " .. line)
      value_end = value_end + (line:sub(value_end, value_end) == "\\" and 2 or 1)
    end
    labels[name] = line:sub(value_at, value_end - 1):gsub("\\.", function(escaped)
      return assert(UNESCAPED[escaped], "no such escape: " .. escaped)
    end)
    order[#order + 1] = name
    at = value_end + 1
    if line:sub(at, at) == "," then
      at = at + 1
      assert(line:sub(at, at) ~= "}", "comma before the end: " .. line)
    end
  end
  return labels, order, at + 1
end

local function sample_of(line)
  local name, at = line:match("^([%a_:][%w_:]*)()")
  assert(name, "no sample: " .. line)
  local labels, order = {}, {}
  if line:sub(at, at) == "{" then
    labels, order, at = labels_at(line, at + 1)
  end
  local value = line:match("^ (%S+)$", at)
  assert(value, "no value: " .. line)
  return { name = name, labels = labels, order = order, value = number(value) }
end

-- Which metric a sample belongs to has to be the one whose TYPE came last.
local function belongs(sample, metric)
  for _, suffix in ipairs(SUFFIXES[metric.type]) do
    if sample.name == metric.name .. suffix then
      return true
    end
  end
  return false
end

local function identity(sample, without)
  local parts = {}
  for name, value in pairs(sample.labels) do
    if name ~= without then
      parts[#parts + 1] = ("%s=%q"):format(name, value)
    end
  end
  table.sort(parts)
  return table.concat(parts, ",")
end

local function check_histogram(metric)
  local groups = {}
  for _, sample in ipairs(metric.samples) do
    local key = identity(sample, "le")
    local group = groups[key] or { buckets = {} }
    groups[key] = group
    if sample.name == metric.name .. "_bucket" then
      table.insert(group.buckets, { le = number(sample.labels.le), value = sample.value })
    else
      group[sample.name:sub(#metric.name + 2)] = sample.value
    end
  end
  for key, group in pairs(groups) do
    local place = metric.name .. "{" .. key .. "}"
    for i = 2, #group.buckets do
      assert(group.buckets[i].le > group.buckets[i - 1].le, "buckets do not ascend: " .. place)
      assert(group.buckets[i].value >= group.buckets[i - 1].value, "bucket shrinks: " .. place)
    end
    local last = group.buckets[#group.buckets]
    assert(last and last.le == math.huge, "no last bucket: " .. place)
    assert(group.sum and group.count == last.value, "sum or count is wrong: " .. place)
  end
end

local function check(metric)
  local seen = {}
  for _, sample in ipairs(metric.samples) do
    local key = sample.name .. "{" .. identity(sample) .. "}"
    assert(not seen[key], "sample twice: " .. key)
    seen[key] = true
  end
  if metric.type == "histogram" then
    check_histogram(metric)
  end
end

--- Parses an exposition. What is wrong with it is an error.
-- @tparam string text
-- @treturn table metric name -> { name, help, type, samples = list of { name, labels, order (names
-- of the labels), value } }
function prometheus.parse(text)
  local metrics, metric = {}, nil
  assert(text == "" or text:sub(-1) == "\n", "no line break at the end")
  for line in text:gmatch("([^\n]*)\n") do
    local name, help = line:match("^# HELP ([%a_:][%w_:]*) (.+)$")
    local typed, kind = line:match("^# TYPE ([%a_:][%w_:]*) (%l+)$")
    if name then
      assert(not metrics[name], "metric twice: " .. name)
      metric = { name = name, help = help, samples = {} }
      metrics[name] = metric
    elseif typed then
      assert(metric and metric.name == typed and not metric.type, "misplaced: " .. line)
      assert(SUFFIXES[kind], "no such type: " .. kind)
      metric.type = kind
    else
      local sample = sample_of(line)
      assert(metric and metric.type and belongs(sample, metric), "misplaced: " .. line)
      table.insert(metric.samples, sample)
    end
  end
  for _, one in pairs(metrics) do
    check(one)
  end
  return metrics
end

--- The value of the one sample that has these labels, nil when there is none.
-- @tparam table metrics what parse() returned
-- @tparam string name of the sample
-- @tparam ?table labels
function prometheus.value(metrics, name, labels)
  local metric = metrics[name] or metrics[name:gsub("_%l+$", "")]
  local found
  for _, sample in ipairs(metric and metric.samples or {}) do
    local matches = sample.name == name
    for label, value in pairs(labels or {}) do
      matches = matches and sample.labels[label] == value
    end
    if matches then
      assert(not found, "several samples of " .. name)
      found = sample.value
    end
  end
  return found
end

return prometheus
