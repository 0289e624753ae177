-- What it takes to load thousands of services: CPU time and memory of the gateway process when it
-- is ready, with one worker.

local fleet = require("spec.fixtures.fleet")
local forge = require("spec.support.forge")
local gateway = require("spec.support.gateway")
local process = require("spec.support.process")
local report = require("spec.bench.report")
local stage = require("spec.bench.stage")
local workspace = require("spec.support.workspace")

local SERVICES, SYSTEM_CAS, PRIVATE_CAS = 10000, 144, 1000

-- A CA as most are: RSA, some 1.1 KiB of DER.
local function authority(name)
  return forge.certificate({ subject = name, key = "bench authority", kind = "rsa2048", ca = true })
end

local function authorities(count, name)
  local list = {}
  for i = 1, count do
    list[i] = authority(("%s %d"):format(name, i))
  end
  return list
end

-- One start: CPU seconds, and MiB at the peak and when all is in force.
local function start(config, settings)
  local running = gateway.start({ config = config, settings = settings })
  local pid = running:worker_pid()
  local tls = running:tls()
  local result = {
    cpu_s = process.cpu_us(pid) / 1e6,
    peak_mib = process.memory(pid, "VmHWM") / 1024,
    mib = process.memory(pid, "VmRSS") / 1024,
    trust_bundles = tls.trust_bundles,
  }
  workspace.stop_all()
  io.stderr:write(".")
  return result
end

local FIELDS = { "cpu_s", "peak_mib", "mib", "trust_bundles" }

local function medians(config, settings)
  local values = {}
  for i = 1, stage.rounds do
    local round = start(config, settings)
    for _, field in ipairs(FIELDS) do
      values[field] = values[field] or {}
      values[field][i] = round[field]
    end
  end
  local result = {}
  for _, field in ipairs(FIELDS) do
    result[field] = report.median(values[field])
  end
  return result
end

local function system_services(rows)
  local file = workspace.write(workspace.directory() .. "/system.pem",
    forge.bundle(authorities(SYSTEM_CAS, "system")))
  local results = {}
  for _, format in ipairs({ "json", "yaml" }) do
    local figures = medians(fleet.system(format, SERVICES), { tls_system_cas = file })
    results[format] = figures
    rows[#rows + 1] = {
      format, figures.cpu_s, figures.peak_mib, figures.mib, figures.trust_bundles,
    }
  end
  return results
end

-- What a CA of its own adds to a service.
local function private_services()
  local pems = {}
  for i, ca in ipairs(authorities(PRIVATE_CAS, "private")) do
    pems[i] = ca.pem
  end
  local with = medians(fleet.private("yaml", pems))
  local without = medians(fleet.unverified("yaml", PRIVATE_CAS))
  return {
    kib_each = (with.mib - without.mib) * 1024 / PRIVATE_CAS,
    cpu_s = with.cpu_s, trust_bundles = with.trust_bundles,
  }
end

--- Run it and print it.
-- @treturn table system (json, yaml) and private
return function()
  local rows = {}
  local system = system_services(rows)
  local private = private_services()
  io.stderr:write("\n")
  report.table(("Loading %d services with the same bundle of %d CAs"):format(SERVICES, SYSTEM_CAS),
    { "CPU s", "peak MiB", "then MiB", "bundles held" }, rows)
  print(("  %d services with a CA of their own: %.1f KiB each, %d bundles held, CPU %.2f s")
    :format(PRIVATE_CAS, private.kib_each, private.trust_bundles, private.cpu_s))
  return { system = system, private = private }
end
