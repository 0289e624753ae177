-- Paths that OpenSSL does not find by itself, and peers that try to make the search expensive.

local ffi = require "ffi"
local forge = require "spec.support.forge"
local der = require "spec.support.der"
local tls = require "spec.support.tls"

pcall(ffi.cdef, [[
typedef struct path_x509_st path_x509;
path_x509 *path_d2i(path_x509 **out, const unsigned char **at, long n) __asm__("d2i_X509");
void path_free(path_x509 *x509) __asm__("X509_free");
void *OPENSSL_sk_new_null(void);
int OPENSSL_sk_push(void *stack, const void *item);
void OPENSSL_sk_pop_free(void *stack, void (*release)(path_x509 *));
]])
local crypto = ffi.load("crypto")

local function pems(list)
  local texts = {}
  for i, certificate in ipairs(list) do
    texts[i] = certificate.pem
  end
  return texts
end

local function judge(trusted, sent, want)
  want = want or {}
  want.trust = assert(tls.trust(unpack(pems(trusted))))
  return assert(tls.judge(assert(tls.policy(want)), pems(sent), "kong.example"))
end

-- An intermediate of the same name and key by another issuer.
local function inter_of(issuer, want)
  want = want or {}
  want.subject, want.key, want.ca, want.issuer = "path inter", "path inter", true, issuer
  return forge.certificate(want)
end

local root = forge.certificate({ subject = "path root", ca = true })
local other = forge.certificate({ subject = "path other", ca = true })
local inter = inter_of(root)
local leaf = forge.certificate({ subject = "path leaf", issuer = inter })

