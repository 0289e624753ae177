-- Certificates of any shape, signed by libcrypto inside the test process: some thousand a second,
-- with every byte of them at the spec's choice. Chains that `openssl` makes as a user would are in
-- spec/fixtures/pki.lua.

local ffi = require("ffi")
local der = require("spec.support.der")
local mime = require("mime")
local workspace = require("spec.support.workspace")

pcall(ffi.cdef, [[
typedef struct forge_key_st forge_key;
forge_key *EVP_PKEY_Q_keygen(void *libctx, const char *property, const char *type, ...);
void EVP_PKEY_free(forge_key *key);
int i2d_PUBKEY(const forge_key *key, unsigned char **out);
int i2d_PrivateKey(const forge_key *key, unsigned char **out);
void *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(void *ctx);
int EVP_DigestSignInit_ex(void *ctx, void **pctx, const char *digest, void *libctx,
                          const char *property, forge_key *key, const void *params);
int EVP_DigestSign(void *ctx, unsigned char *signature, size_t *n, const unsigned char *p,
                   size_t len);
int EVP_Q_digest(void *libctx, const char *name, const char *property, const void *data, size_t n,
                 unsigned char *out, size_t *size);
]])
local crypto = ffi.load("crypto")

local forge = { ext = {} }

local DAY = 86400

-- -- keys -----------------------------------------------------------------------------------------

local function encoded(encode, key)
  local n = encode(key, nil)
  assert(n > 0, "key cannot be encoded")
  local buffer = ffi.new("unsigned char[?]", n)
  encode(key, ffi.new("unsigned char *[1]", buffer))
  return ffi.string(buffer, n)
end

local function generate(kind)
  local bits = kind:match("^rsa(%d+)$")
  local key
  if bits then
    key = crypto.EVP_PKEY_Q_keygen(nil, nil, "RSA", ffi.cast("size_t", tonumber(bits)))
  elseif kind == "ED25519" then
    key = crypto.EVP_PKEY_Q_keygen(nil, nil, kind)
  else
    key = crypto.EVP_PKEY_Q_keygen(nil, nil, "EC", ffi.cast("const char *", kind))
  end
  assert(key ~= nil, "no key of kind " .. kind)
  key = ffi.gc(key, crypto.EVP_PKEY_free)
  return { key = key, kind = bits and "rsa" or kind, spki = encoded(crypto.i2d_PUBKEY, key) }
end

local keys = {}

--- The key of this name; made when it is first asked for.
-- @tparam string name
-- @tparam ?string kind "P-256" (the default), "P-384", "ED25519", "rsa2048", "rsa1024"
function forge.key(name, kind)
  kind = kind or "P-256"
  local full = kind .. " " .. name
  keys[full] = keys[full] or generate(kind)
  return keys[full]
end

local SIGNATURES = {
  sha256 = { ec = "1.2.840.10045.4.3.2", rsa = "1.2.840.113549.1.1.11" },
  sha1 = { ec = "1.2.840.10045.4.1", rsa = "1.2.840.113549.1.1.5" },
  md5 = { rsa = "1.2.840.113549.1.1.4" },
}

-- The AlgorithmIdentifier of signatures by a key, and the digest to sign with.
local function algorithm(key, digest)
  if key.kind == "ED25519" then
    return der.sequence(der.oid("1.3.101.112")), nil
  elseif key.kind == "rsa" then
    return der.sequence(der.oid(SIGNATURES[digest].rsa), der.null()), digest
  end
  return der.sequence(der.oid(SIGNATURES[digest].ec)), digest
end

