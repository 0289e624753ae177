-- One measurement: load from wrk, and what the proxy's processes paid for it in CPU time.

local process = require("spec.support.process")
local workspace = require("spec.support.workspace")

local load = {}

local TICK_MS, LIMIT = 100, 60

local UNITS = { us = 1, ms = 1000, s = 1000000, m = 60000000 }

local function microseconds(number, unit)
  return tonumber(number) * UNITS[unit]
end

local function percentile(text, which)
  return microseconds(text:match("%s" .. which .. "%%%s+([%d.]+)(%a+)"))
end

--- CPU time in microseconds of a proxy: one process, or a supervisor with children.
function load.cpu(pid)
  local total = process.cpu_us(pid)
  for _, child in ipairs(process.children(pid)) do
    total = total + load.cpu(child)
  end
  return total
end

-- Until the end of wrk, `tick` is called every so often if there is one.
local function finish(child, tick)
  while tick and not child:ended() do
    process.sleep(TICK_MS)
    tick()
  end
  local status = child:wait(LIMIT)
  assert(status and status.code == 0, child:errors())
  return child:output()
end

local function wrk(proxy, options)
  local text = finish(workspace.start({
    "taskset", "-c", tostring(options.core),
    "wrk", "--threads", "1", "--connections", tostring(options.connections),
    "--duration", options.seconds .. "s", "--timeout", "20s", "--latency",
    "--header", "Host: kong.example", ("http://127.0.0.1:%d/"):format(proxy.port),
  }), options.tick)
  local failed = text:match("Non%-2xx[^\n]*") or text:match("Socket errors[^\n]*")
  assert(not failed, proxy.name .. ": " .. tostring(failed))
  return text
end

--- Load a proxy for a while.
-- @tparam table proxy port, process
-- @tparam table options core (of the load), connections, seconds, tick (called every 100 ms)
-- @treturn table requests, rps, p50_us, p99_us, cpu_us (per request)
function load.measure(proxy, options)
  local before = load.cpu(proxy.process.pid)
  local text = wrk(proxy, options)
  local spent = load.cpu(proxy.process.pid) - before
  local requests = tonumber(text:match("(%d+) requests in"))
  return {
    requests = requests,
    rps = tonumber(text:match("Requests/sec:%s+([%d.]+)")),
    p50_us = percentile(text, "50"),
    p99_us = percentile(text, "99"),
    cpu_us = spent / requests,
  }
end

return load
