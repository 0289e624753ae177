-- Stapled OCSP responses against every mode, from servers that staple what they are given.

local der = require "spec.support.der"
local ffi = require "ffi"
local forge = require "spec.support.forge"
local pki = require "spec.fixtures.pki"
local tls = require "spec.support.tls"
local workspace = require "spec.support.workspace"

local C = tls.C
local ext = forge.ext

local root = forge.certificate({ subject = "ocsp root", ca = true })
local inter = forge.certificate({ subject = "ocsp inter", ca = true, issuer = root })
local leaf = forge.certificate({ subject = "ocsp leaf", issuer = inter })
local bound = forge.certificate({ subject = "ocsp bound", issuer = inter,
  more = { ext.must_staple() } })
local other = forge.certificate({ subject = "ocsp other", issuer = inter })
local namesake = forge.certificate({ subject = "ocsp inter", ca = true, key = "namesake" })

local function responder(want)
  want.subject = want.subject or "ocsp responder"
  want.issuer = want.issuer or inter
  want.extensions = want.extensions or { ext.eku("OCSPSigning"),
    ext.authority_key(want.issuer.key) }
  return forge.certificate(want)
end

local delegate = responder({})
local powerless = responder({ subject = "powerless", extensions = { ext.eku("serverAuth") } })
local of_root = responder({ subject = "of root", issuer = root })
local stranger = responder({ subject = "stranger", issuer = namesake })
local outdated = responder({ subject = "outdated", from = -1000, to = -10 })
local weak = responder({ subject = "weak", kind = "rsa1024" })
local rsa = responder({ subject = "strong", kind = "rsa2048" })
local nocheck = responder({ subject = "nocheck", more = { ext.ocsp_nocheck() } })
local early = responder({ subject = "early", from = 600 })
local brief = responder({ subject = "brief", to = 300 })
local PURPOSE = ext.eku("OCSPSigning")
local any_purpose = responder({ subject = "any", extensions = { ext.eku("any") } })
local no_purpose = responder({ subject = "none", extensions = {} })
local wrong_key = responder({ subject = "wrong key", extensions = { PURPOSE,
  ext.key_usage(ext.ENCIPHER) } })
local signing_key = responder({ subject = "signing key", extensions = { PURPOSE,
  ext.key_usage(ext.SIGNATURE) } })
local strange = responder({ subject = "strange", extensions = { PURPOSE,
  ext.raw("1.2.3.4", true, der.null()) } })
local forged = responder({ subject = "forged", broken = true })
local below = responder({ subject = "below", issuer = forge.certificate({
  subject = "ocsp sub", ca = true, issuer = inter }) })

local CRITICAL = { ext.raw("1.2.3.4", true, der.null()) }