local function sign(key, digest, text)
  local ctx = ffi.gc(crypto.EVP_MD_CTX_new(), crypto.EVP_MD_CTX_free)
  assert(crypto.EVP_DigestSignInit_ex(ctx, nil, digest, nil, nil, key.key, nil) == 1)
  local n = ffi.new("size_t[1]", 1024)
  local buffer = ffi.new("unsigned char[1024]")
  assert(crypto.EVP_DigestSign(ctx, buffer, n, text, #text) == 1)
  return ffi.string(buffer, n[0])
end

--- A digest of bytes.
function forge.digest(name, text)
  local out, size = ffi.new("unsigned char[64]"), ffi.new("size_t[1]")
  assert(crypto.EVP_Q_digest(nil, name, nil, text, #text, out, size) == 1)
  return ffi.string(out, size[0])
end

-- -- names and extensions -------------------------------------------------------------------------

--- A distinguished name with one common name.
function forge.name(text)
  return der.sequence(der.set(der.sequence(der.oid("2.5.4.3"), der.utf8(text))))
end

local ext = forge.ext

--- Any extension.
function ext.raw(oid, critical, value)
  return der.sequence(der.oid(oid), critical and der.boolean(true) or "", der.octets(value))
end

--- basicConstraints.
function ext.basic(ca, path_length)
  return ext.raw("2.5.29.19", true, der.sequence(
    ca and der.boolean(true) or "", path_length and der.integer(path_length) or ""))
end

ext.CERT_SIGN, ext.CRL_SIGN, ext.SIGNATURE, ext.ENCIPHER = 0x04, 0x02, 0x80, 0x20

--- keyUsage, as the sum of the bits above.
function ext.key_usage(bits)
  return ext.raw("2.5.29.15", true, der.bits(string.char(bits)))
end

local EKU = {
  serverAuth = "1.3.6.1.5.5.7.3.1", clientAuth = "1.3.6.1.5.5.7.3.2",
  codeSigning = "1.3.6.1.5.5.7.3.3", emailProtection = "1.3.6.1.5.5.7.3.4",
  OCSPSigning = "1.3.6.1.5.5.7.3.9", any = "2.5.29.37.0",
}

--- extendedKeyUsage of the named purposes.
function ext.eku(...)
  local list = {}
  for i, name in ipairs({ ... }) do
    list[i] = der.oid(EKU[name])
  end
  return ext.raw("2.5.29.37", false, der.sequence(unpack(list)))
end

local general = {}

function general.dns(text)
  return der.implicit(2, text)
end

function general.email(text)
  return der.implicit(1, text)
end

function general.uri(text)
  return der.implicit(6, text)
end

function general.ip(bytes)
  return der.implicit(7, bytes)
end

function general.dir(name)
  return der.explicit(4, name)
end

--- A GeneralName of any tag.
function general.any(text)
  return text
end

--- GeneralNames: "kind" and value in turns ("dns", "a.example", "ip", "\127\0\0\1", …); kinds are
-- dns, email, uri, ip (bytes), dir (a name), any (DER as it is).
function forge.names(...)
  local words, list = { ... }, {}
  for i = 1, #words, 2 do
    list[#list + 1] = general[words[i]](words[i + 1])
  end
  return table.concat(list)
end

--- subjectAltName.
function ext.san(...)
  return ext.raw("2.5.29.17", false, der.sequence(forge.names(...)))
end

local function subtrees(number, names)
  if not names then
    return ""
  end
  local list = {}
  for i = 1, #names, 2 do
    list[#list + 1] = der.sequence(forge.names(names[i], names[i + 1]))
  end
  return der.explicit(number, unpack(list))
end

--- nameConstraints: `permitted` and `excluded` are lists as for `names`.
function ext.constraints(want)
  return ext.raw("2.5.29.30", true, der.sequence(
    subtrees(0, want.permitted), subtrees(1, want.excluded)))
end

--- The TLS feature "must staple" (RFC 7633).
function ext.must_staple()
  return ext.raw("1.3.6.1.5.5.7.1.24", false, der.sequence(der.integer(5)))
end

--- That nobody need look an OCSP responder's certificate up (RFC 6960, 4.2.2.2.1).
function ext.ocsp_nocheck()
  return ext.raw("1.3.6.1.5.5.7.48.1.5", false, der.null())
end

function ext.subject_key(key)
  return ext.raw("2.5.29.14", false, der.octets(forge.digest("SHA1", key.spki)))
end

function ext.authority_key(key)
  return ext.raw("2.5.29.35", false,
    der.sequence(der.implicit(0, forge.digest("SHA1", key.spki))))
end

-- -- certificates ---------------------------------------------------------------------------------

--- PEM text of DER.
function forge.pem(kind, bytes)
  local text = mime.b64(bytes):gsub(("."):rep(64), "%0\n"):gsub("\n$", "")
  return ("-----BEGIN %s-----\n%s\n-----END %s-----\n"):format(kind, text, kind)
end

local serial = 1000

-- The extensions a certificate has when the spec does not say otherwise.
local function usual(want, key)
  if want.ca then
    return { ext.basic(true, want.path_length), ext.key_usage(ext.CERT_SIGN + ext.CRL_SIGN),
      ext.subject_key(key), want.issuer and ext.authority_key(want.issuer.key) or nil }
  end
  return { ext.san("dns", want.dns or "kong.example"), want.issuer and
    ext.authority_key(want.issuer.key) or nil }
end

--- A certificate.
-- @tparam table want subject (text; or subject_der), issuer (a certificate; none: self-signed), key
-- and kind (as for `key`; the subject's name is the default), ca, path_length, dns, extensions (a
-- list that replaces the usual ones), more (a list that is added to them), from and to (seconds
-- from now), validity (DER instead), signer (key that really signs), issuer_name (claimed, text),
-- digest, serial (or serial_der), version, broken (spoils the signature)
-- @treturn table der, pem, key, name and serial (DER), issuer
function forge.certificate(want)
  local key = type(want.key) == "table" and want.key
    or forge.key(want.key or tostring(want.subject), want.kind)
  local signer = want.signer or (want.issuer and want.issuer.key) or key
  local name = want.subject_der or forge.name(want.subject or "")
  local issuer_name = want.issuer_name and forge.name(want.issuer_name)
    or (want.issuer and want.issuer.name) or name
  local extensions = want.extensions or usual(want, key)
  local list = {}
  for _, one in ipairs(extensions) do
    list[#list + 1] = one
  end
  for _, one in ipairs(want.more or {}) do
    list[#list + 1] = one
  end
  serial = serial + 1
  local now = os.time()
  local identifier, digest = algorithm(signer, want.digest or "sha256")
  local number = want.serial_der or der.integer(want.serial or serial)
  local body = der.sequence(
    want.version == 1 and "" or der.explicit(0, der.integer((want.version or 3) - 1)),
    number, identifier, issuer_name,
    want.validity or der.sequence(der.time(now + (want.from or -DAY)),
      der.time(now + (want.to or 30 * DAY))),
    name, key.spki,
    (#list > 0 and want.version ~= 1) and der.explicit(3, der.sequence(unpack(list))) or "")
  local signature = sign(signer, digest, body)
  if want.broken then
    signature = signature:sub(1, -2) .. string.char((signature:byte(-1) + 1) % 256)
  end
  local bytes = der.sequence(body, identifier, der.bits(signature))
  return { der = bytes, pem = forge.pem("CERTIFICATE", bytes), key = key, name = name,
    serial = number, issuer = want.issuer }
end

--- A certificate revocation list.
-- @tparam table want issuer (a certificate), revoked (certificates), from and to (seconds from now;
-- to = false leaves it out), extensions, number (of the list; false leaves it out), digest, broken
-- @treturn string PEM
function forge.crl(want)
  local key, now = want.issuer.key, os.time()
  local identifier, digest = algorithm(key, want.digest or "sha256")
  local revoked = {}
  for i, certificate in ipairs(want.revoked or {}) do
    revoked[i] = der.sequence(certificate.serial, der.time(now - DAY))
  end
  local extensions = { want.number ~= false and ext.raw("2.5.29.20", false,
    der.integer(want.number or 1)) or "", unpack(want.extensions or {}) }
  local body = der.sequence(der.integer(1), identifier, want.issuer.name,
    der.time(now + (want.from or -DAY)),
    want.to ~= false and der.time(now + (want.to or DAY)) or "",
    #revoked > 0 and der.sequence(unpack(revoked)) or "",
    der.explicit(0, der.sequence(unpack(extensions))))
  local signature = sign(want.broken and forge.key("thief") or key, digest, body)
  return forge.pem("X509 CRL", der.sequence(body, identifier, der.bits(signature)))
end

-- -- OCSP responses -------------------------------------------------------------------------------

-- A moment as GeneralizedTime, the only form that OCSP knows.
local function moment(at)
  return der.element(0x18, os.date("!%Y%m%d%H%M%SZ", at))
end

local HASHES = { SHA1 = "1.3.14.3.2.26", SHA256 = "2.16.840.1.101.3.4.2.1" }

-- What a response calls a certificate. The key's hash is over its bits alone, which for P-256 are
-- the last 65 bytes.
local function certificate_id(certificate, issuer, hash)
  return der.sequence(der.sequence(der.oid(HASHES[hash]), der.null()),
    der.octets(forge.digest(hash, issuer.name)),
    der.octets(forge.digest(hash, issuer.key.spki:sub(-65))), certificate.serial)
end

local STATUS = { good = "\128\0", unknown = "\130\0" }

--- An OCSP response about one certificate.
-- @tparam table want leaf (a certificate whose issuer's key is P-256), issuer (the leaf's), status
-- ("good", "revoked", "unknown"), from and to (seconds from now; to = false leaves it out), signer
-- (a certificate; the issuer), certs (certificates that come with it), by_key (the responder is
-- named by its key), hash ("SHA1", "SHA256"), extensions and more (lists: of the response, of what
-- it says of the leaf), digest, broken, outer (status of the whole: 0)
-- @treturn string DER
function forge.ocsp(want)
  local issuer = want.issuer or want.leaf.issuer
  local signer, now = want.signer or issuer, os.time()
  local identifier, digest = algorithm(signer.key, want.digest or "sha256")
  local function extensions(list)
    return list and der.explicit(1, der.sequence(unpack(list))) or ""
  end
  local single = der.sequence(
    certificate_id(want.leaf, issuer, want.hash or "SHA1"),
    STATUS[want.status or "good"] or der.explicit(1, moment(now - DAY)),
    moment(now + (want.from or -3600)),
    want.to ~= false and der.explicit(0, moment(now + (want.to or DAY))) or "",
    extensions(want.more))
  local body = der.sequence(
    want.by_key and der.explicit(2, der.octets(forge.digest("SHA1", signer.key.spki:sub(-65))))
      or der.explicit(1, signer.name),
    moment(now), der.sequence(single), extensions(want.extensions))
  local signature = sign(want.broken and forge.key("thief") or signer.key, digest, body)
  local certs = {}
  for i, certificate in ipairs(want.certs or {}) do
    certs[i] = certificate.der
  end
  local basic = der.sequence(body, identifier, der.bits(signature),
    #certs > 0 and der.explicit(0, der.sequence(unpack(certs))) or "")
  return der.sequence(der.element(0x0a, string.char(want.outer or 0)), der.explicit(0,
    der.sequence(der.oid("1.3.6.1.5.5.7.48.1.1"), der.octets(basic))))
end

--- The PEM text of the private key of a certificate.
function forge.key_pem(certificate)
  local kind = certificate.key.kind
  local label = kind == "rsa" and "RSA PRIVATE KEY" or kind == "ED25519" and "PRIVATE KEY"
    or "EC PRIVATE KEY"
  return forge.pem(label, encoded(crypto.i2d_PrivateKey, certificate.key.key))
end

--- Text of several certificates.
function forge.bundle(list)
  local texts = {}
  for i, certificate in ipairs(list) do
    texts[i] = certificate.pem
  end
  return table.concat(texts)
end

--- Write a chain and its key to files, for a server.
-- @tparam table chain leaf first
-- @treturn table identity as of spec/fixtures/pki.lua
function forge.identity(chain)
  local directory = workspace.directory()
  return {
    cert = workspace.write(directory .. "/cert.pem", chain[1].pem),
    chain = workspace.write(directory .. "/chain.pem", forge.bundle(chain)),
    key = workspace.write(directory .. "/key.pem", forge.key_pem(chain[1])),
  }
end

return forge
