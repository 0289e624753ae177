-- `weir tls explain`, `verify` and `diff` on real chains and real servers.

local cjson = require("cjson")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT_ID = "bf6e0f14-78cd-45ad-9325-87ec7ef7b892"

local function weir(...)
  return helpers.run({ helpers.binary(), "tls", ... })
end

local function explain(...)
  local result = weir("explain", "--json", ...)
  return result.code, result.code < 2 and result.stderr == "" and cjson.decode(result.stdout)
    or result.stderr
end

local function rule(report, name)
  for _, item in ipairs(report.rules) do
    if item.name == name then
      return item
    end
  end
end

local function indented(identity)
  return (pki.pem(identity):gsub("(.-)\n", "    %1\n"))
end

-- A declarative file with one service; `fields` are further lines of it.
local function configuration(port, fields, more)
  return helpers.write(helpers.directory() .. "/weir.yml", ([[
_format_version: "3.0"
ca_certificates:
- id: %s
  cert: |
%s
services:
- name: echo
  url: https://kong.example:%d
  tls_verify: true
  ca_certificates: [%s]
%s
%s
]]):format(ROOT_ID, indented(pki.get("root")), port, ROOT_ID, fields or "", more or ""))
end

-- An upstream-tls plugin for such a service.
local function demanding(ocsp)
  return ("  plugins: [{name: upstream-tls, config: {ocsp: %s}}]"):format(ocsp)
end

