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

--- Run it and print it.
-- @treturn table by count of plugins: medians of the rounds, and more_us, the CPU time of a request
-- beyond that without plugins
return function()
  local root, leaf = stage.chain("rsa")
  local upstream = stage.upstream(leaf)
  local running, rounds = {}, {}
  for _, count in ipairs(COUNTS) do
    running[count], rounds[count] = start(count, upstream, root), {}
  end
  for round = 0, stage.rounds do
    for _, count in ipairs(COUNTS) do
      -- The first round compiles.
      rounds[count][round] = load.measure(running[count], {
        core = stage.other_core, connections = CONNECTIONS, seconds = stage.seconds,
      })
      io.stderr:write(".")
    end
  end
  io.stderr:write("\n")
  local result, rows = {}, {}
  for i, count in ipairs(COUNTS) do
    local figures = report.summary(rounds[count])
    result[tostring(count)] = figures
    figures.more_us = figures.cpu_us - result["0"].cpu_us
    rows[i] = { tostring(count), figures.cpu_us, figures.more_us }
  end
  report.table("Plugins that read and set headers, pooled upstream connections",
    { "plugins", "CPU us/req", "more than none" }, rows)
  return result
end
