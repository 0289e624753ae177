local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local ffi = require "ffi"

local C = tls.C

ffi.cdef [[
void *TLS_client_method(void);
void *SSL_CTX_new(void *method);
void SSL_CTX_free(void *ctx);
int SSL_CTX_set_ciphersuites(void *ctx, const char *list);
void *SSL_CTX_get_ciphers(void *ctx);
const char *SSL_CIPHER_get_name(void *cipher);
int OPENSSL_sk_num(void *stack);
void *OPENSSL_sk_value(void *stack, int i);
const char *suites_apply(void *ctx, const struct policy_desc *d);
]]

local crypto, ssl = ffi.load("crypto"), ffi.load("ssl")

-- The suites of TLS 1.3 that a policy which names none offers where openssl.cnf says `machine`.
local function offered(machine)
  local ctx = ffi.gc(ssl.SSL_CTX_new(ssl.TLS_client_method()), ssl.SSL_CTX_free)
  assert.equal(1, machine and ssl.SSL_CTX_set_ciphersuites(ctx, machine) or 1)
  assert.is_true(C.suites_apply(ctx, assert(tls.policy({})).desc) == nil)
  local all, list = ssl.SSL_CTX_get_ciphers(ctx), {}
  for i = 0, crypto.OPENSSL_sk_num(all) - 1 do
    local name = ffi.string(ssl.SSL_CIPHER_get_name(crypto.OPENSSL_sk_value(all, i)))
    list[#list + 1] = name:match("^TLS_.*")
  end
  return table.concat(list, ":")
end

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

  it("begin with AES-128 where neither policy nor machine name any", function()
    assert.equal("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
      offered(nil))
    for _, machine in ipairs({ "TLS_AES_256_GCM_SHA384",
      "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
      "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256" }) do
      assert.equal(machine, offered(machine))
    end
  end)

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
