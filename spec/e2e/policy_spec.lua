-- Every field of a verification policy, with an upstream that meets it and one that does not.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")
local workspace = require("spec.support.workspace")

local ROOT, OTHER, INTER, GUIDE, STRICT, BUNDLE, CLIENT = config.id(1), config.id(2), config.id(3),
  config.id(4), config.id(5), config.id(6), config.id(7)
local OK = 200

local function issue(name, want)
  want.subject = want.subject or "/CN=" .. name
  want.issuer = want.issuer or pki.get("inter")
  return pki.issue("policy-" .. name, want)
end

local IDENTITIES = {
  spiffe = issue("spiffe", { san = "URI:spiffe://domain/app" }),
  revoked = issue("revoked", { san = "DNS:kong.example" }),
}

-- A chain as RFC 5280 and the CA/Browser Forum want it.
local function strict_chain()
  local root = pki.issue("policy-strict-root", {
    subject = "/CN=strict root", ca = true, usage = "critical,keyCertSign,cRLSign",
  })
  return root, issue("strict", {
    san = "DNS:kong.example", subject = "/CN=kong.example", issuer = root, eku = "serverAuth",
    usage = "critical,digitalSignature",
  })
end

local STRICT_ROOT
STRICT_ROOT, IDENTITIES.strict = strict_chain()

local function leaf(name)
  return IDENTITIES[name] or pki.get(name)
end

local INTER_CRL = pki.crl("inter", pki.get("inter"), { IDENTITIES.revoked })
local ROOT_CRL = pki.crl("root", pki.get("root"), {})
local ROOT_CRL_INTER = pki.crl("root-inter", pki.get("root"), { pki.get("inter") })
local OTHER_CRL = pki.crl("other", pki.get("other_root"), {})

local function pins(kind, ...)
  local list = {}
  for i, name in ipairs({ ... }) do
    list[i] = pki.pin(leaf(name), kind)
  end
  return { [kind] = list }
end

