local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local ffi = require "ffi"

local C = tls.C

describe("suites", function()
  after_each(tls.close_all)

  for field, row in pairs({
    ciphers = { good = { "ECDHE+AESGCM", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE+CHACHA20",
      "HIGH:!RC4:!NOSUCH", "DEFAULT:-SHA1:+AES" },
      bad = { "NOSUCH", "ECDHE+AESGCM:NOSUCH", "aNULL", "eNULL", "ALL:@SECLEVEL=0", "!ALL", "PSK",
        "HIGH\0", ("A"):rep(200) } },
    ciphersuites = { good = { "TLS_AES_128_GCM_SHA256",
      "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384" },
      bad = { "TLS_NOSUCH", "TLS_AES_128_GCM_SHA256:TLS_NOSUCH", "ECDHE-RSA-AES128-GCM-SHA256" } },
    groups = { good = { "X25519", "P-256:X448" }, bad = { "NOSUCH", "X25519:NOSUCH" } },
    sigalgs = { good = { "ECDSA+SHA256", "RSA-PSS+SHA256:ed25519" },
      bad = { "NOSUCH", "ECDSA+SHA256:NOSUCH", "ECDSA" } },
  }) do
    it("take " .. field .. " that all are known, and no others", function()
      for _, list in ipairs(row.good) do
        assert(tls.policy({ [field] = list }))
      end
      for _, list in ipairs(row.bad) do
        local policy, why = tls.policy({ [field] = list })
        assert.is_nil(policy, list)
        assert.matches("^" .. field, why)
      end
    end)
  end

  it("are what the handshake uses", function()
    local server = assert(tls.server({}, tls.identity(pki.get("leaf"))))
    for version, want in pairs({
      ["ECDHE-ECDSA-CHACHA20-POLY1305"] = { max_version = 0x0303,
        ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305" },
      TLS_AES_128_GCM_SHA256 = { min_version = 0x0304, ciphersuites = "TLS_AES_128_GCM_SHA256" },
    }) do
      local near = tls.handshake(assert(tls.client(assert(tls.policy(want)))), server)
      assert.equal(version, ffi.string(C.tls_client_cipher(near.conn)))
    end
    local strange = assert(tls.client(assert(tls.policy({ sigalgs = "RSA-PSS+SHA256" }))))
    assert.equal("tls_handshake", tls.handshake(strange, server).failed)
  end)
end)
