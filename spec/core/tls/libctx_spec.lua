-- spec/support/tls.lua has chosen the context as the process does at its start; all specs run in
-- it.

local tls = require "spec.support.tls"
local workspace = require "spec.support.workspace"
local pki = require "spec.fixtures.pki"
local ffi = require "ffi"

local C = tls.C

ffi.cdef [[
const char *OpenSSL_version(int what);
void *OSSL_DECODER_fetch(void *libctx, const char *name, const char *properties);
void OSSL_DECODER_free(void *decoder);
void *TLS_client_method(void);
void *SSL_CTX_new_ex(void *libctx, const char *properties, void *method);
void SSL_CTX_free(void *ctx);
int SSL_CTX_set_cipher_list(void *ctx, const char *list);
void *SSL_CTX_get_ciphers(void *ctx);
const char *SSL_CIPHER_get_name(void *cipher);
int OPENSSL_sk_num(void *stack);
void *OPENSSL_sk_value(void *stack, int i);
]]

local crypto, ssl = ffi.load("crypto"), ffi.load("ssl")

local function openssl(directory, ...)
  local result = workspace.run({ "openssl", cwd = directory, ... })
  assert(result.code == 0, result.stderr)
end

-- A chain whose CAs have DSA keys, which certificates no longer have, and a leaf with one that they
-- do.
local function dsa_chain()
  local directory = workspace.directory()
  workspace.write(directory .. "/ca", "basicConstraints=critical,CA:TRUE\n")
  workspace.write(directory .. "/leaf", "subjectAltName=DNS:kong.example\n")
  openssl(directory, "dsaparam", "-out", "parameters", "2048")
  for _, name in ipairs({ "root", "inter" }) do
    openssl(directory, "gendsa", "-out", name .. ".key", "parameters")
    openssl(directory, "req", "-new", "-key", name .. ".key", "-subj", "/CN=dsa " .. name, "-out",
      name .. ".csr")
  end
  openssl(directory, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-subj",
    "/CN=x",
    "-out", "leaf.csr")
  openssl(directory, "x509", "-req", "-in", "root.csr", "-signkey", "root.key", "-days", "9",
    "-extfile", "ca",
    "-out", "root.crt")
  openssl(directory, "x509", "-req", "-in", "inter.csr", "-CA", "root.crt", "-CAkey", "root.key",
    "-CAcreateserial",
    "-days", "9", "-extfile", "ca", "-out", "inter.crt")
  openssl(directory, "x509", "-req", "-in", "leaf.csr", "-CA", "inter.crt", "-CAkey", "inter.key",
    "-CAcreateserial",
    "-days", "9", "-extfile", "leaf", "-out", "leaf.crt")
  local chain = pki.text(directory .. "/leaf.crt") .. pki.text(directory .. "/inter.crt")
  return pki.text(directory .. "/root.crt"), assert(tls.credential(chain, pki.text(directory
    .. "/leaf.key")))
end

-- Of a context, all suites that encrypt, but for those of upstreams with DSA keys, which
-- certificates no longer have.
local function suites(libctx)
  local ctx = ffi.gc(ssl.SSL_CTX_new_ex(libctx, nil, ssl.TLS_client_method()), ssl.SSL_CTX_free)
  assert.equal(1, ssl.SSL_CTX_set_cipher_list(ctx, "ALL:!aDSS:@SECLEVEL=0"))
  local all, list = ssl.SSL_CTX_get_ciphers(ctx), {}
  for i = 1, crypto.OPENSSL_sk_num(all) do
    list[i] = ffi.string(ssl.SSL_CIPHER_get_name(crypto.OPENSSL_sk_value(all, i - 1)))
  end
  return list
end

describe("libctx", function()
  after_each(tls.close_all)

  it("is slim on OpenSSL 3.0 and 3.1, the default one elsewhere", function()
    local version = ffi.string(crypto.OpenSSL_version(0))
    local want = version:find("^OpenSSL 3%.[01]%.") and "slim" or "default"
    assert.equal(want, ffi.string(C.libctx_describe()))
    assert.equal(want == "slim", C.libctx_client() ~= nil)
  end)

  it("knows the keys of certificates, and where it is slim no others", function()
    local function knows(name)
      local decoder = crypto.OSSL_DECODER_fetch(C.libctx_client(), name, nil)
      crypto.OSSL_DECODER_free(decoder)
      return decoder ~= nil
    end
    for _, name in ipairs({ "RSA", "RSA-PSS", "EC", "ED25519", "ED448" }) do
      assert.is_true(knows(name), name)
    end
    for _, name in ipairs({ "DSA", "DH", "X25519" }) do
      assert.equal(C.libctx_client() == nil, knows(name), name)
    end
  end)

  it("has all suites that there are", function()
    local list = suites(nil)
    assert.is_true(#list > 50)
    assert.same(list, suites(C.libctx_client()))
  end)

  for _, digest in ipairs({ "sha224", "sha384", "sha512", "sha3-256", "ripemd160" }) do
    it("verifies certificates that were hashed with " .. digest, function()
      local root = pki.issue("hashing_root", { subject = "/CN=hashing", ca = true, kind = "rsa" })
      local leaf = pki.issue("hashed_" .. digest, {
        subject = "/CN=x", san = "DNS:kong.example", issuer = root, digest = digest,
      })
      local policy = assert(tls.policy({ trust = assert(tls.trust(pki.pem(root))),
        security_level = 0 }))
      assert.equal("ok", assert(tls.judge(policy, { pki.pem(leaf) }, "kong.example")).code)
    end)
  end

  it("stays what it was", function()
    local before = C.libctx_client()
    C.libctx_init(false)
    C.libctx_init(true)
    assert.equal(before, C.libctx_client())
  end)

  it("gives no wrong verdict on keys that the slim one does not know", function()
    local root, credential = dsa_chain()
    local server = assert(tls.server({}, credential))
    local trusting = assert(tls.client(assert(tls.policy({ trust = assert(tls.trust(root)) }))))
    assert.equal("ok", tls.visit(trusting, server).code)
    local other = assert(tls.client(assert(tls.policy({}))))
    assert.equal("untrusted_issuer", tls.visit(other, server).code)
  end)

  for _, kind in ipairs({ "RSA", "RSA-PSS", "EC", "ED25519", "ED448" }) do
    it("serves both sides with keys of type " .. kind, function()
      local directory = workspace.directory()
      local options = { EC = { "-pkeyopt", "ec_paramgen_curve:P-384" } }
      openssl(directory, "genpkey", "-algorithm", kind, "-out", "key", unpack(options[kind] or {}))
      openssl(directory, "req", "-new", "-x509", "-key", "key", "-subj", "/CN=x", "-out", "cert",
        "-addext", "subjectAltName=DNS:kong.example")
      local cert, key = pki.text(directory .. "/cert"), pki.text(directory .. "/key")
      local credential = assert(tls.credential(cert, key))
      local policy = assert(tls.policy({ trust = assert(tls.trust(cert)),
        credential = credential }))
      local client = assert(tls.client(policy))
      assert.equal("ok", tls.visit(client, assert(tls.server({}, credential))).code)
    end)
  end
end)
