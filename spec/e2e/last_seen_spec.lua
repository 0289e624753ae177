-- /tls/last-seen: the chains that upstreams presented last.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT = config.id(1)

local function service(port, fields)
  local want = {
    protocol = "https", port = port,
    service = { tls_verify = true, ca_certificates = { ROOT }, retries = 0 },
  }
  for name, value in pairs(fields or {}) do
    want.service[name] = value
  end
  return want
end

local CERTIFICATES = { config.ca(1, "root") }

local function sent(identity)
  local blocks = {}
  for block in pki.text(pki.get(identity).chain):gmatch(
    "%-%-%-%-%-BEGIN CERTIFICATE.-END CERTIFICATE%-%-%-%-%-\n") do
    blocks[#blocks + 1] = block
  end
  return blocks
end

local function by_service(entries)
  local found = {}
  for _, entry in ipairs(entries) do
    found[entry.service.name] = entry
  end
  return found
end

describe("/tls/last-seen", function()
  after_each(helpers.stop_all)

  local function start(listeners, workers, want)
    local peer = upstreams.peer(listeners)
    local services = {}
    for name, port in pairs(peer.ports) do
      services[name] = service(port, want and want[name])
    end
    local function document()
      return config.build(services, { ca_certificates = CERTIFICATES })
    end
    local gateway = helpers.gateway({ config = document(), workers = workers })
    return gateway, peer, services, document
  end

  local function ask(gateway, name, host)
    return gateway:get({ path = "/" .. name, host = host or "kong.example" }).status
  end

  it("has what was accepted, refused and never verified", function()
    local gateway, peer = start({
      leaf = { tls = "leaf" }, expired = { tls = "expired" }, unverified = { tls = "self_signed" },
    }, 1, { unverified = { tls_verify = false } })
    assert.same({}, gateway:last_seen())
    local before = os.time()
    for name, status in pairs({ leaf = 200, expired = 502, unverified = 200 }) do
      assert.equal(status, ask(gateway, name))
    end
    local entries = gateway:last_seen()
    assert.equal(3, #entries)
    local found = by_service(entries)
    for name, code in pairs({ leaf = "ok", expired = "expired", unverified = "unverified" }) do
      local entry = found[name]
      assert.equal(code, entry.verdict.code)
      assert.same(sent(name == "unverified" and "self_signed" or name), entry.chain)
      assert.same({ ip = "127.0.0.1", port = peer.ports[name], name = "kong.example",
        sni = "kong.example" }, entry.peer)
      assert.same({ name, name }, { entry.service.name, entry.route.name })
      assert.is_true(entry.time >= before and entry.time <= os.time())
    end
  end)

  it("has one entry for a peer however often it is asked, and one for each name", function()
    local gateway = start({ leaf = { tls = "two_names", close = true } }, 2)
    for _ = 1, 5 do
      assert.equal(200, ask(gateway, "leaf"))
    end
    assert.equal(1, #gateway:last_seen())
    for _, host in ipairs({ "other.example", "third.example" }) do
      ask(gateway, "leaf", host)
    end
    local entries, pages = gateway:last_seen(2)
    assert.same({ 3, 2 }, { #entries, pages })
    local names = {}
    for i, entry in ipairs(entries) do
      names[i] = entry.peer.name .. ": " .. entry.verdict.code
    end
    assert.same({ "kong.example: ok", "other.example: ok", "third.example: name_mismatch" }, names)
  end)

  it("calls services and routes as they are called now, and as last if they are gone", function()
    local gateway, _, services, document = start({ leaf = { tls = "leaf" } })
    services.leaf.service.id, services.leaf.route = config.id(7), { id = config.id(8) }
    assert.is_true(gateway:reload(document()))
    assert.equal(200, ask(gateway, "leaf"))
    services.renamed, services.leaf = services.leaf, nil
    assert.is_true(gateway:reload(document()))
    local entry = gateway:last_seen()[1]
    assert.same({ "renamed", "renamed" }, { entry.service.name, entry.route.name })
    services.renamed, services.other = nil, service(1)
    assert.is_true(gateway:reload(document()))
    entry = gateway:last_seen()[1]
    assert.same({ config.id(7), "leaf" }, { entry.service.id, entry.service.name })
    assert.same({ config.id(8), "leaf" }, { entry.route.id, entry.route.name })
  end)

  it("tells the policies of a peer apart, also over a reload", function()
    local gateway, _, services, document = start({ leaf = { tls = "leaf", close = true } })
    assert.equal(200, ask(gateway, "leaf"))
    services.leaf.service.tls_verify_depth = 0
    assert.is_true(gateway:reload(document()))
    assert.equal(502, ask(gateway, "leaf"))
    local entries = gateway:last_seen()
    assert.same({ "ok", "depth_exceeded" },
      { entries[1].verdict.code, entries[2].verdict.code })
    assert.not_equal(entries[1].verdict.policy, entries[2].verdict.policy)
    assert.same(entries[1].peer, entries[2].peer)
  end)

  it("is read while workers add to it", function()
    local listeners = {}
    for i = 1, 8 do
      listeners["upstream" .. i] = { tls = i % 2 == 0 and "leaf" or "expired", close = true,
        tickets = 0 }
    end
    local gateway = start(listeners, 4)
    local running = {}
    for i = 1, 8 do
      local paths = {}
      for j = 1, 30 do
        paths[j] = gateway:url("/upstream" .. (i + j) % 8 + 1)
      end
      running[i] = helpers.start({ "curl", "-q", "--silent", "--output", "/dev/null",
        "--header", "Host: kong.example", unpack(paths) })
    end
    local function under_way()
      for _, child in ipairs(running) do
        if not child:ended() then
          return true
        end
      end
      return false
    end
    while under_way() do
      assert.is_table(gateway:tls().verdicts)
      for _, entry in ipairs(gateway:last_seen(3)) do
        local even = tonumber(entry.service.name:match("%d+")) % 2 == 0
        assert.equal(even and "ok" or "expired", entry.verdict.code)
        assert.same(sent(even and "leaf" or "expired"), entry.chain)
      end
    end
    assert.equal(8, #gateway:last_seen())
  end)
end)
