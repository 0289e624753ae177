-- `weir tls diff --against-last-seen`: what a change would do to the upstreams that a gateway has.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT, OTHER, BOTH = config.id(1), config.id(2), config.id(3)

local CERTIFICATES = {
  config.ca(1, "root"), config.ca(2, "other_root"),
  { id = BOTH, cert = pki.pem(pki.get("root")) .. pki.pem(pki.get("other_root")) },
}

local LISTENERS = { current = "leaf", moved = "from_other_root", plain = "self_signed" }

-- Of servers that are no Admin API.
local ANSWERS = {
  cut = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
  longer = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{}",
  other = "SSH-2.0-x\r\n\r\n",
  stray = 'HTTP/1.1 200 OK\r\n\r\n{"data":[],"next":"x"}',
  round = 'HTTP/1.1 200 OK\r\n\r\n{"data":[],"next":"/tls/last-seen"}',
}

describe("weir tls diff --against-last-seen", function()
  local gateway, ports, url

  -- Services by name: fields that are not as they run. Nil: all as they run.
  local function document(changes)
    local services = {}
    for name in pairs(LISTENERS) do
      local fields = { tls_verify = name ~= "plain", ca_certificates = { ROOT }, retries = 0 }
      if name == "moved" then
        fields.ca_certificates = { OTHER }
      end
      services[name] = { protocol = "https", port = ports[name], service = fields }
    end
    for name, change in pairs(changes or {}) do
      for field, value in pairs(change) do
        if field == "plugins" or field == "route" then
          services[name][field] = value
        else
          services[name].service[field] = value
        end
      end
    end
    return config.build(services, { ca_certificates = CERTIFICATES })
  end

  local function file(changes)
    return helpers.write(helpers.directory() .. "/weir.json", cjson.encode(document(changes)))
  end

  setup(function()
    local listeners = {}
    for name, identity in pairs(LISTENERS) do
      listeners[name] = { tls = identity }
    end
    for name, bytes in pairs(ANSWERS) do
      listeners[name] = { mode = "raw", bytes = bytes }
    end
    ports = upstreams.peer(listeners).ports
    gateway = helpers.gateway({ config = document(), workers = 2 })
    for name in pairs(LISTENERS) do
      assert.equal(200, gateway:get({ path = "/" .. name, host = "kong.example" }).status)
    end
    url = "http://127.0.0.1:" .. gateway.admin_port
  end)
  teardown(helpers.stop_all)

  local function diff(new, against, ...)
    return helpers.run({ helpers.binary(), "tls", "diff", gateway.file, new,
      "--against-last-seen", against or url, ... })
  end

  local function judged(new, ...)
    local result = diff(new, nil, "--json", ...)
    assert.equal("", result.stderr)
    return result.code, cjson.decode(result.stdout)
  end

  it("says so when no chain ends otherwise", function()
    local code, report = judged(file())
    assert.same({ 0, {}, { judged = 3, changes = {} } },
      { code, report.policies, report.last_seen })
    assert.equal("no policy differs\nlast seen: 3 chains judged, none otherwise\n",
      diff(file()).stdout)
  end)

  it("lets a rotation pass that trusts the old CA beside the new one", function()
    local code, report = judged(file({ current = { ca_certificates = { BOTH } } }))
    assert.equal(1, code)
    assert.equal("CN=weir other root", report.policies[1].trusts_now[1].subject)
    assert.is_nil(report.policies[1].trusts_no_more)
    assert.same({}, report.last_seen.changes)
  end)

  it("finds the upstreams that a rotation would lose, and says why", function()
    local new = file({ current = { ca_certificates = { OTHER } } })
    local code, report = judged(new)
    assert.equal(3, code)
    assert.equal(1, #report.last_seen.changes)
    local change = report.last_seen.changes[1]
    assert.same({ "current", "current", "127.0.0.1", ports.current, "kong.example" },
      { change.service, change.route, change.peer.ip, change.peer.port, change.peer.name })
    assert.same({ false, "ok" }, { change.old.refused, change.old.verdict.code })
    assert.same({ true, "untrusted_issuer", 20 },
      { change.new.refused, change.new.verdict.code, change.new.verdict.openssl })
    assert.matches("ca_certificates", change.new.remedy)
    local result = diff(new)
    assert.equal(3, result.code)
    for _, expected in ipairs({
      "last seen: 3 chains judged, 1 otherwise\n",
      "service 'current', route 'current', 127.0.0.1:" .. ports.current
        .. " (kong.example), seen 20",
      "\n  ok -> untrusted_issuer, refused\n",
      "\n  OpenSSL 20: unable to get local issuer certificate, at depth 1: CN=weir test inter\n",
      "\n  Remedy: ",
    }) do
      assert.truthy(result.stdout:find(expected, 1, true), result.stdout)
    end
  end)

  it("knows upstreams that are not verified yet", function()
    local code, report = judged(file({ plain = { tls_verify = true } }))
    assert.equal(3, code)
    local change = report.last_seen.changes[1]
    assert.same({ "plain", "unverified", "self_signed" },
      { change.service, change.old.verdict.code, change.new.verdict.code })
  end)

  it("takes report mode for what it is", function()
    local reporting = { plugins = { {
      name = "upstream-tls", config = { mode = "report", ca_certificates = { OTHER } },
    } } }
    local new = file({ current = reporting })
    local code, report = judged(new)
    assert.equal(1, code)
    assert.same({ false, "report", "untrusted_issuer" }, {
      report.last_seen.changes[1].new.refused, report.last_seen.changes[1].new.mode,
      report.last_seen.changes[1].new.verdict.code,
    })
    assert.truthy(diff(new).stdout:find("ok -> untrusted_issuer, reported only", 1, true))
  end)

  it("follows the name that the upstream is called by", function()
    local code, report = judged(file({ current = { route = { preserve_host = false } } }))
    assert.equal(3, code)
    assert.same({ "name_mismatch", "IP:127.0.0.1" }, {
      report.last_seen.changes[1].new.verdict.code,
      report.last_seen.changes[1].new.verdict.names_wanted,
    })
  end)

  it("finds what changes for one target only", function()
    local of_target = { target = "127.0.0.1:" .. ports.current, ca_certificates = { OTHER } }
    local code, report = judged(file({ current = { plugins = { {
      name = "upstream-tls", config = { targets = { of_target } },
    } } } }))
    assert.equal(3, code)
    assert.equal(1, #report.last_seen.changes)
    assert.equal("untrusted_issuer", report.last_seen.changes[1].new.verdict.code)
  end)

  it("looks at every route that shares the connections of a peer", function()
    local function two_routes(changed)
      local config_of = document()
      for _, service in ipairs(config_of.services) do
        if service.name == "current" then
          service.routes[2] = {
            name = "second", paths = { "/second" }, preserve_host = true,
            plugins = changed and {
              { name = "upstream-tls", config = { ca_certificates = { OTHER } } },
            },
          }
        end
      end
      return helpers.write(helpers.directory() .. "/weir.json", cjson.encode(config_of))
    end
    local result = helpers.run({ helpers.binary(), "tls", "diff", two_routes(), two_routes(true),
      "--against-last-seen", url, "--json" })
    local report = cjson.decode(result.stdout)
    assert.same({ 3, 4, 1, "second" }, { result.code, report.last_seen.judged,
      #report.last_seen.changes, report.last_seen.changes[1].route })
  end)

  it("says that a policy cannot be made", function()
    local code, report = judged(file({ current = { plugins = { {
      name = "upstream-tls", config = { min_version = "TLSv1.3" },
    }, }, route = { plugins = { { name = "upstream-tls", config = { max_version = "TLSv1.2" } } },
    } } }))
    assert.equal(3, code)
    assert.matches("max_version", report.last_seen.changes[1].new.error)
    assert.is_true(report.last_seen.changes[1].new.refused)
  end)

  it("passes over what one of the files does not have", function()
    local smaller = document()
    for i, service in ipairs(smaller.services) do
      if service.name == "plain" then
        table.remove(smaller.services, i)
        break
      end
    end
    local path = helpers.write(helpers.directory() .. "/weir.json", cjson.encode(smaller))
    local code, report = judged(path)
    assert.equal(1, code)
    assert.same({ 2, {} }, { report.last_seen.judged, report.last_seen.changes })
  end)

  it("takes a file for the gateway", function()
    local new = file({ current = { ca_certificates = { OTHER } } })
    local saved = helpers.curl({ url = url .. "/tls/last-seen?size=1024" }).body
    local seen = helpers.write(helpers.directory() .. "/seen.json", saved)
    local from_file, from_gateway = diff(new, seen), diff(new)
    assert.same({ 3, from_gateway.stdout }, { from_file.code, from_file.stdout })
    assert.equal(from_gateway.stdout, diff(new, url .. "/tls/last-seen?size=1").stdout)
  end)

  it("ends with 2 and a reason when what was seen cannot be used", function()
    local page = helpers.curl({ url = url .. "/tls/last-seen?size=1" }).body
    local entry = cjson.decode(page).data[1]
    local function written(text)
      return helpers.write(helpers.directory() .. "/seen.json", text)
    end
    local function without(field, value)
      local copy = {}
      for name, own in pairs(entry) do
        copy[name] = own
      end
      copy[field] = value
      return written('{"data":[' .. cjson.encode(copy) .. "]}")
    end
    for _, case in ipairs({
      { "http://127.0.0.1:" .. helpers.free_port(), "Connection refused" },
      { "https://127.0.0.1:1", "only http://" },
      { "ftp://127.0.0.1", "not a URL" },
      { "http://nowhere.invalid:1", "nowhere.invalid: " },
      { url .. "/status", "expected an object with a list `data`" },
      { url .. "/nothing", "answered with status 404" },
      { url .. "/tls/last-seen?size=0", "answered with status 400" },
      { "http://127.0.0.1:" .. ports.plain, "this is no answer of HTTP" },
      { "http://127.0.0.1:" .. ports.longer, "2 bytes, not 1 as it announces" },
      { "http://127.0.0.1:" .. ports.cut, "2 bytes, not 99 as it announces" },
      { "http://127.0.0.1:" .. ports.other, "this is no answer of HTTP" },
      { "http://127.0.0.1:" .. ports.stray, "next: expected a path or null" },
      { "http://127.0.0.1:" .. ports.round, "next: the page leads to itself" },
      { "/no/such/file", "cannot read" },
      { written("no json"), "not valid JSON" },
      { written("[]"), "expected an object with a list `data`" },
      { written(page), "one of several pages" },
      { written('{"data":[1]}'), "data[0]: expected an object" },
      { without("service", "x"), "data[0].service" },
      { without("peer", { ip = "x", port = 1 }), "data[0].peer.ip" },
      { without("peer", { ip = "127.0.0.1", port = 65536 }), "data[0].peer.port" },
      { without("peer", { ip = "127.0.0.1", port = 1.5 }), "data[0].peer.port" },
      { without("peer", { ip = "127.0.0.1", port = 1, name = "a\27[2Jb" }), "data[0].peer.name" },
      { without("verdict", {}), "data[0].verdict" },
      { without("time"), "data[0].time" },
      { without("time", 1e300), "data[0].time" },
      { without("chain", {}), "data[0].chain: expected a list of PEM texts" },
      { without("chain", { "x" }), "chain of 127.0.0.1" },
    }) do
      local result = diff(gateway.file, case[1])
      assert.same({ 2, "" }, { result.code, result.stdout }, case[2])
      assert.truthy(result.stderr:find(case[2], 1, true), result.stderr)
      assert.truthy(result.stderr:find("^Error: "), result.stderr)
    end
  end)
end)
