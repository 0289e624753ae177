-- `make bench`: nginx, HAProxy and weir at the same job, round by round. See README.md here.

package.path = "./?.lua;" .. package.path

local gateway = require("spec.support.gateway")
local load = require("spec.bench.load")
local pki = require("spec.fixtures.pki")
local process = require("spec.support.process")
local proxies = require("spec.bench.proxies")
local report = require("spec.bench.report")
local upstreams = require("spec.fixtures.upstreams")
local workspace = require("spec.support.workspace")

local ROUNDS = tonumber(os.getenv("WEIR_BENCH_ROUNDS") or 5)
local SECONDS = tonumber(os.getenv("WEIR_BENCH_SECONDS") or 3)

local REGIMES = {
  { name = "pooled_rsa", kind = "rsa", regime = "pooled", connections = 64,
    title = "Pooled upstream connections (RSA-2048 chain)" },
  { name = "resumed_rsa", kind = "rsa", regime = "resumed", connections = 16,
    title = "New upstream connection per request, session resumed (RSA-2048 chain)" },
  { name = "full_rsa", kind = "rsa", regime = "full", connections = 16,
    title = "New upstream connection per request, full handshake, RSA-2048 chain" },
  { name = "full_p256", kind = "ec", regime = "full", connections = 16,
    title = "New upstream connection per request, full handshake, P-256 chain" },
}

local function names()
  local list = {}
  for name in (os.getenv("WEIR_BENCH_PROXIES") or "nginx,haproxy,weir"):gmatch("%a+") do
    list[#list + 1] = name
  end
  return list
end

-- The proxy gets the first core for itself; the upstream and the load share the second.
local function cores()
  local allowed = process.read("/proc/self/status"):match("Cpus_allowed_list:%s*(%S+)")
  local list = {}
  for first, last in (allowed .. ","):gmatch("(%d+)%-?(%d*),") do
    for core = tonumber(first), tonumber(last ~= "" and last or first) do
      list[#list + 1] = core
    end
  end
  return list[1], list[2] or list[1]
end

local PROXY_CORE, OTHER_CORE = cores()

local function chain(kind)
  local root = pki.issue("bench_root_" .. kind, {
    subject = "/CN=bench root", ca = true, kind = kind,
  })
  local leaf = pki.deep("bench_" .. kind, root, 1, {
    subject = "/CN=kong.example", san = "DNS:kong.example", kind = kind,
  })
  return root, leaf
end

local function start_upstream(leaf)
  return upstreams.nginx({
    tls = leaf, core = OTHER_CORE,
    extra = "keepalive_requests 100000000; ssl_session_tickets on; access_log off;",
  })
end

local function job(regime, upstream, root)
  return { regime = regime, upstream = upstream.port, ca = root.cert, core = PROXY_CORE }
end

local function check_verification(list, upstream)
  local stranger = pki.get("other_root")
  for _, name in ipairs(list) do
    local proxy = proxies.start(name, job("full", upstream, stranger))
    proxies.probe_refusal(proxy)
    proxy.process:stop()
  end
end

-- All proxies stay up for the regime and are loaded in turns, so that noise hits them alike.
local function run_regime(regime, list)
  local root, leaf = chain(regime.kind)
  local upstream = start_upstream(leaf)
  check_verification(list, upstream)
  local running, rounds = {}, {}
  for _, name in ipairs(list) do
    running[name] = proxies.start(name, job(regime.regime, upstream, root))
    rounds[name] = {}
    proxies.probe(running[name], regime.regime)
  end
  for round = 1, ROUNDS do
    for _, name in ipairs(list) do
      rounds[name][round] = load.measure(running[name], {
        core = OTHER_CORE, connections = regime.connections, seconds = SECONDS,
      })
      io.stderr:write(".")
    end
  end
  local result = { title = regime.title, connections = regime.connections, proxies = {} }
  for _, name in ipairs(list) do
    result.proxies[name] = report.summary(rounds[name])
  end
  result.ratios = report.compare(result.proxies, "weir")
  workspace.stop_all()
  return result
end

local function main()
  local list = names()
  local result = {
    environment = report.environment(gateway.binary()), rounds = ROUNDS, seconds = SECONDS,
    regimes = {},
  }
  for _, regime in ipairs(REGIMES) do
    result.regimes[regime.name] = run_regime(regime, list)
    io.stderr:write("\n")
    report.print(regime.title, list, result.regimes[regime.name])
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
