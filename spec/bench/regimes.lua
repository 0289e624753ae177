-- The proxies at the same job under load, round by round, in each regime of upstream connections.

local load = require("spec.bench.load")
local pki = require("spec.fixtures.pki")
local proxies = require("spec.bench.proxies")
local report = require("spec.bench.report")
local stage = require("spec.bench.stage")
local workspace = require("spec.support.workspace")

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

local function check_verification(list, upstream)
  local stranger = pki.get("other_root")
  for _, name in ipairs(list) do
    local proxy = proxies.start(name, stage.job("full", upstream, stranger))
    proxies.probe_refusal(proxy)
    proxy.process:stop()
  end
end

-- All proxies stay up for the regime and are loaded in turns, so that noise hits them alike.
local function run_regime(regime, list)
  local root, leaf = stage.chain(regime.kind)
  local upstream = stage.upstream(leaf)
  check_verification(list, upstream)
  local running, rounds = {}, {}
  for _, name in ipairs(list) do
    running[name] = proxies.start(name, stage.job(regime.regime, upstream, root))
    rounds[name] = {}
    proxies.probe(running[name], regime.regime)
  end
  for round = 1, stage.rounds do
    for _, name in ipairs(list) do
      rounds[name][round] = load.measure(running[name], {
        core = stage.other_core, connections = regime.connections, seconds = stage.seconds,
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

--- Run all regimes and print each.
-- @tparam table list names of the proxies
-- @treturn table by the regime's name
return function(list)
  local results = {}
  for _, regime in ipairs(REGIMES) do
    results[regime.name] = run_regime(regime, list)
    io.stderr:write("\n")
    report.print(regime.title, list, results[regime.name])
  end
  return results
end