describe("weir tls explain", function()
  local nginx, servers

  setup(function()
    nginx = upstreams.nginx({ tls = "leaf" })
    servers = {}
    for _, name in ipairs({ "deep3", "expired", "wrong_name", "client_only", "with_root" }) do
      servers[name] = upstreams.s_server({ tls = name })
    end
  end)
  teardown(helpers.stop_all)

  it("judges what is stapled in a handshake only", function()
    local path = configuration(nginx.port, demanding("hard"))
    local code, report = explain("--config", path, "--service", "echo",
      "127.0.0.1:" .. nginx.port)
    assert.equal(1, code)
    assert.same({ "ocsp", "ocsp_required" }, { report.failed, report.verdict.code })
    assert.equal("ocsp_required", rule(report, "ocsp").result)
    code, report = explain("--config", path, "--service", "echo", "--chain",
      pki.get("leaf").chain)
    assert.equal(0, code)
    assert.equal("not judged", rule(report, "ocsp").result)
    path = configuration(nginx.port, demanding("soft"))
    code, report = explain("--config", path, "--service", "echo", "127.0.0.1:" .. nginx.port)
    assert.equal(0, code)
    assert.equal("ok", rule(report, "ocsp").result)
    assert.equal("none", report.verdict.ocsp)
    assert.matches("staples no OCSP response", report.notes[#report.notes])
  end)

  local function at(server)
    return "127.0.0.1:" .. server.port
  end

  it("accepts what the policy accepts, and shows the way to the anchor", function()
    local code, report = explain(at(nginx), "--ca", pki.get("root").cert, "--name", "kong.example")
    assert.equal(0, code)
    assert.is_true(report.accepted)
    assert.equal("ok", report.verdict.code)
    assert.equal("CN=weir test root", report.verdict.anchor)
    local roles = {}
    for i, certificate in ipairs(report.chain.path) do
      roles[i] = certificate.role
      assert.same({ "EC", "P-256" }, { certificate.key_type, certificate.key_group })
      assert.is_true(certificate.days_left > 300)
    end
    assert.same({ "leaf", "intermediate", "anchor" }, roles)
    assert.equal("DNS:kong.example", report.chain.path[1].names)
    assert.same({ intermediates = 1, allowed = 100 }, report.depth)
    for _, item in ipairs(report.rules) do
      assert.equal("ok", item.result, item.name)
    end
  end)

  local cases = {
    { "leaf", { "--depth", "0" }, "depth_exceeded", "tls_verify_depth" },
    { "deep3", { "--depth", "2" }, "depth_exceeded", "tls_verify_depth" },
    { "expired", {}, "expired", "validity" },
    { "wrong_name", {}, "name_mismatch", "names" },
    { "client_only", {}, "wrong_purpose", "purpose" },
  }
  for _, case in ipairs(cases) do
    it(("says %s for %s"):format(case[3], case[1]), function()
      local code, report = explain(at(servers[case[1]] or nginx), "--ca", pki.get("root").cert,
        "--name", "kong.example", unpack(case[2]))
      assert.equal(1, code)
      assert.same({ case[3], case[4] }, { report.verdict.code, report.failed })
      assert.equal(case[3], rule(report, case[4]).result)
      assert.is_true(#report.remedy > 20)
    end)
  end

  it("finds all that is wrong, not only the first", function()
    local _, report = explain(at(servers.deep3), "--ca", pki.get("root").cert, "--depth", "0",
      "--name", "other.example")
    assert.equal("depth_exceeded", rule(report, "tls_verify_depth").result)
    assert.equal("name_mismatch", rule(report, "names").result)
    assert.equal("ok", rule(report, "validity").result)
  end)

  it("trusts nobody unless it is told to", function()
    local code, report = explain(at(nginx), "--name", "kong.example")
    assert.equal(1, code)
    assert.equal("ca_certificates", report.failed)
    assert.is_nil(report.chain.anchor)
  end)

  it("takes TARGET's host for the name", function()
    local code, report = explain(at(nginx), "--ca", pki.get("root").cert)
    assert.equal(1, code)
    assert.same({ "name_mismatch", "IP:127.0.0.1" },
      { report.verdict.code, report.verdict.names_wanted })
  end)

  it("finds a root that was sent to be in the bundle", function()
    local code, report = explain(at(servers.with_root), "--ca", pki.get("root").cert, "--name",
      "kong.example")
    assert.equal(0, code)
    assert.equal(3, #report.chain.path)
    assert.same({}, report.chain.unused)
  end)

  it("judges a file without a server", function()
    local code, report = explain("--chain", pki.get("deep3").chain, "--ca", pki.get("root").cert,
      "--name", "kong.example", "--depth", "3")
    assert.equal(0, code)
    assert.same({ intermediates = 3, allowed = 3 }, report.depth)
  end)

  it("prints text for people", function()
    local result = weir("explain", at(nginx), "--ca", pki.get("root").cert, "--name", "x.example")
    assert.equal(1, result.code)
    for _, expected in ipairs({
      "CN=weir test root  %(anchor, of the bundle%)", "`%- CN=kong.example  %(leaf, sent%)",
      "days left", "EC P%-256", "! names ",
      "Refused: name_mismatch %(OpenSSL 62: hostname mismatch%)",
      "wanted DNS:x.example", "seen   DNS:kong.example", "Remedy: ",
    }) do
      assert.matches(expected, result.stdout)
    end
  end)

  it("uses the policy of a service, with the origin of each value", function()
    local path = configuration(nginx.port, "  tls_verify_depth: 0")
    local code, report = explain(at(nginx), "--config", path, "--service", "echo")
    assert.equal(1, code)
    local depth = rule(report, "tls_verify_depth")
    assert.same({ 0, "depth_exceeded" }, { depth.value, depth.result })
    assert.matches("service", depth.origin)
    assert.equal("default", rule(report, "partial_chain").origin)
    assert.same({ ROOT_ID }, rule(report, "ca_certificates").value)
  end)

  it("asks the service's own target when there is no TARGET, and knows its name", function()
    local path = configuration(nginx.port, "  tls_verify_depth: 1", ([[
upstreams:
- name: kong.example
  host_header: kong.example
  targets: [{target: "127.0.0.1:%d"}]
]]):format(nginx.port))
    local code, report = explain("--config", path, "--service", "echo")
    assert.equal(0, code, tostring(report))
    assert.equal(at(nginx), report.title)
    assert.equal("kong.example", rule(report, "names").value)
  end)

  it("calls an upstream without a host_header by its target, as the gateway does", function()
    local path = configuration(nginx.port, "", ([[
upstreams:
- name: kong.example
  targets: [{target: "127.0.0.1:%d"}]
]]):format(nginx.port))
    local code, report = explain("--config", path, "--service", "echo")
    assert.equal(1, code)
    assert.same({ "name_mismatch", "127.0.0.1" },
      { report.verdict.code, rule(report, "names").value })
  end)

  describe("of a service whose routes preserve the client's Host", function()
    local UPSTREAM = [[
upstreams:
- name: kong.example
  targets: [{target: "127.0.0.1:%d"}]
]]

    local function judged(routes, ...)
      local path = configuration(nginx.port, "  routes:\n" .. routes, UPSTREAM:format(nginx.port))
      local code, report = explain("--config", path, "--service", "echo", ...)
      assert.is_table(report)
      local names = rule(report, "names")
      return code, names and names.value, report.notes
    end

    local PRESERVING = "  - {name: r, hosts: [%s], preserve_host: true}\n"

    it("takes that for the name, and says so", function()
      for _, argv in ipairs({ {}, { "--route", "r" } }) do
        local code, name, notes = judged(PRESERVING:format("kong.example"), unpack(argv))
        assert.same({ 0, "kong.example" }, { code, name })
        assert.same({ "its name is the Host that the client asks for (preserve_host)" }, notes)
      end
    end)

    it("names the others, and judges what --name says", function()
      local routes = PRESERVING:format("a.example, kong.example, '*.b.example'")
      local code, name, notes = judged(routes)
      assert.same({ 1, "a.example" }, { code, name })
      assert.matches("see %-%-name for others: kong.example$", notes[1])
      assert.equal(0, (judged(routes, "--name", "kong.example")))
    end)

    it("judges the chain only where any name may be asked for", function()
      local code, _, notes = judged("  - {name: r, paths: [/], preserve_host: true}\n")
      assert.equal(0, code)
      assert.equal("no name is known: only the chain is judged; see --name", notes[2])
    end)

    it("says nothing of it where the policy has names of its own", function()
      local routes = PRESERVING:format("a.example")
        .. "  plugins: [{name: upstream-tls, config: {names: {dns: [kong.example]}}}]\n"
      local code, _, notes = judged(routes)
      assert.same({ 0, {} }, { code, notes })
    end)

    it("says which of them do where some do not", function()
      local routes = PRESERVING:format("kong.example") .. "  - {name: other, paths: [/]}\n"
      local code, name, notes = judged(routes)
      assert.same({ 1, "127.0.0.1" }, { code, name })
      assert.matches("^route 'r' passes on the client's Host .*: see %-%-route$", notes[1])
      assert.equal(0, (judged(routes, "--route", "r")))
      assert.equal(1, (judged(routes, "--route", "other")))
    end)
  end)

  describe("of targets", function()
    local function pair(second)
      return configuration(nginx.port, "", ([[
upstreams:
- name: kong.example
  host_header: kong.example
  targets: [{target: "127.0.0.1:%d"}, {target: "127.0.0.1:%d"}]
plugins:
- name: upstream-tls
  config: {targets: [{target: "127.0.0.1:%d", tls_verify_depth: 0}]}
]]):format(nginx.port, second, second))
    end

    it("judges each by its own policy, whichever way it is named", function()
      local second = upstreams.nginx({ tls = "leaf" })
      local path = pair(second.port)
      local argv = { "--config", path, "--service", "echo" }
      local code, report = explain(unpack(argv))
      assert.equal(0, code, tostring(report))
      assert.equal(at(nginx), report.title)
      assert.same({ ("target '%s' has a policy of its own: see --target"):format(at(second)) },
        report.notes)
      for _, way in ipairs({
        { "--target", at(second) }, { at(second) }, { at(nginx), "--target", at(second) },
        { "--chain", pki.get("leaf").chain, "--target", at(second) },
      }) do
        for _, word in ipairs(argv) do
          way[#way + 1] = word
        end
        code, report = explain(unpack(way))
        assert.equal(1, code, tostring(report))
        assert.same({ 0, ("upstream-tls (global, target %s)"):format(at(second)) }, {
          rule(report, "tls_verify_depth").value, rule(report, "tls_verify_depth").origin,
        })
      end
    end)

    it("knows a service's own", function()
      local path = pair(helpers.free_port())
      local result = weir("explain", "--config", path, "--service", "echo", "--target", "a:1")
      assert.equal(1, result.code)
      assert.matches("service 'echo' has no target 'a:1'; it has: " .. at(nginx) .. ", ",
        result.stderr)
    end)
  end)

  it("tells a route's policy from its service's", function()
    local path = configuration(nginx.port, [[
  routes:
  - name: strict
    paths: [/]
    plugins:
    - {name: upstream-tls, config: {tls_verify_depth: 0}}
]])
    local code, report = explain(at(nginx), "--config", path, "--service", "echo")
    assert.equal(0, code)
    assert.same({ "route 'strict' has a policy of its own: see --route" }, report.notes)
    code, report = explain(at(nginx), "--config", path, "--service", "echo", "--route", "strict")
    assert.equal(1, code)
    assert.equal("tls_verify_depth", report.failed)
  end)

  it("says what enforcing would do where the policy goes on regardless", function()
    for _, mode in ipairs({ "report", "off" }) do
      local path = configuration(servers.wrong_name.port, "", ([[
plugins:
- {name: upstream-tls, config: {mode: "%s"}}
]]):format(mode))
      local argv = { at(servers.wrong_name), "--config", path, "--service", "echo" }
      local code, report = explain(unpack(argv))
      assert.equal(0, code, tostring(report))
      assert.same({ true, mode, "name_mismatch", "names" },
        { report.accepted, report.mode, report.verdict.code, report.failed })
      assert.matches("upstream%-tls", rule(report, "mode").origin)
      assert.matches("Accepted, because the mode is " .. mode .. "; enforcing would refuse it: ",
        weir("explain", unpack(argv)).stdout)
    end
  end)

  it("shakes hands as the policy says", function()
    local old = upstreams.s_server({ tls = "leaf", args = { "-tls1_2" } })
    local path = configuration(old.port, "", [[
plugins:
- {name: upstream-tls, config: {min_version: TLSv1.3}}
]])
    local result = weir("explain", at(old), "--config", path, "--service", "echo")
    assert.equal(1, result.code)
    assert.matches("protocol version", result.stderr)
  end)

  it("ends with 1 and a reason when there is nothing to explain", function()
    local path = configuration(nginx.port)
    local plain = helpers.free_port()
    for expected, argv in pairs({
      ["connection refused"] = { "127.0.0.1:" .. plain },
      ["no service 'nobody'"] = { "--config", path, "--service", "nobody" },
      ["cannot read"] = { "--config", "/no/such/file", "--service", "echo" },
      ["nowhere.invalid"] = { "nowhere.invalid:1" },
    }) do
      local result = weir("explain", unpack(argv))
      assert.equal(1, result.code, result.stderr)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find(expected, 1, true), result.stderr)
    end
  end)
end)

describe("weir tls verify", function()
  local function verify(cases)
    local lines = {}
    for i, case in ipairs(cases) do
      lines[i] = type(case) == "string" and case or cjson.encode(case)
    end
    local file = helpers.write(helpers.directory() .. "/cases", table.concat(lines, "\n") .. "\n")
    local result = helpers.run({ helpers.binary(), "tls", "verify", stdin = file })
    local answers = {}
    for line in result.stdout:gmatch("([^\n]+)\n") do
      answers[#answers + 1] = cjson.decode(line)
    end
    return result.code, answers
  end

  -- A case of the catalogue: the leaf, what it sends, and the root.
  local function case(name, changes)
    local identity = pki.get(name)
    local sent = {}
    for block in pki.text(identity.chain):gmatch("%-%-%-%-%-BEGIN.-END CERTIFICATE%-%-%-%-%-\n") do
      sent[#sent + 1] = block
    end
    local made = {
      id = name, peer_certificate = table.remove(sent, 1), untrusted_intermediates = sent,
      trusted_certs = { pki.pem(pki.get("root")) },
      expected_peer_name = { kind = "DNS", value = "kong.example" },
    }
    for field, value in pairs(changes or {}) do
      made[field] = value
    end
    return made
  end

  it("judges as a handshake does", function()
    local soon = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + 5 * 86400)
    local expectations = {
      { case("leaf"), "ok" },
      { case("leaf", { max_chain_depth = 1 }), "ok" },
      { case("leaf", { max_chain_depth = 0 }), "depth_exceeded" },
      { case("deep3", { max_chain_depth = 2 }), "depth_exceeded" },
      { case("leaf", { expected_peer_name = cjson.null }), "ok" },
      { case("wrong_name"), "name_mismatch" },
      { case("cn_only"), "name_mismatch" },
      { case("ip", { expected_peer_name = { kind = "IP", value = "127.0.0.1" } }), "ok" },
      { case("ip_as_dns", { expected_peer_name = { kind = "IP", value = "127.0.0.1" } }),
        "name_mismatch" },
      { case("expired"), "expired" },
      { case("not_yet"), "not_yet_valid" },
      { case("not_yet", { validation_time = soon }), "ok" },
      { case("client_only"), "wrong_purpose" },
      { case("from_leaf"), "not_a_ca" },
      { case("outside"), "name_constraint" },
      { case("leaf", { trusted_certs = { pki.pem(pki.get("other_root")) } }), "untrusted_issuer" },
      { case("leaf", { trusted_certs = {} }), "untrusted_issuer" },
      { case("leaf", { untrusted_intermediates = {} }), "untrusted_issuer" },
      { case("leaf", { trusted_certs = { pki.pem(pki.get("inter")) } }), "untrusted_issuer" },
      { case("leaf", { trusted_certs = { pki.pem(pki.get("inter")) }, partial_chain = true }),
        "ok" },
    }
    local cases = {}
    for i, expectation in ipairs(expectations) do
      cases[i] = expectation[1]
    end
    local code, answers = verify(cases)
    assert.equal(0, code)
    assert.equal(#expectations, #answers)
    for i, expectation in ipairs(expectations) do
      local answer = answers[i]
      local label = ("case %d, %s"):format(i, expectation[1].id)
      assert.equal(expectation[1].id, answer.id, label)
      assert.equal(expectation[2], answer.verdict.code, label)
      assert.equal(expectation[2] == "ok" and "SUCCESS" or "FAILURE", answer.result, label)
    end
  end)

  it("goes on after lines that make no sense", function()
    local broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    local code, answers = verify({
      "no json", case("leaf", { peer_certificate = broken }),
      case("leaf", { trusted_certs = { broken } }), case("leaf", { crls = { broken } }),
      case("leaf", { expected_peer_name = { kind = "DNS", value = "a b" } }), "\0", case("leaf"),
    })
    assert.equal(1, code)
    assert.equal(7, #answers)
    for i = 1, 6 do
      assert.equal("FAILURE", answers[i].result)
      assert.matches("^line " .. i .. ": ", answers[i].error)
    end
    assert.matches("trusted_certs: ", answers[3].error)
    assert.equal("SUCCESS", answers[7].result)
  end)
end)

describe("weir tls diff", function()
  it("shows which services' policies differ", function()
    local old = configuration(8443, "  tls_verify_depth: 1")
    local new = configuration(8443, "  tls_verify_depth: 0")
    local result = weir("diff", old, new)
    assert.equal(1, result.code, result.stderr)
    assert.matches("^service 'echo'\n  tls_verify_depth: 1 %(.-%) %-> 0 %(.-%)\n$", result.stdout)
    assert.equal(0, weir("diff", old, old).code)
  end)

  it("sees another certificate behind the same id", function()
    local old = configuration(8443)
    local text = helpers.read(old)
    local new = helpers.write(helpers.directory() .. "/weir.yml", (text:gsub(
      indented(pki.get("root")):gsub("%p", "%%%0"), function()
        return indented(pki.get("other_root"))
      end)))
    local result = weir("diff", old, new)
    assert.equal(1, result.code, result.stderr)
    assert.matches("\n  trusts no more CN=weir test root %(%x+%)\n", result.stdout)
    assert.matches("\n  trusts now CN=weir other root %(%x+%)\n", result.stdout)
  end)

  it("shows which targets' policies differ", function()
    local function targets(entries)
      return configuration(8443, "", ([[
plugins:
- name: upstream-tls
  config: {targets: [%s]}
]]):format(entries))
    end
    local old = targets('{target: "kong.example:8443", strict: true}')
    local new = targets('{target: "kong.example", tls_verify_depth: 0}')
    local result = weir("diff", old, new)
    assert.equal(1, result.code, result.stderr)
    assert.equal("service 'echo', target 'kong.example:8443'\n"
      .. "  strict: true (upstream-tls (global, target kong.example:8443)) -> false (default)\n"
      .. "  tls_verify_depth: 100 (default) -> 0 (upstream-tls (global, target kong.example))\n",
      result.stdout)
    result = weir("diff", configuration(8443), new)
    assert.equal(1, result.code)
    assert.equal("service 'echo', target 'kong.example:8443'\n"
      .. "  tls_verify_depth: 100 (default) -> 0 (upstream-tls (global, target kong.example))\n",
      result.stdout)
    assert.equal(0, weir("diff", new, new).code)
  end)

  it("ends with 2 when a file is not valid", function()
    local result = weir("diff", configuration(8443, "  tls_verify_depth: 99"), configuration(8443))
    assert.equal(2, result.code)
    assert.matches("tls_verify_depth", result.stderr)
  end)
end)
