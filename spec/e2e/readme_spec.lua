-- README.md shows the file of `make run` and what follows from changes in it: both are so.

local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local README = helpers.read("README.md")
local SHOWN = README:match("\n```yaml\n(.-)```\n")

describe("README.md", function()
  local guide = pki.guide()
  local peer, gateway, file

  -- What spec/demo/run.sh writes.
  local function written(port)
    local made = helpers.run({ "spec/demo/configuration.sh", port, guide.root.cert })
    assert.equal(0, made.code, made.stderr)
    return made.stdout
  end

  setup(function()
    peer = upstreams.peer({ echo = { tls = guide.leaf, page = "welcome" } })
    file = written(peer.ports.echo)
    gateway = helpers.gateway({ config = file })
  end)
  teardown(helpers.stop_all)

  -- The answer after a change, how it ends for the file, and what was logged of both.
  local function change(pattern, by)
    local text, count = file:gsub(pattern, by)
    assert.equal(1, count)
    local from = #gateway:logs() + 1
    local applied = gateway:reload(text)
    local status = gateway:get({ path = "/echo", host = "kong.example" }).status
    return status, applied, gateway:logs():sub(from)
  end

  it("shows the file that `make run` leaves", function()
    local elided = written(8443):gsub("(BEGIN CERTIFICATE%-%-%-%-%-\n)[^-]*%-.*", "%1    …\n")
    assert.equal(elided, SHOWN)
  end)

  it("says what comes of it", function()
    assert.equal(200, gateway:get({ path = "/echo", host = "kong.example" }).status)
  end)

  it("says what comes of tls_verify being away", function()
    local status, _, log = change("  tls_verify: true\n", "")
    assert.equal(200, status)
    assert.matches("%[warn%] .*upstream certificate is not verified", log)
  end)

  for line, said in pairs({
    ["  ca_certificates:[^\n]*\n"] = { "", "(20:unable to get local issuer certificate) while SSL "
      .. "handshaking to upstream, " },
    ["tls_verify_depth: 1"] = { "tls_verify_depth: 0", "(22:certificate chain too long) " },
  }) do
    it("says what comes of a change in " .. line:match("[%w_]+"), function()
      assert.matches(said[2], README, 1, true)
      local status, applied, log = change(line, said[1])
      assert.is_true(applied)
      assert.equal(502, status)
      assert.matches(said[2], log, 1, true)
    end)
  end

  it("says what comes of an id that does not exist", function()
    local place = ":10:21: services[0].ca_certificates[0]: "
    assert.matches("`build/demo/weir.yml" .. place, README, 1, true)
    assert.is_true((gateway:reload(file)))
    local status, applied, log = change("%[bf6e", "[cf6e")
    assert.is_false(applied)
    assert.equal(200, status)
    assert.matches("weir.yml" .. place, log, 1, true)
  end)
end)
