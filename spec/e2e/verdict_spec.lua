-- A verdict is the same data wherever it is shown, and is counted by mode and code.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT, OTHER = config.id(1), config.id(2)

local SERVICES = {
  good = { mode = "enforce" }, expired = { mode = "enforce" }, wrong_name = { mode = "enforce" },
  reported = { mode = "report", next_ca_certificates = { OTHER } }, unverified = { mode = "off" },
}

local LISTENERS = {
  good = "leaf", expired = "expired", wrong_name = "wrong_name", reported = "deep3",
  unverified = "self_signed",
}

-- What a line of the error log says of a verdict, as a table.
local function facts_of(line)
  local facts = {}
  for name, value in line:match(", code: .*"):gmatch(", ([%l_%d]+): ([^,\"]*)") do
    facts[name] = value
  end
  for name, value in line:gmatch(", ([%l_%d]+): \"(.-)\"") do
    facts[name] = value
  end
  for _, name in ipairs({ "openssl", "depth", "not_before", "not_after" }) do
    facts[name] = tonumber(facts[name])
  end
  for _, name in ipairs({ "resumed", "cached" }) do
    facts[name] = facts[name] == "true"
  end
  for _, name in ipairs({ "client", "server", "request", "upstream", "host", "request_id" }) do
    facts[name] = nil
  end
  return facts
end

local function sorted_names(verdict)
  local names = {}
  for name in pairs(verdict) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

describe("a verdict", function()
  local gateway

  setup(function()
    local listeners, services = {}, {}
    for name, identity in pairs(LISTENERS) do
      listeners[name] = { tls = identity, close = true, tickets = 0 }
    end
    local peer = upstreams.peer(listeners)
    for name, fields in pairs(SERVICES) do
      fields.ca_certificates, fields.tls_verify_depth = { ROOT }, 2
      services[name] = {
        protocol = "https", port = peer.ports[name], service = { retries = 0 },
        route = { preserve_host = false }, plugins = { { name = "upstream-tls", config = fields } },
      }
    end
    local document = config.build(services, {
      ca_certificates = { config.ca(1, "root"), config.ca(2, "other_root") },
      plugins = { { name = "verdict" } },
    })
    for _, upstream in ipairs(document.upstreams) do
      upstream.host_header = "kong.example"
    end
    gateway = helpers.gateway({
      config = document,
      settings = { plugins = "bundled,verdict", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  -- The verdict of a request as a plugin gets it.
  local function of_request(name)
    local from = #gateway:logs() + 1
    gateway:get("/" .. name)
    return cjson.decode(gateway:wait_line("verdict of /" .. name .. ": ", from):match(": ({.-})"))
  end

  local function explained(name)
    local result = helpers.run({ helpers.binary(), "tls", "explain", "--json", "--config",
      gateway.file, "--service", name, "--set", "plugins=bundled,verdict", "--set",
      "plugin_path=spec/fixtures/plugins" })
    assert.equal("", result.stderr)
    return cjson.decode(result.stdout).verdict
  end

  local LOGGED = { expired = "%[error%]", wrong_name = "%[error%]", reported = "%[warn%]" }
  for name, level in pairs(LOGGED) do
    it("of " .. name .. " is the same in the error log and for plugins", function()
      local verdict = of_request(name)
      local lines = gateway:lines(level, "upstream SSL certificate", " /" .. name .. " ")
      assert.equal(1, #lines)
      assert.same(verdict, facts_of(lines[1]))
      assert.equal(SERVICES[name].mode, verdict.mode)
      for _, field in ipairs({ "bundle", "policy" }) do
        assert.matches("^%x+$", verdict[field])
        assert.equal(16, #verdict[field])
      end
      assert.equal(64, #verdict.sha256)
    end)
  end

  for name in pairs({ good = true, expired = true, wrong_name = true }) do
    it("of " .. name .. " is the same on the command line", function()
      assert.same(of_request(name), explained(name))
    end)
  end

  for name in pairs(SERVICES) do
    it("of " .. name .. " is the same in the Admin API", function()
      local verdict = of_request(name)
      for _, entry in ipairs(gateway:last_seen()) do
        if entry.service.name == name then
          entry.verdict.cached = verdict.cached -- of the handshake that brought the chain
          assert.same(verdict, entry.verdict)
          return
        end
      end
      error("not seen")
    end)
  end

  it("has the fields of `weir tls verify`", function()
    local identity = pki.get("expired")
    local input = helpers.write(helpers.directory() .. "/case", cjson.encode({
      id = "x", peer_certificate = pki.pem(identity), trusted_certs = { pki.pem(pki.get("root")) },
      untrusted_intermediates = { pki.pem(pki.get("inter")) },
      expected_peer_name = { kind = "DNS", value = "kong.example" },
    }) .. "\n")
    local result = helpers.run({ helpers.binary(), "tls", "verify", stdin = input })
    assert.same(sorted_names(of_request("expired")),
      sorted_names(cjson.decode(result.stdout).verdict))
  end)

  it("names the policy that the Admin API names", function()
    local response = helpers.curl({
      url = ("http://127.0.0.1:%d/routes/expired/tls"):format(gateway.admin_port),
    })
    assert.equal(cjson.decode(response.body).policy, of_request("expired").policy)
  end)

  it("is counted by mode and code", function()
    local function counts()
      local verdicts = gateway:tls().verdicts
      return {
        verdicts.enforce.ok or 0, verdicts.enforce.expired or 0,
        verdicts.report.depth_exceeded or 0, verdicts.off.unverified or 0,
      }
    end
    local before = counts()
    for i, name in ipairs({ "good", "expired", "reported", "unverified" }) do
      of_request(name)
      before[i] = before[i] + 1
      assert.same(before, counts())
    end
  end)
end)