-- What is stapled, and the codes in soft and hard.
local OK, REQUIRED, INVALID, REVOKED = "ok", "ocsp_required", "ocsp_invalid", "revoked"
local CASES = {
  ["a good response"] = { {}, OK, OK },
  ["one whose responder is named by its key"] = { { by_key = true }, OK, OK },
  ["one with SHA-256 in the certificate id"] = { { hash = "SHA256" }, OK, OK },
  ["one of a delegated responder"] = { { signer = delegate, certs = { delegate } }, OK, OK },
  ["one of a delegated responder with RSA"] = { { signer = rsa, certs = { rsa } }, OK, OK },
  ["one that begins in 4 minutes"] = { { from = 240 }, OK, OK },
  ["one that was over 4 minutes ago"] = { { to = -240 }, OK, OK },
  ["one with an unknown extension"] = { { more = { ext.raw("1.2.3.4", false, der.null()) } },
    OK, OK },
  ["a revocation"] = { { status = "revoked" }, REVOKED, REVOKED },
  ["a revocation by a delegated responder"] = {
    { status = "revoked", signer = delegate, certs = { delegate } }, REVOKED, REVOKED },
  ["a revocation that is over"] = { { status = "revoked", to = -1000 }, OK, INVALID },
  ["a revocation by somebody else"] = { { status = "revoked", broken = true }, OK, INVALID },
  ["one that does not know"] = { { status = "unknown" }, OK, INVALID },
  ["one that is over"] = { { from = -7200, to = -600 }, OK, INVALID },
  ["one that has not begun"] = { { from = 600 }, OK, INVALID },
  ["one without end"] = { { to = false }, OK, INVALID },
  ["one with a wrong signature"] = { { broken = true }, OK, INVALID },
  ["one that is signed with SHA-1"] = { { digest = "sha1" }, OK, INVALID },
  ["one of a responder without the purpose"] = { { signer = powerless, certs = { powerless } },
    OK, INVALID },
  ["one of the root's responder"] = { { signer = of_root, certs = { of_root } }, OK, INVALID },
  ["one of the root"] = { { signer = root, certs = { root } }, OK, INVALID },
  ["one of a responder of a CA below"] = { { signer = below, certs = { below, below.issuer } },
    OK, INVALID },
  ["one of a CA with the issuer's name"] = { { signer = namesake, certs = { namesake } },
    OK, INVALID },
  ["one of a stranger"] = { { signer = stranger, certs = { stranger, namesake } }, OK, INVALID },
  ["one of the leaf"] = { { signer = leaf, certs = { leaf } }, OK, INVALID },
  ["one of a responder that is over"] = { { signer = outdated, certs = { outdated } },
    OK, INVALID },
  ["one of a weak responder"] = { { signer = weak, certs = { weak } }, OK, INVALID },
  ["one of another certificate"] = { { leaf = other }, OK, INVALID },
  ["one of the same number of another CA"] = { { issuer = root, signer = inter }, OK, INVALID },
  ["one with a critical extension"] = { { extensions = CRITICAL }, OK, INVALID },
  ["one with a critical extension of what it says"] = { { more = CRITICAL }, OK, INVALID },
  ["one of a responder whose key may sign"] = {
    { signer = signing_key, certs = { signing_key } }, OK, OK },
  ["one of a responder whose key may not sign"] = {
    { signer = wrong_key, certs = { wrong_key } }, OK, INVALID },
  ["a revocation by a responder whose key may not sign"] = {
    { status = "revoked", signer = wrong_key, certs = { wrong_key } }, OK, INVALID },
  ["one of a responder of any purpose"] = {
    { signer = any_purpose, certs = { any_purpose } }, OK, INVALID },
  ["one of a responder of no purpose"] = {
    { signer = no_purpose, certs = { no_purpose } }, OK, INVALID },
  ["one of a responder that is not yet"] = { { signer = early, certs = { early } }, OK, INVALID },
  ["one of a responder with an unknown critical extension"] = {
    { signer = strange, certs = { strange } }, OK, INVALID },
  ["one of a responder whose certificate is forged"] = {
    { signer = forged, certs = { forged } }, OK, INVALID },
  ["one that does not bring its responder"] = { { signer = delegate }, OK, INVALID },
  ["a refusal"] = { { outer = 3 }, OK, INVALID },
  ["what holds no response"] = { der.sequence(der.element(0x0a, "\0"), der.explicit(0,
    der.sequence(der.oid("1.3.6.1.5.5.7.48.1.1"), der.octets("nothing")))), OK, INVALID },
}

local files = {}

-- A file with a response.
local function written(text)
  if not files[text] then
    files[text] = workspace.write(workspace.directory() .. "/response.der", text)
  end
  return files[text]
end

local identities = {}