-- Fields (over mode enforce and the root), upstream, and what becomes of a request: 200, the code
-- of the verdict, or "" where there is none since the handshake does not come to one.
local CASES = {
  { { mode = "enforce" }, "leaf", OK },
  { { mode = "enforce" }, "from_other_root", "untrusted_issuer" },
  { { mode = "report" }, "from_other_root", OK },
  { { mode = "off" }, "from_other_root", OK },
  { { mode = false, tls_verify = true }, "leaf", OK },
  { { mode = false, tls_verify = true }, "from_other_root", "untrusted_issuer" },
  { { mode = false, tls_verify = false }, "from_other_root", OK },
  { { tls_verify_depth = 3 }, "deep3", OK },
  { { tls_verify_depth = 2 }, "deep3", "depth_exceeded" },
  { { ca_certificates = { OTHER, ROOT } }, "leaf", OK },
  { { ca_certificates = { BUNDLE } }, "leaf", OK },
  { { ca_certificates = { BUNDLE } }, "from_other_root", OK },
  { { ca_certificates = { OTHER } }, "leaf", "untrusted_issuer" },
  { { ca_certificates = {} }, "leaf", "untrusted_issuer" },
  { { ca_certificates = false, system_cas = true }, "leaf", OK },
  { { ca_certificates = { OTHER }, system_cas = true }, "leaf", OK },
  { { ca_certificates = false, system_cas = true }, "from_other_root", "untrusted_issuer" },
  { { ca_certificates = { INTER }, partial_chain = true }, "leaf", OK },
  { { ca_certificates = { INTER } }, "leaf", "untrusted_issuer" },
  { { names = { dns = { "elsewhere.example" } } }, "wrong_name", OK },
  { { names = { dns = { "ELSEWHERE.example." } } }, "wrong_name", OK },
  { { names = { dns = { "elsewhere.example" } } }, "leaf", "name_mismatch" },
  { { names = { dns = { "kong.example", "none.example" } } }, "leaf", OK },
  { { names = { dns = { "kong.example", "other.example" }, match = "all" } }, "two_names", OK },
  { { names = { dns = { "kong.example", "other.example" }, match = "all" } }, "leaf",
    "name_mismatch" },
  { { names = { ip = { "127.0.0.1" } } }, "ip", OK },
  { { names = { ip = { "127.0.0.1" } } }, "ip_other", "name_mismatch" },
  { { names = { ip = { "127.0.0.1" } } }, "ip_as_dns", "name_mismatch" },
  { { names = { uri = { "spiffe://domain/app" } } }, "spiffe", OK },
  { { names = { uri = { "spiffe://domain/*" } } }, "spiffe", OK },
  { { names = { uri = { "spiffe://domain/ap" } } }, "spiffe", "name_mismatch" },
  { { names = { uri = { "spiffe://domai/*" } } }, "spiffe", "name_mismatch" },
  { { names = { uri = { "spiffe://domain/app" } } }, "leaf", "name_mismatch" },
  { { verify_name = false }, "wrong_name", OK },
  { { verify_name = false }, "from_other_root", "untrusted_issuer" },
  { { verify_name = true }, "wrong_name", "name_mismatch" },
  { { sni = "elsewhere.example" }, "wrong_name", "name_mismatch" },
  { { pins = pins("cert", "leaf") }, "leaf", OK },
  { { pins = pins("cert", "ip", "leaf") }, "leaf", OK },
  { { pins = pins("cert", "ip") }, "leaf", "pin_mismatch" },
  { { pins = pins("spki", "leaf") }, "leaf", OK },
  { { pins = pins("spki", "ip") }, "leaf", "pin_mismatch" },
  { { crl = { INTER_CRL } }, "leaf", OK },
  { { crl = { INTER_CRL } }, "revoked", "revoked" },
  { { crl = { OTHER_CRL } }, "leaf", "crl_missing" },
  { { crl = { INTER_CRL, ROOT_CRL }, crl_check = "chain" }, "leaf", OK },
  { { crl = { INTER_CRL, ROOT_CRL_INTER }, crl_check = "chain" }, "leaf", "revoked" },
  { { crl = { INTER_CRL, ROOT_CRL_INTER }, crl_check = "leaf" }, "leaf", OK },
  { { crl = { INTER_CRL }, crl_check = "chain" }, "leaf", "crl_missing" },
  { { ocsp = "hard" }, "ocsp-good", OK },
  { { ocsp = "hard" }, "ocsp-revoked", "revoked" },
  { { ocsp = "soft" }, "ocsp-revoked", "revoked" },
  { { ocsp = "off" }, "ocsp-revoked", OK },
  { { ocsp = "hard", mode = "report" }, "ocsp-revoked", OK },
  { { ocsp = "hard" }, "ocsp-other", "ocsp_invalid" },
  { { ocsp = "soft" }, "ocsp-other", OK },
  { { ocsp = "hard" }, "leaf", "ocsp_required" },
  { { ocsp = "soft" }, "leaf", OK },
  { { client_certificate = CLIENT }, "asks", OK },
  { {}, "asks", "" },
  { { min_version = "TLSv1.2" }, "tls12", OK },
  { { min_version = "TLSv1.3" }, "tls12", "" },
  { { max_version = "TLSv1.3" }, "tls13", OK },
  { { max_version = "TLSv1.2" }, "tls13", "" },
  { { ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" }, "aes128", OK },
  { { ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384" }, "aes128", "" },
  { { ciphersuites = "TLS_AES_256_GCM_SHA384" }, "suite256", OK },
  { { ciphersuites = "TLS_AES_128_GCM_SHA256" }, "suite256", "" },
  { { groups = "P-384" }, "group384", OK },
  { { groups = "P-256" }, "group384", "" },
  { { sigalgs = "ECDSA+SHA256" }, "leaf", OK },
  { { sigalgs = "RSA-PSS+SHA256" }, "leaf", "" },
  { { alpn = "http/1.1" }, "alpn", OK },
  { { alpn = "none" }, "alpn", OK },
  { { ca_certificates = { GUIDE }, security_level = 2 }, "guide", OK },
  { { ca_certificates = { GUIDE }, security_level = 3 }, "guide", "weak_key" },
  { { security_level = 3 }, "leaf", OK },
  { { ca_certificates = { STRICT }, strict = true }, "strict", OK },
  { { ca_certificates = { GUIDE }, strict = true }, "guide", "not_compliant" },
  { { ca_certificates = { GUIDE }, strict = false }, "guide", OK },
  { { next_ca_certificates = { ROOT } }, "leaf", OK },
  { { next_ca_certificates = { OTHER } }, "leaf", OK },
  { { next_system_cas = true }, "leaf", OK },
}

local LISTENERS = {
  tls12 = { tls = "leaf", version = "1.2" },
  alpn = { tls = "leaf", alpn = { "h2", "http/1.1" } },
  tls13 = { tls = "leaf", version = "1.3" },
  aes128 = { tls = "leaf", version = "1.2", ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" },
  asks = { tls = "leaf", client_ca = pki.get("root").cert, client_required = true },
  guide = { tls = pki.guide().leaf },
}

-- The file of a response that says of one certificate of `inter` what another one may then staple.
local function staple(name, status, of)
  local directory = workspace.directory()
  local serial = workspace.run({ "openssl", "x509", "-in", of.cert, "-noout", "-serial" }).stdout
    :match("serial=(%x+)")
  local index = workspace.write(directory .. "/index.txt", ("%s\t491231235959Z\t%s\t%s\t%s\n")
    :format(status, status == "R" and "250101000000Z" or "", serial, "unknown\t/CN=x"))
  local inter, out = pki.get("inter"), directory .. "/" .. name .. ".der"
  local made = workspace.run({ "openssl", "ocsp", "-index", index, "-CA", inter.cert,
    "-rsigner", inter.cert, "-rkey", inter.key, "-issuer", inter.cert, "-cert", of.cert,
    "-ndays", "1", "-noverify", "-respout", out })
  assert(made.code == 0, made.stderr)
  return out
end

local SERVERS = {
  ["ocsp-good"] = { "-status_file", staple("good", "V", pki.get("leaf")) },
  ["ocsp-revoked"] = { "-status_file", staple("revoked", "R", pki.get("leaf")) },
  ["ocsp-other"] = { "-status_file", staple("other", "V", IDENTITIES.revoked) },
  suite256 = { "-ciphersuites", "TLS_AES_256_GCM_SHA384" },
  group384 = { "-groups", "P-384" },
}

local function plugin(fields)
  local all = { mode = "enforce", ca_certificates = { ROOT } }
  for name, value in pairs(fields) do
    all[name] = value
  end
  for name, value in pairs(all) do
    if value == false and (name == "mode" or name == "ca_certificates") then
      all[name] = nil
    end
  end
  return { { name = "upstream-tls", config = all } }
end

local function title(case)
  local names = {}
  for name in pairs(case[1]) do
    names[#names + 1] = name
  end
  table.sort(names)
  return ("%s with %s: %s"):format(table.concat(names, ", "), case[2], case[3])
end

describe("a policy", function()
  local gateway, peer
  local ports = {}

  local function entities()
    return {
      ca_certificates = {
        config.ca(1, "root"), config.ca(2, "other_root"), config.ca(3, "inter"),
        config.ca(4, pki.guide().root), config.ca(5, STRICT_ROOT),
        { id = BUNDLE, cert = "# a bundle\n" .. pki.pem(pki.get("other_root")) .. "# and\n"
          .. pki.pem(pki.get("root")) },
      },
      certificates = { config.certificate(7, "client") },
      plugins = { { name = "verdict" } },
    }
  end

  setup(function()
    local listeners = {}
    for name, options in pairs(LISTENERS) do
      listeners[name] = options
    end
    for _, case in ipairs(CASES) do
      if not SERVERS[case[2]] then
        listeners[case[2]] = listeners[case[2]] or { tls = leaf(case[2]) }
      end
    end
    peer = upstreams.peer(listeners)
    for name, port in pairs(peer.ports) do
      ports[name] = port
    end
    for name, args in pairs(SERVERS) do
      ports[name] = upstreams.s_server({ tls = "leaf", args = args }).port
    end

    local services = {}
    for i, case in ipairs(CASES) do
      services["case" .. i] = {
        protocol = "https", port = ports[case[2]], plugins = plugin(case[1]),
        service = { retries = 0 },
      }
    end
    for _, name in ipairs({ "none", "host", "upstream_host", "elsewhere.example" }) do
      services["sni-" .. name] = {
        protocol = "https", host = "127.0.0.1", port = ports.leaf, preserve_host = false,
        plugins = plugin({ sni = name, names = { dns = { "kong.example" } } }),
      }
    end
    services.sans = {
      protocol = "https", port = ports.wrong_name, service = {
        tls_verify = true, ca_certificates = { ROOT },
        tls_sans = { dnsnames = { "elsewhere.example" }, uris = { "urn:other" } },
      },
    }
    services["other-sans"] = {
      protocol = "https", port = ports.leaf, service = {
        tls_verify = true, ca_certificates = { ROOT }, tls_sans = { uris = { "urn:other" } },
      },
    }
    gateway = helpers.gateway({
      config = config.build(services, entities()),
      settings = {
        tls_system_cas = pki.get("root").cert,
        plugins = "bundled,verdict", plugin_path = "spec/fixtures/plugins",
      },
    })
  end)
  teardown(helpers.stop_all)

  local function request(name, host)
    return gateway:get({ path = "/" .. name, host = host or "kong.example" })
  end

  local function line_of(response)
    local lines = gateway:lines("%[error%]", response.headers["x-kong-request-id"])
    assert.equal(1, #lines)
    return lines[1]
  end

  for i, case in ipairs(CASES) do
    it("of " .. title(case), function()
      for _ = 1, 2 do
        local response = request("case" .. i)
        if case[3] == OK then
          assert.equal(200, response.status, gateway:logs():sub(-600))
        else
          assert.equal(502, response.status)
          local line = line_of(response)
          assert.truthy(line:find("code: " .. case[3], 1, true) or case[3] == "", line)
        end
      end
    end)
  end

  it("chooses the name that is asked for", function()
    for name, sni in pairs({
      none = cjson.null, host = "client.example", upstream_host = cjson.null,
      ["elsewhere.example"] = "elsewhere.example",
    }) do
      assert.equal(200, request("sni-" .. name, "client.example").status)
      assert.equal(sni, peer:last("handshake", "leaf").sni, name)
    end
  end)

  it("reuses no connection that was made under another name", function()
    for _, host in ipairs({ "one.example", "two.example" }) do
      assert.equal(200, request("sni-host", host).status)
      assert.equal(host, peer:last("handshake", "leaf").sni)
    end
    -- Each has its own now; asked again, neither shakes hands once more.
    assert.equal(200, request("sni-host", "one.example").status)
    assert.equal("two.example", peer:last("handshake", "leaf").sni)
  end)

  it("takes an Enterprise service's names beside its host", function()
    assert.equal(200, request("sans").status)
    local response = request("other-sans")
    assert.equal(502, response.status)
    assert.matches("name_mismatch", line_of(response))
  end)

  -- The number of the first case with these fields.
  local function number_of(wanted, listener)
    for i, case in ipairs(CASES) do
      local same = case[2] == listener
      for name, value in pairs(wanted) do
        same = same and case[1][name] == value
      end
      if same then
        return i
      end
    end
  end

  local function verdict_of(name)
    return cjson.decode(request(name).headers["x-verdict"])
  end

  it("tells plugins the verdict", function()
    local good = verdict_of("case" .. number_of({ mode = "enforce" }, "leaf"))
    assert.equal("ok", good.code)
    assert.equal(0, good.openssl)
    local report = verdict_of("case" .. number_of({ mode = "report" }, "from_other_root"))
    assert.equal("untrusted_issuer", report.code)
    assert.equal(20, report.openssl)
    assert.equal(64, #report.sha256)
    local off = verdict_of("case" .. number_of({ mode = "off" }, "from_other_root"))
    assert.equal("unverified", off.code)
    local path = "case" .. number_of({ mode = "enforce" }, "from_other_root")
    local from = #gateway:logs() + 1
    assert.equal(502, request(path).status)
    local line = gateway:wait_line("verdict of /" .. path .. ": ", from)
    assert.equal("untrusted_issuer", cjson.decode(line:match(": ({.-})")).code)
  end)

  it("in report mode is logged with each handshake, and serves no other policy", function()
    local path = "/case" .. number_of({ mode = "report" }, "from_other_root")
    local lines = gateway:lines("%[warn%]", "code: untrusted_issuer", path)
    assert.is_true(#lines > 0)
    assert.matches("mode: report", lines[1])
    assert.equal(502, request("case" .. number_of({ mode = "enforce" }, "from_other_root")).status)
  end)

  it("with a next bundle says where the two differ, and nothing where they do not", function()
    local function said_about(i)
      local same = gateway:lines("%[notice%]", "next bundle", '/case' .. i .. ' ')
      return #same, same[1]
    end
    local first
    for i, case in ipairs(CASES) do
      if case[1].next_ca_certificates and case[1].next_ca_certificates[1] == OTHER then
        first = i
      end
    end
    local count, line = said_about(first)
    assert.is_true(count > 0)
    assert.matches("next_code: untrusted_issuer", line)
    assert.equal(0, (said_about(first - 1)))
    assert.equal(0, (said_about(number_of({ next_system_cas = true }, "leaf"))))
  end)

  it("is shown with where each value is from", function()
    local answer = cjson.decode(client.curl({
      url = ("http://127.0.0.1:%d/routes/case1/tls"):format(gateway.admin_port),
    }).body)
    assert.equal("enforce", answer.mode)
    assert.same({ name = "mode", value = "enforce", origin = "upstream-tls (service)" },
      answer.fields[1])
    answer = cjson.decode(client.curl({
      url = ("http://127.0.0.1:%d/services/sans/tls"):format(gateway.admin_port),
    }).body)
    local names
    for _, field in ipairs(answer.data[1].fields) do
      names = field.name == "names" and field or names
    end
    assert.equal("service.tls_sans", names.origin)
    assert.same({ "elsewhere.example", "sans.upstream" }, names.value.dns)
  end)

  it("is warned of where it does not do what one might think", function()
    assert.is_true(#gateway:lines("%[warn%]", "verified for the log only") > 0)
    assert.is_true(#gateway:lines("%[warn%]", "certificate of any name") > 0)
    assert.is_true(#gateway:lines("%[warn%]", "is not verified %(mode off") > 0)
  end)

  it("with a mistake leaves the one in force", function()
    for _, case in ipairs({
      { { mode = "onn" }, "config.mode: expected one of: enforce, report, off" },
      { { ca_certificates = { config.id(99) } }, "config.ca_certificates[0]: invalid reference" },
      { { client_certificate = config.id(99) }, "config.client_certificate: invalid reference" },
      { { crl = { pki.pem(pki.get("root")) } }, "config.crl: " },
      { { ciphers = "NONSENSE" }, "config.ciphers: " },
      { { ciphersuites = "NONSENSE" }, "config.ciphersuites: " },
      { { groups = "NONSENSE" }, "config.groups: " },
      { { sigalgs = "NONSENSE" }, "config.sigalgs: " },
      { { alpn = "h2" }, "config.alpn: value 'h2' is not spoken to upstreams: HTTP/2" },
    }) do
      local services = { case1 = {
        protocol = "https", port = ports.leaf, plugins = plugin(case[1]),
      } }
      local applied, log = gateway:reload(config.build(services, entities()))
      assert.is_false(applied, case[2])
      assert.truthy(log:find(case[2], 1, true), log)
      assert.matches("weir%.json:1:%d+: ", log)
    end
    assert.equal(200, request("case1").status)
  end)
end)
