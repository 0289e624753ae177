-- Many requests at once to an upstream that nobody has asked before.
--
-- Each round starts the proxies anew, so that there are no connections and no sessions. The
-- upstream says on which connection each request came.

local cjson = require("cjson")
local load = require("spec.bench.load")
local process = require("spec.support.process")
local proxies = require("spec.bench.proxies")
local report = require("spec.bench.report")
local stage = require("spec.bench.stage")
local workspace = require("spec.support.workspace")

local REQUESTS = 256
local FIELDS = { "connections", "full", "failed", "longest_ms", "cpu_ms" }

-- All requests at once, each on a connection of its own. Gives the directory of the bodies, and per
-- request what curl says.
local function send(proxy)
  local directory = workspace.directory()
  local result = workspace.run({
    "taskset", "-c", tostring(stage.other_core),
    "curl", "--silent", "--noproxy", "*", "--header", "Host: kong.example", "--max-time", "60",
    "--parallel", "--parallel-immediate", "--parallel-max", tostring(REQUESTS),
    "--write-out", "%{http_code} %{time_total}\n", "--output", directory .. "/#1",
    ("http://127.0.0.1:%d/[1-%d]"):format(proxy.port, REQUESTS),
    seconds = 90,
  })
  return directory, result.stdout
end

local function measure(proxy)
  local before = load.cpu(proxy.process.pid)
  local directory, text = send(proxy)
  local result = {
    cpu_ms = (load.cpu(proxy.process.pid) - before) / 1000,
    connections = 0, full = 0, failed = REQUESTS, longest_ms = 0,
  }
  for status, seconds in text:gmatch("(%d+) ([%d.]+)\n") do
    result.failed = result.failed - (status == "200" and 1 or 0)
    result.longest_ms = math.max(result.longest_ms, tonumber(seconds) * 1000)
  end
  local seen = {}
  for i = 1, REQUESTS do
    local ok, body = pcall(cjson.decode, process.read(directory .. "/" .. i))
    if ok and not seen[body.connection] then
      seen[body.connection] = true
      result.connections = result.connections + 1
      result.full = result.full + (body.reused == "r" and 0 or 1)
    end
  end
  return result
end

local function medians(rounds)
  local result = { rounds = rounds }
  for _, field in ipairs(FIELDS) do
    local values = {}
    for i, round in ipairs(rounds) do
      values[i] = round[field]
    end
    result[field] = report.median(values)
  end
  return result
end

--- Run it for all proxies and print it.
-- @tparam table list names of the proxies
-- @treturn table by name: medians of connections (on which requests came), full (of them without a
-- resumed session), failed, longest_ms, cpu_ms
return function(list)
  local root, leaf = stage.chain("rsa")
  local rounds = {}
  for _, name in ipairs(list) do
    rounds[name] = {}
  end
  for round = 1, stage.rounds do
    for _, name in ipairs(list) do
      local upstream = stage.upstream(leaf)
      rounds[name][round] = measure(proxies.start(name, stage.job("pooled", upstream, root)))
      workspace.stop_all()
      io.stderr:write(".")
    end
  end
  io.stderr:write("\n")
  local results, rows = {}, {}
  for i, name in ipairs(list) do
    local figures = medians(rounds[name])
    results[name] = figures
    rows[i] = {
      name, figures.connections, figures.full, figures.failed, figures.longest_ms, figures.cpu_ms,
    }
  end
  report.table(("%d requests at once to a cold upstream (RSA-2048 chain)"):format(REQUESTS),
    { "connections", "full handsh.", "failed", "longest ms", "CPU ms" }, rows)
  return results
end
