-- Bodies of a gibibyte stream through without being stored, whoever is slow.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local GIB = 1073741824
local LIMIT = 64 * 1024 -- KiB

describe("a body of 1 GiB", function()
  local peer, gateway, pid

  before_each(function()
    peer = upstreams.peer({ plain = {}, tls = { tls = "leaf" } })
    gateway = helpers.gateway({ config = config.build({
      plain = { port = peer.ports.plain },
      tls = { protocol = "https", port = peer.ports.tls, service = {
        tls_verify = true, ca_certificates = { config.id(1) },
      } },
    }, { ca_certificates = { config.ca(1, "root") } }) })
    pid = gateway:worker_pid()
  end)
  after_each(helpers.stop_all)

  local function assert_small()
    if helpers.sanitized() then
      return
    end
    local peak = helpers.process.memory(pid, "VmHWM")
    assert.is_true(peak < LIMIT, peak .. " KiB")
  end

  local function shell(command, ...)
    local argv = { "bash", "-c", "set -o pipefail; " .. command, "bash", ... }
    argv.seconds = 120
    local result = helpers.run(argv)
    assert.equal(0, result.code, result.stderr)
    return result.stdout
  end

  local READ = "curl -sS --fail --noproxy '*' -H 'Host: kong.example' \"$1\" | wc -c"
  -- Half of it in small steps with pauses, then the rest.
  local SLOW = "curl -sS --fail --noproxy '*' -H 'Host: kong.example' \"$1\" | "
    .. "{ for i in 1 2 3 4 5 6; do sleep 0.2; head -c 1000000; done; cat; } | wc -c"
  local WRITE = "head -c \"$2\" /dev/zero | curl -sS --fail --noproxy '*' -H 'Host: kong.example' "
    .. "-H 'Expect:' -T - \"$1\" | grep -o '\"size\": [0-9]*'"

  for _, name in ipairs({ "plain", "tls" }) do
    it("comes down, " .. name, function()
      assert.equal(GIB, tonumber(shell(READ, gateway:url("/" .. name .. "/bytes/" .. GIB))))
      assert_small()
    end)
  end

  it("comes down to a slow reader", function()
    local url = gateway:url("/tls/chunked-big/" .. GIB)
    assert.equal(GIB, tonumber(shell(SLOW, url)))
    assert_small()
  end)

  it("goes up", function()
    local text = shell(WRITE, gateway:url("/tls/upload"), GIB)
    assert.equal(GIB, tonumber(text:match("%d+")))
    assert_small()
  end)

  it("goes up to a slow reader", function()
    local size = GIB / 16
    local text = shell(WRITE, gateway:url("/plain/slow-read"), size)
    assert.equal(size, tonumber(text:match("%d+")))
    assert_small()
  end)
end)
