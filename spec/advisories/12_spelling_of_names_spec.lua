-- Node #64144: normalising names broke IPv6 addresses, or let two spellings be two things.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local ext = forge.ext
local LOOP6 = ("\0"):rep(15) .. "\1"
local MAPPED = ("\0"):rep(10) .. "\255\255\127\0\0\1"

describe("advisory 12, spellings of one name:", function()
  local world

  setup(function()
    local function listener(...)
      return { tls = advisory.leaf({ extensions = { ext.san(...) } }) }
    end
    world = advisory.world({ listeners = {
      six = listener("ip", LOOP6), mapped = listener("ip", MAPPED),
      four = listener("ip", "\127\0\0\1"), text = listener("dns", "::1", "dns", "127.0.0.1"),
      dns = listener("dns", "Kong.EXAMPLE"), idn = listener("dns", "xn--bcher-kva.example"),
    } })
  end)
  teardown(helpers.stop_all)

  local function same(name, ...)
    local conn
    for _, host in ipairs({ ... }) do
      local answer = world:accepts(name, host)
      conn = conn or answer.conn
      assert.equal(conn, answer.conn, host)
    end
  end

  it("IPv6 in each of its forms is one peer", function()
    same("six", "[::1]", "[::1]:8443", "[0:0:0:0:0:0:0:1]", "[0000::0001]:1")
  end)

  it("IPv4 is not IPv6 that maps it", function()
    same("four", "127.0.0.1", "127.0.0.1:80")
    world:refuses("mapped", "127.0.0.1", "does not match")
    world:refuses("four", "[::ffff:127.0.0.1]", "does not match")
    same("mapped", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:1]")
  end)

  it("an address is not a DNS name that looks like it", function()
    world:refuses("text", "[::1]", "does not match")
    world:refuses("text", "127.0.0.1", "does not match")
  end)

  it("an address with a zone, or in part, is refused", function()
    for _, host in ipairs({ "[::1%25lo]", "[::1%lo]", "[::1", "::1", "[127.0.0.1]", "[]" }) do
      local response = world:ask("six", host)
      assert.is_true(response.status == 400 or response.status == 502, host)
    end
  end)

  it("case, final dot and port do not matter", function()
    same("dns", "kong.example", "KONG.example", "kong.example.", "kong.example:443",
      "Kong.Example.:80")
  end)

  it("a name is asked for as it is written on the wire", function()
    same("idn", "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE")
    local response = world:ask("idn", "b\195\188cher.example")
    assert.is_true(response.status == 400 or response.status == 502)
  end)
end)
