-- What the command line asks the core: policies out of descriptions, and chains judged by them.

local cimport = require "spec.support.cimport"
local forge = require "spec.support.forge"
local tls = require "spec.support.tls"
local ffi = require "ffi"

local C = cimport("vm/abi.h")

local root = forge.certificate({ subject = "judge root", ca = true })
local leaf = forge.certificate({ subject = "judge leaf", issuer = root })

local trust = C.weir_trust_new(ffi.new("struct weir_str[1]", { { root.pem, #root.pem } }), 1)

local function text(s)
  return ffi.new("struct weir_str", { s, #s })
end

-- A description; `want` names its fields, lists as Lua tables of { kind, text }, texts as strings.
local function describe_policy(want)
  local desc = ffi.new("struct weir_policy_desc", {
    verify = 1, depth = 100, trust = trust, security_level = -1, verify_name = 1,
  })
  local keep = {}
  local function list(kind, values, count)
    local array = ffi.new(kind, #values)
    for i, value in ipairs(values) do
      array[i - 1] = type(value) == "string" and text(value) or { value[1], text(value[2]) }
    end
    keep[#keep + 1] = array
    desc[count] = #values
    return array
  end
  for field, value in pairs(want or {}) do
    if field == "names" then
      desc.names = list("struct weir_name[?]", value, "name_count")
    elseif field == "pins" then
      desc.pins = list("struct weir_pin[?]", value, "pin_count")
    elseif field == "crls" then
      desc.crls = list("struct weir_str[?]", value, "crl_count")
    else
      desc[field] = type(value) == "string" and text(value) or value
    end
  end
  return desc, keep
end

local function policy(want)
  local desc, keep = describe_policy(want)
  local made = C.weir_policy_new(desc)
  keep[1] = nil
  if made == nil then
    return nil, ffi.string(C.weir_error())
  end
  return ffi.gc(made, C.weir_policy_free)
end

local function judge(want, name, pems, at)
  local desc, keep = describe_policy(want)
  local texts = ffi.new("struct weir_str[?]", #pems)
  for i, pem in ipairs(pems) do
    texts[i - 1] = text(pem)
  end
  local out = ffi.new("struct weir_verdict")
  local wanted = name and ffi.new("struct weir_name", { name[1], text(name[2]) })
  local status = C.weir_tls_judge(desc, texts, #pems, wanted, at or 0, out)
  keep[1] = nil
  return status == 0 and out or nil, ffi.string(C.weir_error())
end

local KEY_PIN = forge.digest("SHA256", leaf.key.spki)

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02X"):format(c:byte()) end))
end

describe("policies of the ABI", function()
  it("take pins in upper and lower case, which are one", function()
    local upper, lower = assert(policy({ pins = { { 2, hex(KEY_PIN) } } })),
      assert(policy({ pins = { { 2, hex(KEY_PIN):lower() } } }))
    assert.equal(upper, lower)
    assert.equal("ok", ffi.string(judge({ pins = { { 2, hex(KEY_PIN) } } }, { 1, "kong.example" },
      { leaf.pem }).code))
    assert.equal("pin_mismatch", ffi.string(judge({ pins = { { 1, hex(KEY_PIN) } } }, nil,
      { leaf.pem }).code))
  end)

  it("refuse what does not parse, and say why", function()
    for _, row in ipairs({
      { { verify = 0 }, "mode" }, { { verify = 4 }, "mode" },
      { { pins = { { 2, "abc" } } }, "pin 1" }, { { pins = { { 3, hex(KEY_PIN) } } }, "pin 1" },
      { { pins = { { 2, ("g"):rep(64) } } }, "pin 1" }, { { pins = { { 2, KEY_PIN } } }, "pin 1" },
      { { names = { { 1, "not a name" } } }, "not a host name" },
      { { names = { { 1, "a.example" } }, verify_name = 0 }, "verify_name" },
      { { crls = { "no list" } }, "revocation list 1" },
      { { sni = 2 }, "sni" }, { { sni = 2, sni_name = "10.0.0.1" }, "sni" }, { { sni = 9 }, "sni" },
      { { alpn = "h2" }, "alpn" }, { { alpn = "HTTP/1.1" }, "alpn" },
      { { strict = 2 }, "switch" }, { { verify_name = -1 }, "switch" },
      { { security_level = 6 }, "security_level" }, { { security_level = -2 }, "security_level" },
      { { ciphers = "NOSUCH" }, "ciphers" }, { { groups = "NOSUCH" }, "groups" },
      { { min_version = 0x0304, max_version = 0x0303 }, "min_version" },
    }) do
      local made, why = policy(row[1])
      assert.is_nil(made, row[2])
      assert.matches(row[2], why, 1, true)
    end
  end)

  it("take http/1.1 for ALPN, which is what they have anyway", function()
    assert.equal(policy({}), policy({ alpn = "http/1.1" }))
    assert.not_equal(policy({}), policy({ alpn = "none" }))
  end)
end)

describe("weir_tls_judge", function()
  it("fills a verdict", function()
    local v = assert(judge({}, { 1, "kong.example" }, { leaf.pem }))
    assert.same({ "ok", 0, -1, "CN=judge leaf", "CN=judge root", "CN=judge root",
      "DNS:kong.example", "DNS:kong.example", "" }, { ffi.string(v.code), v.openssl, v.depth,
      ffi.string(v.subject), ffi.string(v.issuer), ffi.string(v.anchor), ffi.string(v.names_seen),
      ffi.string(v.names_wanted), ffi.string(v.next_code) })
    assert.equal(hex(forge.digest("SHA256", leaf.der)):lower(), ffi.string(v.sha256))
    v = assert(judge({ next = C.weir_trust_new(nil, 0) }, { 1, "other.example" }, { leaf.pem }))
    assert.same({ "name_mismatch", 62, 0, "untrusted_issuer" }, { ffi.string(v.code), v.openssl,
      v.depth, ffi.string(v.next_code) })
  end)

  it("wants the given name instead of the policy's", function()
    local want = { names = { { 1, "other.example" } } }
    assert.equal("name_mismatch", ffi.string(judge(want, nil, { leaf.pem }).code))
    assert.equal("ok", ffi.string(judge(want, { 1, "kong.example" }, { leaf.pem }).code))
    assert.equal("ok", ffi.string(judge({ verify_name = 0 }, { 1, "kong.example" },
      { leaf.pem }).code))
    assert.equal("ok", ffi.string(judge({}, nil, { leaf.pem }).code))
  end)

  it("judges names and addresses of connections under the very policy", function()
    local plain = assert(policy({}))
    local id = ffi.string(C.weir_policy_id(plain))
    for _, name in ipairs({ { 1, "kong.example" }, { 2, "10.0.0.1" }, { 2, "::1" } }) do
      assert.equal(id, ffi.string(assert(judge({}, name, { leaf.pem })).policy))
    end
    for _, name in ipairs({ { 3, "spiffe://a/b" }, { 4, "a@b.example" } }) do
      assert.not_equal(id, ffi.string(assert(judge({}, name, { leaf.pem })).policy))
    end
    for _, name in ipairs({ { 1, "kong.example:443" }, { 2, "kong.example" }, { 1, "" } }) do
      assert.is_nil((judge({}, name, { leaf.pem })))
    end
  end)

  it("says what keeps it from judging", function()
    local out, why = judge({}, { 1, "a b" }, { leaf.pem })
    assert.is_nil(out)
    assert.matches("host name", why)
    out, why = judge({}, nil, { "nothing" })
    assert.is_nil(out)
    assert.matches("no certificate", why)
  end)

  it("has no verdict to give outside of a request", function()
    assert.equal(-1, C.weir_tls_verdict(ffi.new("struct weir_verdict")))
  end)

  it("judges several hundred a second even on a busy machine", function()
    local before = os.clock()
    for _ = 1, 300 do
      judge({}, { 1, "kong.example" }, { leaf.pem })
    end
    local took = os.clock() - before
    assert.is_true(took < 1, took)
  end)
end)

describe("weir_tls_probe", function()
  it("connects, judges and gives the chain back", function()
    local identity = forge.identity({ leaf })
    local server, port = tls.s_server("-rev", "-cert", identity.cert, "-key", identity.key)
    local out, chain = ffi.new("struct weir_verdict"), ffi.new("char[8192]")
    local function probe(name)
      return C.weir_tls_probe("127.0.0.1", port, describe_policy(), name, #name, 20000, out, chain,
        8192)
    end
    assert.equal(0, probe("kong.example"), ffi.string(C.weir_error()))
    assert.same({ "ok", leaf.pem }, { ffi.string(out.code), ffi.string(chain) })
    assert.equal(0, probe("other.example"))
    assert.equal("name_mismatch", ffi.string(out.code))
    server:stop()
    assert.equal(-3, probe("kong.example"))
    assert.equal("unverified", ffi.string(out.code))
    assert.equal(-3, C.weir_tls_probe("localhost", port, describe_policy(), "a", 1, 1, out, chain,
      8192))
  end)
end)