local function serve(version, certificate, text, ...)
  local identity = identities[certificate] or forge.identity({ certificate, inter })
  identities[certificate] = identity
  local args = { version, "-cert", identity.cert, "-key", identity.key, "-cert_chain",
    identity.chain, ... }
  if text then
    args[#args + 1], args[#args + 2] = "-status_file", written(text)
  end
  return tls.s_server("-rev", unpack(args))
end

local trust = assert(tls.trust(root.pem))

local function new(want)
  want.trust = trust
  return assert(tls.client(assert(tls.policy(want))))
end

local function visit(port, client, sessions)
  local near = tls.dial(port):connect(client, "kong.example", sessions)
  tls.run(function() return near.ready or near.failed end, "a handshake")
  if near.ready then
    near:write("olleh\n")
    tls.run(function() return near.received == "hello\n" or near.failed end, "hello")
  end
  return near
end

-- The code, after checking that it decides.
local function code(port, client)
  local near = visit(port, client)
  local verdict = near:verdict()
  assert.equal(verdict.code == OK, near.failed == nil)
  if verdict.code ~= OK then
    assert.equal("tls_verify", near.failed)
    assert.same({ 0, false, "DNS:kong.example", "DNS:kong.example" },
      { verdict.depth, near.ready, verdict.seen, verdict.wanted })
  end
  near:close()
  return verdict.code
end

local function response(want, certificate)
  if type(want) == "string" then
    return want
  end
  local copy = { leaf = certificate }
  for name, value in pairs(want) do
    copy[name] = value
  end
  return forge.ocsp(copy)
end

local MODES = { off = C.POLICY_OCSP_OFF, soft = C.POLICY_OCSP_SOFT, hard = C.POLICY_OCSP_HARD }

local function codes(port)
  return {
    off = code(port, new({ ocsp = MODES.off })), soft = code(port, new({ ocsp = MODES.soft })),
    hard = code(port, new({ ocsp = MODES.hard })),
  }
end

for _, version in ipairs({ "-tls1_2", "-tls1_3" }) do
  describe("stapled OCSP, " .. version:sub(2) .. ":", function()
    local server

    after_each(function()
      tls.close_all()
      if server then
        server:stop()
      end
      server = nil
    end)

    local function start(certificate, text, ...)
      local port
      server, port = serve(version, certificate, text, ...)
      return port
    end

    for name, case in pairs(CASES) do
      it(name, function()
        assert.same({ off = OK, soft = case[2], hard = case[3] },
          codes(start(leaf, response(case[1], leaf))))
      end)
    end

    it("none", function()
      assert.same({ off = OK, soft = OK, hard = REQUIRED }, codes(start(leaf)))
    end)

    it("none for a certificate that must have one", function()
      assert.same({ off = OK, soft = REQUIRED, hard = REQUIRED }, codes(start(bound)))
    end)

    it("a bad one for a certificate that must have one", function()
      assert.same({ off = OK, soft = INVALID, hard = INVALID },
        codes(start(bound, response({ broken = true }, bound))))
    end)

    it("a good one for a certificate that must have one", function()
      assert.same({ off = OK, soft = OK, hard = OK }, codes(start(bound, response({}, bound))))
    end)

    it("says what is wrong to the peer, which sees no certificate of ours", function()
      local port = start(leaf, response({ status = "revoked" }, leaf), "-Verify", "1")
      assert.equal(REVOKED, code(port, new({ ocsp = MODES.hard,
        credential = tls.identity(pki.get("client")) })))
      workspace.eventually(function()
        return server:errors():find("bad certificate status response", 1, true)
      end, "the alert", 20, function() return server:errors() end)
      assert.is_nil((server:errors() .. server:output()):find("gateway client"))
    end)

    it("is judged and goes on in report mode, and keeps no session", function()
      local client = new({ ocsp = MODES.soft, verify = C.POLICY_REPORT })
      local sessions = ffi.gc(ffi.new("struct session_cache"), C.session_clear)
      local near = visit(start(leaf, response({ status = "revoked" }, leaf)), client, sessions)
      local verdict = near:verdict()
      assert.same({ true, REVOKED, true }, { near.ready, verdict.code, verdict.report })
      assert.equal("OCSP response says revoked", verdict.text)
      assert.same({ 1, 0 }, { tonumber(client.stats.reported), sessions.count })
    end)

    it("is not asked for where nothing is verified", function()
      local near = visit(start(leaf, response({ status = "revoked" }, leaf)),
        new({ ocsp = MODES.hard, verify = C.POLICY_NO_VERIFY }))
      assert.equal("unverified", near:verdict().code)
    end)

    it("comes after the chain and the name", function()
      local near = tls.dial(start(leaf, response({ status = "revoked" }, leaf)))
        :connect(new({ ocsp = MODES.hard }), "elsewhere.example")
      tls.run(function() return near.ready or near.failed end)
      assert.equal("name_mismatch", near:verdict().code)
    end)

    it("bounds sessions, which then need none", function()
      local client = new({ ocsp = MODES.hard })
      local sessions = ffi.gc(ffi.new("struct session_cache"), C.session_clear)
      local port = start(leaf, response({ to = 600 }, leaf))
      visit(port, client, sessions):close()
      assert.is_true(sessions.count > 0)
      local ends = tonumber(sessions.slot[0].origin.bound) - os.time()
      assert.is_true(ends > 500 and ends <= 600, tostring(ends))
      local verdict = visit(port, client, sessions):verdict()
      assert.same({ true, "good" }, { verdict.resumed, verdict.ocsp })
    end)

    it("comes before the plugins that judge, which are asked once", function()
      local function judged(port, answer)
        local asked = {}
        local near = tls.dial(port)
        near.judge = function(presented)
          asked[#asked + 1] = { C.shown_count(presented), presented.verified }
          return answer
        end
        near:connect(new({ ocsp = MODES.hard, judges = "one", resume = false }), "kong.example")
        tls.run(function() return near.ready or near.failed end, "a handshake")
        local judgement = near:verdict().code
        near:close()
        return judgement, asked
      end
      local port = start(leaf, response({}, leaf))
      assert.same({ OK, { { 3, true } } }, { judged(port, true) })
      assert.same({ "refused_by_plugin", { { 3, true } } }, { judged(port, "no") })
      server:stop()
      assert.same({ REVOKED, {} },
        { judged(start(leaf, response({ status = "revoked" }, leaf)), true) })
    end)

    it("is judged anew in each full handshake", function()
      local client = new({ ocsp = MODES.hard })
      local port = start(leaf, response({}, leaf))
      assert.equal(OK, code(port, client))
      server:stop()
      port = start(leaf, response({ status = "revoked" }, leaf))
      assert.equal(REVOKED, code(port, client))
      assert.equal(0, tonumber(client.stats.verdict_hits))
    end)
  end)
end

describe("an OCSP responder's own certificate", function()
  local server

  after_each(function()
    tls.close_all()
    server:stop()
  end)

  local function judged(signer, want)
    want.ocsp = want.ocsp or MODES.hard
    local port
    server, port = serve("-tls1_3", leaf, forge.ocsp({ leaf = leaf, signer = signer,
      certs = { signer } }))
    local near = visit(port, new(want))
    local verdict = near:verdict()
    near:close()
    return { verdict.code, verdict.ocsp, verdict.ocsp_text }
  end

  local REFUSED = { INVALID, "bad",
    "the OCSP responder's certificate is revoked, or no CRL says that it is not" }
  local GOOD = { OK, "good" }
  local clean = assert(tls.crls(forge.crl({ issuer = inter, revoked = { other } })))
  local without = assert(tls.crls(forge.crl({ issuer = inter, revoked = { delegate, nocheck } })))

  it("is looked up in the policy's CRLs", function()
    assert.same(GOOD, judged(delegate, { crls = clean }))
    server:stop()
    assert.same(REFUSED, judged(delegate, { crls = without }))
    server:stop()
    assert.same({ OK, "bad", REFUSED[3] }, judged(delegate, { crls = without,
      ocsp = MODES.soft }))
  end)

  it("is not where its issuer says that it need not be", function()
    assert.same(GOOD, judged(nocheck, { crls = without }))
  end)

  it("counts by itself where there are no CRLs", function()
    assert.same(GOOD, judged(delegate, {}))
  end)

  it("ends what the response is good for", function()
    local client = new({ ocsp = MODES.hard })
    local sessions = ffi.gc(ffi.new("struct session_cache"), C.session_clear)
    local port
    server, port = serve("-tls1_3", leaf, forge.ocsp({ leaf = leaf, signer = brief,
      certs = { brief } }))
    visit(port, client, sessions):close()
    local ends = tonumber(sessions.slot[0].origin.bound) - os.time()
    assert.is_true(ends > 200 and ends <= 300, tostring(ends))
  end)
end)

describe("what became of a stapled response", function()
  local server

  after_each(function()
    tls.close_all()
    server:stop()
  end)

  -- Code, what is said of OCSP, and how often it was let pass.
  local function traced(text, mode, want)
    want = want or {}
    want.ocsp = MODES[mode]
    local port
    server, port = serve("-tls1_3", leaf, text)
    local client = new(want)
    local near = visit(port, client)
    local verdict = near:verdict()
    near:close()
    server:stop()
    return { verdict.code, verdict.ocsp, tonumber(client.stats.ocsp_soft) }
  end

  it("is part of the verdict, and counted where soft lets it pass", function()
    local good, revoked = forge.ocsp({ leaf = leaf }),
      forge.ocsp({ leaf = leaf, status = "revoked" })
    local bad, unknown = forge.ocsp({ leaf = leaf, broken = true }),
      forge.ocsp({ leaf = leaf, status = "unknown" })
    for _, case in ipairs({
      { good, "off", OK, "", 0 }, { good, "soft", OK, "good", 0 }, { good, "hard", OK, "good", 0 },
      { nil, "soft", OK, "none", 1 }, { nil, "hard", REQUIRED, "none", 0 },
      { bad, "soft", OK, "bad", 1 }, { bad, "hard", INVALID, "bad", 0 },
      { unknown, "soft", OK, "unknown", 1 }, { unknown, "hard", INVALID, "unknown", 0 },
      { revoked, "soft", REVOKED, "revoked", 0 }, { revoked, "hard", REVOKED, "revoked", 0 },
    }) do
      assert.same({ case[3], case[4], case[5] }, traced(case[1], case[2]))
    end
  end)

  it("stays with the session, and counts once", function()
    local port
    server, port = serve("-tls1_3", leaf)
    local client = new({ ocsp = MODES.soft })
    local sessions = ffi.gc(ffi.new("struct session_cache"), C.session_clear)
    visit(port, client, sessions):close()
    local verdict = visit(port, client, sessions):verdict()
    assert.same({ true, "none", "no OCSP response was stapled", 1 },
      { verdict.resumed, verdict.ocsp, verdict.ocsp_text, tonumber(client.stats.ocsp_soft) })
  end)

  it("is said in report mode, too", function()
    local report = { verify = C.POLICY_REPORT }
    assert.same({ REQUIRED, "none", 0 }, traced(nil, "hard", report))
    assert.same({ OK, "none", 1 }, traced(nil, "soft", report))
  end)
end)

describe("stapled OCSP", function()
  after_each(tls.close_all)

  it("of a leaf that is an anchor is signed by who issued it, if the peer shows that", function()
    local client = assert(tls.client(assert(tls.policy({ trust = assert(tls.trust(leaf.pem)),
      partial_chain = true, ocsp = MODES.hard }))))
    local identity = forge.identity({ leaf, namesake })
    for expected, case in pairs({
      [OK] = { forge.identity({ leaf, inter }).chain, { leaf = leaf } },
      [INVALID] = { identity.cert, { leaf = leaf } },
      ["another CA"] = { identity.chain, { leaf = leaf, issuer = namesake } },
    }) do
      local server, port = tls.s_server("-rev", "-cert", identity.cert, "-key", identity.key,
        "-cert_chain", case[1], "-status_file", written(forge.ocsp(case[2])))
      assert.equal(expected == OK, code(port, client) == OK, expected)
      server:stop()
    end
  end)

  it("may be signed by a leaf that signed itself", function()
    local alone = forge.certificate({ subject = "ocsp alone" })
    local identity = forge.identity({ alone })
    local server, port = tls.s_server("-rev", "-cert", identity.cert, "-key", identity.key,
      "-status_file", written(forge.ocsp({ leaf = alone, issuer = alone })))
    assert.equal(OK, code(port, assert(tls.client(assert(tls.policy({
      trust = assert(tls.trust(alone.pem)), ocsp = MODES.hard }))))))
    server:stop()
  end)

  it("is understood as `openssl ocsp` writes it", function()
    local directory = workspace.directory()
    local ca, identity = forge.identity({ inter }), forge.identity({ leaf, inter })
    local serial = workspace.run({ "openssl", "x509", "-in", identity.cert, "-noout", "-serial" })
      .stdout:match("serial=(%x+)")
    local index = "%s\t491231235959Z\t%s\t%s\tunknown\t/CN=x\n"
    for status, expected in pairs({ V = OK, R = REVOKED }) do
      local path = workspace.write(directory .. "/index" .. status .. ".txt",
        index:format(status, status == "R" and "250101000000Z" or "", serial))
      local out = directory .. "/" .. status .. ".der"
      local made = workspace.run({ "openssl", "ocsp", "-index", path, "-CA", ca.cert, "-rsigner",
        ca.cert, "-rkey", ca.key, "-issuer", ca.cert, "-cert", identity.cert, "-ndays", "1",
        "-respout", out, "-noverify" })
      assert.equal(0, made.code, made.stderr)
      local server, port = tls.s_server("-rev", "-cert", identity.cert, "-key", identity.key,
        "-cert_chain", identity.chain, "-status_file", out)
      assert.equal(expected, code(port, new({ ocsp = MODES.hard })))
      server:stop()
    end
  end)
end)
