-- What the rows of the bench have in common: the cores, the rounds, the upstream and its chain.

local pki = require("spec.fixtures.pki")
local process = require("spec.support.process")
local upstreams = require("spec.fixtures.upstreams")

-- The first core is the proxy's alone; the upstream and the load share the second.
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

local stage = {
  rounds = tonumber(os.getenv("WEIR_BENCH_ROUNDS") or 5),
  seconds = tonumber(os.getenv("WEIR_BENCH_SECONDS") or 3),
}

stage.proxy_core, stage.other_core = cores()

--- The words of a variable of the environment.
-- @tparam string name
-- @tparam string default
-- @treturn table list
function stage.words(name, default)
  local list = {}
  for word in (os.getenv(name) or default):gmatch("%a+") do
    list[#list + 1] = word
  end
  return list
end

--- A root CA and a chain of leaf and intermediate.
-- @tparam string kind "rsa" or "ec"
-- @treturn table root, an identity of spec/fixtures/pki.lua
-- @treturn table leaf
function stage.chain(kind)
  local root = pki.issue("bench_root_" .. kind, {
    subject = "/CN=bench root", ca = true, kind = kind,
  })
  local leaf = pki.deep("bench_" .. kind, root, 1, {
    subject = "/CN=kong.example", san = "DNS:kong.example", kind = kind,
  })
  return root, leaf
end

--- The upstream of all proxies.
function stage.upstream(leaf)
  return upstreams.nginx({
    tls = leaf, core = stage.other_core,
    extra = "keepalive_requests 100000000; ssl_session_tickets on; access_log off;",
  })
end

--- What a proxy is to do (spec/bench/proxies.lua).
function stage.job(regime, upstream, root)
  return { regime = regime, upstream = upstream.port, ca = root.cert, core = stage.proxy_core }
end

return stage
