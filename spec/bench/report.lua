-- Medians, ratios and the two forms of the result: a table for people, JSON for programs.

local cjson = require("cjson")
local process = require("spec.support.process")
local workspace = require("spec.support.workspace")

local report = {}

local FIELDS = { "rps", "p50_us", "p99_us", "cpu_us" }

--- The middle one of a list of numbers, which gets sorted.
function report.median(values)
  table.sort(values)
  local middle = math.floor(#values / 2)
  if #values % 2 == 1 then
    return values[middle + 1]
  end
  return (values[middle] + values[middle + 1]) / 2
end

--- The medians of a proxy's rounds.
-- @tparam table rounds list of measurements
-- @treturn table the same fields, and the rounds themselves
function report.summary(rounds)
  local summary = { rounds = rounds }
  for _, field in ipairs(FIELDS) do
    local values = {}
    for i, round in ipairs(rounds) do
      values[i] = round[field]
    end
    summary[field] = report.median(values)
  end
  return summary
end

--- Ratios of one proxy's CPU time and throughput to those of the others.
function report.compare(proxies, subject)
  local mine = proxies[subject]
  local ratios = {}
  for name, other in pairs(proxies) do
    if mine and name ~= subject then
      ratios[name] = { cpu = mine.cpu_us / other.cpu_us, rps = mine.rps / other.rps }
    end
  end
  return ratios
end

local function first_line(...)
  local result = workspace.run({ ... })
  return ((result.stdout .. result.stderr):match("[^\n]+"))
end

--- What the figures depend on: machine and versions.
function report.environment(binary)
  return {
    time = os.date("!%Y-%m-%dT%H:%M:%SZ"),
    cpu = process.read("/proc/cpuinfo"):match("model name%s*:%s*([^\n]+)"),
    kernel = process.read("/proc/version"):match("^Linux version (%S+)"),
    versions = {
      nginx = first_line("/usr/sbin/nginx", "-v"),
      haproxy = first_line("/usr/sbin/haproxy", "-v"),
      openssl = first_line("openssl", "version"),
      wrk = first_line("wrk", "-v"),
      weir = binary and first_line(binary, "version") or nil,
    },
  }
end

--- Print one regime as a table.
function report.print(title, names, regime)
  print(("\n%s"):format(title))
  print(("  %-8s %10s %10s %10s %12s"):format("", "requests/s", "p50 ms", "p99 ms", "CPU us/req"))
  for _, name in ipairs(names) do
    local figures = regime.proxies[name]
    print(("  %-8s %10.0f %10.2f %10.2f %12.1f"):format(
      name, figures.rps, figures.p50_us / 1000, figures.p99_us / 1000, figures.cpu_us))
  end
  for _, name in ipairs(names) do
    local ratio = regime.ratios[name]
    if ratio then
      print(("  weir / %-8s CPU %.2f   requests/s %.2f"):format(name, ratio.cpu, ratio.rps))
    end
  end
end

--- Print a table of figures.
-- @tparam string title
-- @tparam table heads of the columns
-- @tparam table rows lists with the name of the row and the texts or numbers of its columns
function report.table(title, heads, rows)
  print(("\n%s"):format(title))
  local function line(cells)
    local texts = {}
    for i = 2, #cells do
      local cell = cells[i]
      texts[i - 1] = ("%14s"):format(type(cell) == "number" and ("%.4g"):format(cell) or cell)
    end
    print(("  %-12s%s"):format(cells[1], table.concat(texts)))
  end
  line({ "", unpack(heads) })
  for _, row in ipairs(rows) do
    line(row)
  end
end

--- Write everything as JSON.
function report.write(path, result)
  workspace.write(path, cjson.encode(result) .. "\n")
end

return report
