-- Prometheus' text format, version 0.0.4.

local exposition = {}

exposition.CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local function escape(value)
  value = tostring(value)
  if value:find('[\\"\n]') then
    value = value:gsub('[\\"\n]', ESCAPES)
  end
  return value
end

--- Labels, as they stand between the braces of a sample.
-- @tparam {string,...} names
-- @tparam table values of the names, in their order
-- @treturn string
function exposition.labels(names, values)
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = ('%s="%s"'):format(name, escape(values[i]))
  end
  return table.concat(parts, ",")
end

local function number(value)
  if value == math.huge then
    return "+Inf"
  elseif value == -math.huge then
    return "-Inf"
  elseif value ~= value then
    return "NaN"
  end
  return ("%.17g"):format(value)
end

--- The lines that come before the samples of a metric.
-- @tparam string name
-- @tparam string kind "counter", "gauge" or "histogram"
-- @tparam string help
function exposition.head(name, kind, help)
  help = help:gsub("[\\\n]", ESCAPES)
  return ("# HELP %s %s\n# TYPE %s %s\n"):format(name, help, name, kind)
end

--- A sample's line.
-- @tparam string name
-- @tparam string labels as labels() gives them
-- @tparam number value
function exposition.sample(name, labels, value)
  if labels == "" then
    return ("%s %s\n"):format(name, number(value))
  end
  return ("%s{%s} %s\n"):format(name, labels, number(value))
end

--- A bound of a histogram's bucket, as its label `le`.
function exposition.bound(value)
  return number(value)
end

return exposition