describe("path", function()
  it("takes the cross-signed intermediate that leads to the bundle", function()
    local cross = inter_of(other)
    assert.equal("ok", judge({ root }, { leaf, cross, inter }).code)
    assert.equal("ok", judge({ root }, { leaf, inter, cross }).code)
    assert.equal("CN=path root", judge({ root }, { leaf, cross, inter }).anchor)
    assert.equal("untrusted_issuer", judge({ root }, { leaf, cross }).code)
  end)

  it("passes over an expired copy of an intermediate or a root", function()
    local old = inter_of(root, { from = -9e6, to = -60 })
    assert.equal("ok", judge({ root }, { leaf, old, inter }).code)
    assert.equal("expired", judge({ root }, { leaf, old }).code)
    local old_root = forge.certificate({ subject = "path root", ca = true, from = -9e6, to = -60 })
    assert.equal("ok", judge({ root, old_root }, { leaf, inter }).code)
    assert.equal("expired", judge({ old_root }, { leaf, inter }).code)
  end)

  it("tries several issuers of one name", function()
    local namesakes = {}
    for i = 1, 5 do
      namesakes[i] = forge.certificate({ subject = "path root", key = "namesake " .. i, ca = true,
        extensions = { forge.ext.basic(true) } })
    end
    local plain = forge.certificate({ subject = "path inter", key = "path inter", ca = true,
      issuer = root, extensions = { forge.ext.basic(true) } })
    local under = forge.certificate({ subject = "path leaf", issuer = plain,
      extensions = { forge.ext.san("dns", "kong.example") } })
    namesakes[6] = root
    assert.equal("ok", judge(namesakes, { under, plain }).code)
    namesakes[6] = nil
    assert.not_equal("ok", judge(namesakes, { under, plain }).code)
  end)

  it("is not lost in a loop", function()
    local a = forge.certificate({ subject = "loop a", ca = true,
      issuer = forge.certificate({ subject = "loop b", ca = true }) })
    local b = forge.certificate({ subject = "loop b", ca = true, issuer = a })
    local under = forge.certificate({ subject = "loop leaf", issuer = a })
    assert.equal("untrusted_issuer", judge({ root }, { under, a, b }).code)
    local out = forge.certificate({ subject = "loop b", ca = true, issuer = root })
    assert.equal("ok", judge({ root }, { under, a, b, out }).code)
  end)

  it("obeys the rules of the policy on every path", function()
    local cross = inter_of(other)
    assert.equal("ok", judge({ root }, { leaf, cross, inter }, { depth = 1 }).code)
    assert.not_equal("ok", judge({ root }, { leaf, cross, inter }, { depth = 0 }).code)
    local narrow = inter_of(root, { more = { forge.ext.constraints({
      permitted = { "dns", "other.example" } }) } })
    assert.equal("name_constraint", judge({ root }, { leaf, narrow }).code)
    assert.equal("ok", judge({ root }, { leaf, narrow, inter }).code)
    assert.equal("name_mismatch", judge({ root }, { forge.certificate({ subject = "path leaf",
      issuer = inter, dns = "x.example" }), inter, cross }).code)
  end)

  it("ends at an intermediate only where the policy says so", function()
    assert.equal("untrusted_issuer", judge({ inter }, { leaf }).code)
    assert.equal("ok", judge({ inter }, { leaf }, { partial_chain = true }).code)
    assert.equal("ok", judge({ leaf }, { leaf }, { partial_chain = true }).code)
    assert.equal("untrusted_issuer", judge({ leaf }, { leaf }).code)
    assert.equal("ok", judge({ inter }, { leaf, inter_of(other) }, { partial_chain = true }).code)
  end)

  it("costs no more than its budget, whatever is sent", function()
    -- Six levels of six namesakes: 46,656 paths, of which none leads anywhere.
    local level, sent = { root }, {}
    local bare = { forge.ext.basic(true) }
    for depth = 1, 6 do
      local below = {}
      for i = 1, 6 do
        below[i] = forge.certificate({ subject = "maze " .. depth, key = "maze", ca = true,
          issuer_name = depth == 1 and "nobody" or nil, issuer = level[1], extensions = bare })
        table.insert(sent, 1, below[i])
      end
      level = below
    end
    local under = forge.certificate({ subject = "maze leaf", issuer = level[1],
      extensions = { forge.ext.san("dns", "kong.example") } })
    table.insert(sent, 1, under)
    local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)) }))
    local texts, before = pems(sent), os.clock()
    assert.equal("untrusted_issuer", tls.judge(policy, texts, "kong.example").code)
    assert.is_true(os.clock() - before < 0.2)
  end)

  describe("has a bound in time, by the clock of the CPU:", function()
    -- Judges a chain while each look at the clock finds it `step` microseconds later.
    local function judge_timed(sent, step)
      local stack = ffi.gc(crypto.OPENSSL_sk_new_null(), function(all)
        crypto.OPENSSL_sk_pop_free(all, crypto.path_free)
      end)
      for _, certificate in ipairs(sent) do
        local at = ffi.new("const unsigned char *[1]", ffi.cast("const char *", certificate.der))
        local x509 = crypto.path_d2i(nil, at, #certificate.der)
        assert(x509 ~= nil and crypto.OPENSSL_sk_push(stack, x509) > 0)
      end
      local looks, time = 0, 0
      local clock = ffi.cast("int64_t (*)(void)", function()
        looks, time = looks + 1, time + step
        return time
      end)
      local verdict, name = ffi.new("struct verdict"), tls.name("kong.example")
      local v = ffi.new("struct verify")
      local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)) }))
      v.policy, v.name, v.verdict, v.clock = policy, name, verdict, clock
      local good = tls.C.verify_sent(v, stack, os.time())
      clock:free()
      return good, looks, ffi.string(tls.C.verdict_code_name(verdict.code)),
        ffi.string(verdict.text)
    end

    -- More namesakes than may be checked, none of which signed the leaf.
    local hostile = { forge.certificate({ subject = "hostile leaf", issuer_name = "hostile",
      signer = forge.key("nobody"), extensions = { forge.ext.san("dns", "kong.example") } }) }
    for i = 1, 80 do
      hostile[i + 1] = forge.certificate({ subject = "hostile", key = "hostile " .. i % 4,
        ca = true, issuer_name = "nobody", extensions = { forge.ext.basic(true) } })
    end

    it("a hostile chain is given up when it is reached", function()
      local good, looks, code, text = judge_timed(hostile, 10000)
      assert.same({ false, 6, "untrusted_issuer", "no path found within 50 ms" },
        { good, looks, code, text })
    end)

    it("one whose checks are quick is given up after so many", function()
      local good, looks, code, text = judge_timed(hostile, 0)
      assert.same({ false, 65, "untrusted_issuer", "no path found within 64 signature checks" },
        { good, looks, code, text })
    end)

    it("a good one has as long, and is refused beyond", function()
      local sent = { leaf, inter_of(other), inter }
      local good, looks, code = judge_timed(sent, 0)
      assert.same({ true, "ok" }, { good, code })
      assert.is_true(judge_timed(sent, math.floor(49999 / looks)))
      local text
      good, looks, code, text = judge_timed(sent, 50000)
      assert.same({ false, 2, "untrusted_issuer", "no path found within 50 ms" },
        { good, looks, code, text })
    end)

    it("one that has tried all paths says what OpenSSL says", function()
      local good, _, code, text = judge_timed({ leaf, inter_of(other) }, 0)
      assert.same({ false, "untrusted_issuer" }, { good, code })
      assert.matches("unable to get", text)
    end)
  end)

  -- A public key of RSA that nobody has the other half of.
  local function rsa(bits, exponent_bits)
    local function number(size, first)
      return der.element(2, "\0" .. first .. ("\255"):rep(size / 8 - 1))
    end
    return { kind = "rsa", spki = der.sequence(
      der.sequence(der.oid("1.2.840.113549.1.1.1"), der.null()),
      der.bits(der.sequence(number(bits, "\255"), number(exponent_bits, "\127")))) }
  end

  for what, slow in pairs({
    ["RSA with a long exponent"] = { rsa(3072, 3072), "rsa3072" },
    ["a curve of 571 bits"] = { forge.key("slow", "sect571r1"), "sect571r1" },
  }) do
    it("checks no signature with " .. what, function()
      local sent = { forge.certificate({ subject = "slow leaf", issuer_name = "slow inter",
        signer = forge.key("slow signer", slow[2]),
        extensions = { forge.ext.san("dns", "kong.example") } }) }
      for i = 2, 65 do
        sent[i] = forge.certificate({ subject = "slow inter", key = slow[1], issuer_name = "nobody",
          signer = forge.key("slow thief"), extensions = { forge.ext.basic(true) } })
      end
      local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)) }))
      local texts, before = pems(sent), os.clock()
      assert.equal("untrusted_issuer", tls.judge(policy, texts, "kong.example").code)
      assert.is_true(os.clock() - before < 0.1)
    end)
  end
end)
