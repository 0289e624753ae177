-- `weir tls verify`: chains judged per second of CPU, beside the bare signature checks that they
-- contain.

local cjson = require("cjson")
local forge = require("spec.support.forge")
local gateway = require("spec.support.gateway")
local process = require("spec.support.process")
local report = require("spec.bench.report")
local stage = require("spec.bench.stage")
local workspace = require("spec.support.workspace")

local CASES, REPEATED = 5000, 10
local CHECKS = 2 -- signatures of the leaf and of the intermediate

-- A file of cases with so many different leaves.
local function cases(leaves)
  local root = forge.certificate({ subject = "root", ca = true })
  local inter = forge.certificate({ subject = "inter", issuer = root, ca = true })
  local pems, lines = {}, {}
  for i = 1, leaves do
    pems[i] = forge.certificate({ subject = "leaf", issuer = inter,
      names = { "dns", "kong.example" } }).pem
  end
  for i = 1, CASES do
    lines[i] = cjson.encode({
      id = i, trusted_certs = { root.pem }, untrusted_intermediates = { inter.pem },
      peer_certificate = pems[i % leaves + 1], extended_key_usage = { "serverAuth" },
      expected_peer_name = { kind = "DNS", value = "kong.example" },
    })
  end
  return workspace.write(workspace.directory() .. "/cases.jsonl", table.concat(lines, "\n") .. "\n")
end

-- CPU seconds of one run.
local function cpu_seconds(file)
  local result = workspace.run({
    "bash", "-c", "TIMEFORMAT='%U %S'; time \"$0\" tls verify <\"$1\" >\"$1.out\"",
    gateway.binary(), file,
  })
  local user, system = result.stderr:match("([%d.]+) ([%d.]+)%s*$")
  assert(result.code == 0 and user, result.stderr)
  local _, good = process.read(file .. ".out"):gsub('"SUCCESS"', "")
  assert(good == CASES, ("%d of %d chains are good"):format(good, CASES))
  io.stderr:write(".")
  return tonumber(user) + tonumber(system)
end

-- P-256 signature checks per second of CPU, as `openssl speed` has them.
local function checks_per_second()
  local result = workspace.run({ "openssl", "speed", "-seconds", "1", "ecdsap256" })
  return tonumber(result.stdout:match("nistp256.-([%d.]+)%s*$"))
end

--- Run it and print it.
-- @treturn table distinct and repeated: rate (chains per second), relative (CPU of a chain in bare
-- signature checks)
return function()
  local files = { distinct = cases(CASES), repeated = cases(REPEATED) }
  local seconds, checks = { distinct = {}, repeated = {} }, {}
  for i = 1, stage.rounds do
    checks[i] = checks_per_second()
    for name, file in pairs(files) do
      seconds[name][i] = cpu_seconds(file)
    end
  end
  io.stderr:write("\n")
  local bare = report.median(checks)
  local result, rows = { signature_checks = bare }, {}
  for i, name in ipairs({ "distinct", "repeated" }) do
    local rate = CASES / report.median(seconds[name])
    result[name] = { rate = rate, relative = bare / rate }
    rows[i] = { name, rate, bare / rate }
  end
  report.table(("weir tls verify, P-256 chains with %d signatures to check"):format(CHECKS),
    { "chains/CPU s", "bare checks" }, rows)
  return result
end
