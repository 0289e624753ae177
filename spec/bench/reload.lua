-- Reloads under load: the file is written anew and SIGHUP sent ten times a second. Failed requests
-- stop the bench (spec/bench/load.lua), so what is left to tell is what it costs.

local cjson = require("cjson")
local client = require("spec.support.client")
local load = require("spec.bench.load")
local process = require("spec.support.process")
local proxies = require("spec.bench.proxies")
local report = require("spec.bench.report")
local stage = require("spec.bench.stage")
local workspace = require("spec.support.workspace")

local CONNECTIONS = 64

local function status(proxy)
  local response = client.curl({ url = ("http://127.0.0.1:%d/status"):format(proxy.admin_port) })
  return cjson.decode(response.body)
end

-- Writes another configuration each time. The upstream's verification stays as it is.
local function reloader(proxy)
  local number = 0
  return function()
    number = number + 1
    proxy.document.services[1].tags = { "reload-" .. number }
    workspace.write(proxy.file .. ".new", cjson.encode(proxy.document))
    assert(os.rename(proxy.file .. ".new", proxy.file))
    proxy.process:signal(process.SIGHUP)
  end
end

local function measure(proxy, tick)
  local before = status(proxy)
  local figures = load.measure(proxy, {
    core = stage.other_core, connections = CONNECTIONS, seconds = stage.seconds, tick = tick,
  })
  local after = status(proxy)
  figures.reloads = after.configuration.serial - before.configuration.serial
  figures.opened = after.tls.connections_opened - before.tls.connections_opened
  return figures
end

local function sum(rounds, field)
  local total = 0
  for _, round in ipairs(rounds) do
    total = total + round[field]
  end
  return total
end

--- Run it and print it.
-- @treturn table quiet and reloading: medians of the rounds, with the sums of reloads and of
-- upstream connections opened; cpu and p99: ratios of reloading to quiet
return function()
  local root, leaf = stage.chain("rsa")
  local proxy = proxies.start("weir", stage.job("pooled", stage.upstream(leaf), root))
  proxies.probe(proxy, "pooled")
  measure(proxy) -- opens the connections
  local tick = reloader(proxy)
  local rounds = { quiet = {}, reloading = {} }
  for i = 1, stage.rounds do
    rounds.quiet[i] = measure(proxy)
    rounds.reloading[i] = measure(proxy, tick)
    io.stderr:write(".")
  end
  io.stderr:write("\n")
  local result, rows = {}, {}
  for i, name in ipairs({ "quiet", "reloading" }) do
    local figures = report.summary(rounds[name])
    figures.reloads, figures.opened = sum(rounds[name], "reloads"), sum(rounds[name], "opened")
    figures.requests = sum(rounds[name], "requests")
    result[name] = figures
    rows[i] = {
      name, figures.requests, figures.reloads, figures.opened, figures.cpu_us,
      figures.p99_us / 1000,
    }
  end
  result.cpu = result.reloading.cpu_us / result.quiet.cpu_us
  result.p99 = result.reloading.p99_us / result.quiet.p99_us
  report.table("Reloads under load, pooled upstream connections, no request failed",
    { "requests", "reloads", "conns opened", "CPU us/req", "p99 ms" }, rows)
  print(("  reloading / quiet   CPU %.2f   p99 %.2f"):format(result.cpu, result.p99))
  return result
end
