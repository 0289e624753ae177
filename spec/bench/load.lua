-- One measurement: load from wrk, and what the proxy's processes paid for it in CPU time.

local process = require("spec.support.process")
local workspace = require("spec.support.workspace")

local load = {}

local UNITS = { us = 1, ms = 1000, s = 1000000, m = 60000000 }

local function microseconds(number, unit)
  return tonumber(number) * UNITS[unit]
end

local function percentile(text, which)
  return microseconds(text:match("%s" .. which .. "%%%s+([%d.]+)(%a+)"))
end

-- The proxy may be one process or a supervisor with children.
local function cpu(pid)
  local total = process.cpu_us(pid)
  for _, child in ipairs(process.children(pid)) do
    total = total + cpu(child)
  end
  return total
end

local function wrk(proxy, options)
  local result = workspace.run({
    "taskset", "-c", tostring(options.core),
    "wrk", "--threads", "1", "--connections", tostring(options.connections),
    "--duration", options.seconds .. "s", "--timeout", "20s", "--latency",
    "--header", "Host: kong.example", ("http://127.0.0.1:%d/"):format(proxy.port),
    seconds = options.seconds + 60,
  })
  assert(result.code == 0, result.stderr)
  local failed = result.stdout:match("Non%-2xx[^\n]*") or result.stdout:match("Socket errors[^\n]*")
  assert(not failed, proxy.name .. ": " .. tostring(failed))
  return result.stdout
end

--- Load a proxy for a while.
-- @tparam table proxy port, process
-- @tparam table options core (of the load), connections, seconds
-- @treturn table requests, rps, p50_us, p99_us, cpu_us (per request)
function load.measure(proxy, options)
  local before = cpu(proxy.process.pid)
  local text = wrk(proxy, options)
  local spent = cpu(proxy.process.pid) - before
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
