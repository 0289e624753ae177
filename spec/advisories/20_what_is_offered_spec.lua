-- OpenSSL CVE-2024-12797 (raw public keys), CVE-2025-66199 (24, compressed certificates), nginx
-- CVE-2026-42926 (29, HTTP/2): what is never offered cannot be abused.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

local EXTENSIONS = {
  heartbeat = 15, client_certificate_type = 19, server_certificate_type = 20,
  compress_certificate = 27, early_data = 42, next_protocol = 13172,
}

describe("advisories 20, 24 and 29, the ClientHello:", function()
  local world, hello

  setup(function()
    world = advisory.world({
      listeners = { main = { tls = advisory.leaf(), close = true } },
      services = { main = {}, off = { listener = "main", fields = { tls_verify = false } } },
    })
    world:accepts("main")
    hello = world:hello("main")
  end)
  teardown(helpers.stop_all)

  local function offers(list, value)
    for _, one in ipairs(list) do
      if one == value then
        return true
      end
    end
    return false
  end

  for name, number in pairs(EXTENSIONS) do
    it("does not offer " .. name, function()
      assert.is_false(offers(hello.extensions, number))
    end)
  end

  it("offers no early data when it resumes", function()
    world:accepts("main")
    local resumed = world:hello("main")
    assert.is_true(resumed.psk)
    assert.is_false(offers(resumed.extensions, EXTENSIONS.early_data))
  end)

  it("offers HTTP/1.1 only, no compression, no renegotiation without its extension", function()
    assert.same({ "http/1.1" }, hello.alpn)
    assert.same({ 0 }, hello.compression)
    assert.is_true(offers(hello.extensions, 65281) or offers(hello.ciphers, 255))
  end)

  it("offers no cipher without authentication, encryption or forward secrecy worth the name",
    function()
      for _, cipher in ipairs(hello.ciphers) do
        assert.is_false(cipher >= 0x0000 and cipher <= 0x0002, "NULL")
        assert.is_false(cipher == 0x0004 or cipher == 0x0005, "RC4")
        assert.is_false(cipher == 0x000a or cipher == 0x0016, "3DES")
        assert.is_false(cipher == 0x0034 or cipher == 0x006d or cipher == 0x00a6, "anonymous DH")
        assert.is_false(cipher >= 0xc015 and cipher <= 0xc019, "anonymous ECDH")
        assert.is_false(cipher >= 0x008a and cipher <= 0x0095, "PSK")
      end
    end)

  it("is the same for an upstream that is not verified", function()
    world:accepts("off")
    assert.same(hello.extensions, world:hello("main").extensions)
  end)
end)
