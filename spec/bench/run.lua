-- `make bench`: nginx, HAProxy and weir at the same jobs, and what weir alone does. See README.md.

package.path = "./?.lua;./lua/?.lua;" .. package.path

local gateway = require("spec.support.gateway")
local report = require("spec.bench.report")
local stage = require("spec.bench.stage")
local workspace = require("spec.support.workspace")

local ROWS = {
  regimes = require("spec.bench.regimes"),
  burst = require("spec.bench.burst"),
  reload = require("spec.bench.reload"),
  load = require("spec.bench.startup"),
  verify = require("spec.bench.verify"),
  plugins = require("spec.bench.plugins"),
}

local function main()
  local list = stage.words("WEIR_BENCH_PROXIES", "nginx,haproxy,weir")
  local result = {
    environment = report.environment(gateway.binary()),
    rounds = stage.rounds, seconds = stage.seconds,
  }
  local rows = stage.words("WEIR_BENCH_ROWS", "regimes,burst,reload,load,verify,plugins")
  for _, row in ipairs(rows) do
    local run = assert(ROWS[row], "WEIR_BENCH_ROWS: there is no row " .. row)
    result[row] = run(list)
    workspace.stop_all()
  end
  report.write("build/bench.json", result)
  print("\nwritten to build/bench.json")
end

local ok, err = xpcall(main, debug.traceback)
workspace.stop_all()
if not ok then
  io.stderr:write("bench: ", tostring(err), "\n")
  os.exit(1, true)
end
