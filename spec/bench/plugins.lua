-- What plugins cost a request: the same job without any, through one, and through ten, each of
-- which reads and sets header fields in access and header_filter, and reads in log.

local load = require("spec.bench.load")
local proxies = require("spec.bench.proxies")
local report = require("spec.bench.report")
local stage = require("spec.bench.stage")
local workspace = require("spec.support.workspace")

local COUNTS = { 0, 1, 10 }
local CONNECTIONS = 64

local HANDLER = [[
local P = { PRIORITY = %d, VERSION = "1.0.0" }
function P:access(conf)
  kong.service.request.set_header("X-Host-%d", kong.request.get_header("Host"))
end
function P:header_filter(conf)
  kong.response.set_header("X-Type-%d", kong.response.get_header("Content-Length"))
end
function P:log(conf)
  if kong.response.get_status() ~= 200 then
    kong.log.err("not served")
  end
end
return P
]]

local SCHEMA = [[return { name = "%s", fields = { { config = { type = "record", fields = {} } } } }
]]

-- Plugins of one kind under many names, since one name runs once.
local function write(count)
  local folder, entities = workspace.directory(), {}
  for i = 1, count do
    local name = "probe-" .. i
    assert(os.execute(("mkdir '%s/%s'"):format(folder, name)))
    workspace.write(("%s/%s/handler.lua"):format(folder, name), HANDLER:format(i, i, i))
    workspace.write(("%s/%s/schema.lua"):format(folder, name), SCHEMA:format(name))
    entities[i] = { name = name }
  end
  return folder, entities
end

local function start(count, upstream, root)
  local job = stage.job("pooled", upstream, root)
  if count > 0 then
    job.plugin_path, job.plugins = write(count)
  end
  local proxy = proxies.start("weir", job)
  proxies.probe(proxy, "pooled")
  return proxy
end

-- All are measured in each round, another one first each time. The first round compiles.
local function measure(running)
  local rounds = {}
  for round = 0, stage.rounds do
    for turn = 0, #COUNTS - 1 do
      local count = COUNTS[(round + turn) % #COUNTS + 1]
      rounds[count] = rounds[count] or {}
      rounds[count][round] = load.measure(running[count], {
        core = stage.other_core, connections = CONNECTIONS, seconds = stage.seconds,
      })
      io.stderr:write(".")
    end
  end
  io.stderr:write("\n")
  return rounds
end

-- What a request through plugins costs beyond one through none, round by round: a machine that gets
-- slower or faster meanwhile does so for both.
local function differences(with, without)
  local list = {}
  for i in ipairs(with) do
    list[i] = with[i].cpu_us - without[i].cpu_us
  end
  return list
end

--- Run it and print it.
-- @treturn table by count of plugins: medians of the rounds, and the median of what a request costs
-- in CPU time beyond one without plugins in the same round: more_us, and each round's: differences
return function()
  local root, leaf = stage.chain("rsa")
  local upstream = stage.upstream(leaf)
  local running = {}
  for _, count in ipairs(COUNTS) do
    running[count] = start(count, upstream, root)
  end
  local rounds = measure(running)
  local result, rows = {}, {}
  for i, count in ipairs(COUNTS) do
    local figures = report.summary(rounds[count])
    result[tostring(count)] = figures
    figures.differences = differences(rounds[count], rounds[0])
    figures.more_us = report.median(figures.differences)
    rows[i] = {
      tostring(count), figures.cpu_us, figures.more_us,
      ("%.1f .. %.1f"):format(figures.differences[1], figures.differences[stage.rounds]),
    }
  end
  report.table("Plugins that read and set headers, pooled upstream connections",
    { "plugins", "CPU us/req", "beyond none", "in the rounds" }, rows)
  return result
end
