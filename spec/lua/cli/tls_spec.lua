require("spec.support.fake_core").install()
local cjson = require("cjson")
local helpers = require("spec.helpers")

-- The judge of these specs: gives `verdicts` one after the other, then "ok", and keeps what it was
-- asked.
local verdicts, asked

local function with(made, more)
  for name, value in pairs(more) do
    made[name] = value
  end
  return made
end

package.loaded["weir.tls.judge"] = {
  chain = function(choice, pems, name, at)
    asked[#asked + 1] = { choice = with({}, choice), pems = pems, name = name, at = at }
    local verdict = table.remove(verdicts, 1) or { code = "ok" }
    if verdict.impossible then
      return nil, verdict.impossible
    end
    return with({ openssl = 0, text = "ok" }, verdict)
  end,
  connection = function(_, address)
    return nil, "cannot connect to " .. address
  end,
}
package.loaded["weir.tls"] = {
  trust = function(pems)
    if pems[1] == "bad" then
      return nil, "text 1, no certificate in it"
    end
    return { pems = pems }
  end,
}

local loaded_policies = {}
package.loaded["weir.cli.tls.policies"] = {
  load = function(path)
    local list = loaded_policies[path]
    return list, not list and { path .. ":1:1: wrong" } or nil
  end,
}

local cli = require("weir.cli")

local function stream()
  return {
    text = "",
    write = function(self, ...)
      self.text = self.text .. table.concat({ ... })
      return self
    end,
    flush = function() end,
  }
end

-- Runs a command. `input` is what standard input gives, piece by piece.
local function weir(argv, input)
  local pieces = input or {}
  local process = {
    stdin = { read = function() return table.remove(pieces, 1) end },
    stdout = stream(), stderr = stream(), environment = {},
  }
  local action = cli.main(argv, process)
  assert.equal("exit", action.action)
  return action.code, process.stdout.text, process.stderr.text
end

local function written(text)
  return helpers.write(helpers.directory() .. "/written", text)
end

local function certificate(words)
  return ("-----BEGIN CERTIFICATE-----\nCERT %s\n-----END CERTIFICATE-----\n"):format(words)
end

before_each(function()
  verdicts, asked = {}, {}
end)

describe("weir tls", function()
  it("explains itself and its commands", function()
    for _, argv in ipairs({ { "tls", "--help" }, { "tls", "-h" }, { "help", "tls" } }) do
      local code, out = weir(argv)
      assert.equal(0, code)
      for _, name in ipairs({ "explain", "verify", "diff" }) do
        assert.matches("\n   " .. name .. " ", out)
      end
    end
    for _, name in ipairs({ "explain", "verify", "diff" }) do
      local code, out = weir({ "tls", name, "--help" })
      assert.equal(0, code)
      assert.matches("^Usage: weir tls " .. name, out)
      assert.matches("Exit status:", out)
      assert.equal(out, select(2, weir({ "help", "tls", name })))
      for line in out:gmatch("[^\n]+") do
        assert.is_true(#line <= 100, line)
      end
    end
  end)

  it("ends with 2 when the command line is not valid", function()
    for expected, argv in pairs({
      ["Error: a command is missing"] = { "tls" },
      ["Error: unknown command 'tls verfy' (did you mean 'verify'?)"] = { "tls", "verfy" },
      ["Error: TARGET or --chain is missing"] = { "tls", "explain" },
      ["Error: TARGET and --chain exclude each other"]
        = { "tls", "explain", "a:1", "--chain", "x" },
      ["Error: --config needs --service"] = { "tls", "explain", "a:1", "--config", "x" },
      ["Error: --service, --route and --target need --config"]
        = { "tls", "explain", "a:1", "--route", "x" },
      ["Error: --ca and --depth cannot be used with --config"]
        = { "tls", "explain", "--config", "x", "--service", "y", "--depth", "1" },
      ["Error: --depth: expected a whole number from 0 to 100, got '101'"]
        = { "tls", "explain", "a:1", "--depth", "101" },
      ["Error: --timeout: expected a number of seconds"]
        = { "tls", "explain", "a:1", "--timeout", "0" },
      ["Error: TARGET: invalid port number"] = { "tls", "explain", "a:x" },
      ["Error: too many arguments"] = { "tls", "verify", "x" },
      ["Error: missing argument 'NEW'"] = { "tls", "diff", "x" },
      ["Error: unknown option '--against'"]
        = { "tls", "diff", "x", "y", "--against", "z" },
    }) do
      local code, out, err = weir(argv)
      assert.equal(2, code, expected .. err)
      assert.equal("", out)
      assert.truthy(err:find(expected, 1, true), err)
    end
  end)
end)

describe("weir tls verify", function()
  -- Judges lines; returns the status and the answers.
  local function judge(...)
    local code, out = weir({ "tls", "verify" }, { ... })
    local answers = {}
    for line in out:gmatch("([^\n]*)\n") do
      answers[#answers + 1] = cjson.decode(line)
    end
    return code, answers
  end

  it("answers each line with a verdict", function()
    verdicts = { { code = "ok", anchor = "CN=root" }, { code = "expired", openssl = 10 } }
    local code, answers = judge('{"id":1,"peer_certificate":"a"}\n',
      '{"id":"two","peer_certificate":"b"}\n')
    assert.equal(0, code)
    assert.same({ 1, "SUCCESS", "ok", "CN=root" },
      { answers[1].id, answers[1].result, answers[1].verdict.code, answers[1].verdict.anchor })
    assert.same({ "two", "FAILURE", "expired", 10 },
      { answers[2].id, answers[2].result, answers[2].verdict.code, answers[2].verdict.openssl })
  end)

  it("makes a policy of the case's fields", function()
    judge(cjson.encode({
      peer_certificate = "leaf", untrusted_intermediates = { "inter" }, trusted_certs = { "root" },
      expected_peer_name = { kind = "IP", value = "127.0.0.1" }, max_chain_depth = 1,
      validation_time = "1970-01-02T00:00:00Z", extended_key_usage = { "serverAuth" },
      crls = { "crl" }, strict = true, partial_chain = true, security_level = 3,
    }))
    assert.same({
      verify = true, trust = { pems = { "root" } }, depth = 1, verify_name = true,
      crl = { "crl" }, crl_check = "chain", strict = true, partial_chain = true,
      security_level = 3,
    }, asked[1].choice)
    assert.same({ "leaf", "inter" }, asked[1].pems)
    assert.same({ kind = "ip", value = "127.0.0.1" }, asked[1].name)
    assert.equal(86400, asked[1].at)
  end)

  it("takes null for what is not said", function()
    local code, answers = judge('{"id":null,"peer_certificate":"a","expected_peer_name":null,'
      .. '"validation_time":null,"max_chain_depth":null,"crls":[]}\n')
    assert.equal(0, code)
    assert.equal(cjson.null, answers[1].id)
    assert.same({ verify = true, trust = { pems = {} }, verify_name = false }, asked[1].choice)
    assert.is_nil(asked[1].at)
  end)

  it("passes over what x509-limbo says to people", function()
    local code = judge('{"id":1,"peer_certificate":"a","validation_kind":"SERVER","features":[],'
      .. '"importance":"high","description":"x","expected_result":"SUCCESS",'
      .. '"signature_algorithms":[],"key_usage":[],"expected_peer_names":[],'
      .. '"peer_certificate_key":null,"conflicts_with":[]}\n')
    assert.equal(0, code)
  end)

  it("answers lines that it cannot judge with a FAILURE and goes on", function()
    local cert = '"peer_certificate":"a"'
    for line, expected in pairs({
      ["{"] = "line 1: not valid JSON: expected object key string",
      ['{"id":NaN,' .. cert .. "}"] = "line 1: not valid JSON: ",
      ["7"] = "line 1: expected an object",
      ["{}"] = "line 1: peer_certificate: required field missing",
      ["{" .. cert .. ',"max_chain_dept":1}']
        = "line 1: max_chain_dept: unknown field (did you mean 'max_chain_depth'?)",
      ['{"peer_certificate":1}'] = "line 1: peer_certificate: expected a string",
      ["{" .. cert .. ',"trusted_certs":"x"}'] = "trusted_certs: expected a list of strings",
      ["{" .. cert .. ',"trusted_certs":[1]}'] = "trusted_certs: expected a list of strings",
      ["{" .. cert .. ',"trusted_certs":{"a":"x"}}'] = "trusted_certs: expected a list of strings",
      ["{" .. cert .. ',"trusted_certs":["bad"]}'] = "trusted_certs: text 1, no certificate in it",
      ["{" .. cert .. ',"max_chain_depth":101}']
        = "max_chain_depth: expected a whole number from 0 to 100",
      ["{" .. cert .. ',"max_chain_depth":-1}'] = "max_chain_depth: expected a whole number",
      ["{" .. cert .. ',"max_chain_depth":0.5}'] = "max_chain_depth: expected a whole number",
      ["{" .. cert .. ',"validation_time":"today"}'] = "validation_time: expected a time like",
      ["{" .. cert .. ',"validation_time":5}'] = "validation_time: expected a time like",
      ["{" .. cert .. ',"validation_time":"1970-01-01T00:00:00Z"}']
        = "validation_time: expected a time after 1970-01-01T00:00:00Z",
      ["{" .. cert .. ',"strict":"yes"}'] = "strict: expected true or false",
      ["{" .. cert .. ',"extended_key_usage":["clientAuth"]}']
        = "extended_key_usage: weir judges servers; clientAuth is not supported",
      ["{" .. cert .. ',"validation_kind":"CLIENT"}'] = "validation_kind: expected",
      ["{" .. cert .. ',"key_usage":["digitalSignature"]}'] = "key_usage: not supported",
      ["{" .. cert .. ',"expected_peer_name":"a"}']
        = "expected_peer_name: expected an object with kind and value",
      ["{" .. cert .. ',"expected_peer_name":{"kind":"X","value":"a"}}']
        = "expected_peer_name: a name of kind X is not known",
    }) do
      asked = {}
      local code, answers = judge(line .. "\n" .. '{"id":9,' .. cert .. "}\n")
      assert.equal(1, code)
      assert.equal("FAILURE", answers[1].result)
      assert.truthy(answers[1].error:find(expected, 1, true), line .. ": " .. answers[1].error)
      assert.is_nil(answers[1].verdict)
      assert.same({ 9, "SUCCESS" }, { answers[2].id, answers[2].result })
      assert.equal(1, #asked)
    end
  end)

  it("says why the core cannot judge", function()
    verdicts = { { impossible = "text 1, block 1: not a valid certificate" } }
    local code, answers = judge('{"id":5,"peer_certificate":"a"}\n')
    assert.equal(1, code)
    assert.same({ id = 5, result = "FAILURE",
      error = "line 1: text 1, block 1: not a valid certificate" }, answers[1])
  end)

  it("takes lines in any pieces, without an end, and between empty ones", function()
    local code, answers = judge('{"id":1,"peer_', 'certificate":"a"}\n\n \n{"id":2,',
      '"peer_certificate":"b"}')
    assert.equal(0, code)
    assert.same({ 1, 2 }, { answers[1].id, answers[2].id })
    assert.equal(2, #answers)
  end)

  it("passes over a line that is too long", function()
    local piece = ("x"):rep(1024 * 1024)
    local pieces = {}
    for i = 1, 17 do
      pieces[i] = piece
    end
    pieces[18] = '\n{"id":2,"peer_certificate":"b"}\n'
    local code, answers = judge(unpack(pieces))
    assert.equal(1, code)
    assert.equal("line 1: longer than 16777216 bytes", answers[1].error)
    assert.equal(2, answers[2].id)
  end)
end)

describe("weir tls explain", function()
  local ROOT = certificate("name=root ca=true not_after=4102444800")
  local CHAIN = certificate("name=leaf issuer=inter names=DNS:kong.example not_after=4102444800")
    .. certificate("name=inter issuer=root ca=true not_after=4102444800")

  local function explain(...)
    local chain, ca = written(CHAIN), written(ROOT)
    local code, out, err = weir({ "tls", "explain", "--chain", chain, "--ca", ca, ... })
    local function literal(text) return (text:gsub("%p", "%%%0")) end
    return code, out:gsub(literal(chain), "CHAIN"):gsub(literal(ca), "CA"), err
  end

  local function rule(report, name)
    for _, item in ipairs(report.rules) do
      if item.name == name then
        return item
      end
    end
  end

  it("shows a chain that is good", function()
    verdicts = { { code = "ok", anchor = "CN=root" } }
    local code, out = explain("--name", "kong.example")
    assert.equal(0, code)
    for _, expected in ipairs({
      "^CHAIN\n", "\n  CN=root  %(anchor, of the bundle%)\n",
      "`%- CN=inter  %(intermediate, sent%)",
      "`%- CN=leaf  %(leaf, sent%)", "days left", "EC P%-256", "names DNS:kong.example",
      "\nDepth: 1 intermediate between leaf and anchor, 100 allowed; neither leaf",
      "\n  tls_verify_depth +100 +default +ok\n", "\n  ca_certificates +%[CA%] +command line +ok\n",
      "\n  names +%[dns: %[kong.example%], match: any%] +command line +ok\n",
      "\n  validity +now is .* +always +ok\n", "\nAccepted: the chain ends at CN=root%.\n",
    }) do
      assert.matches(expected, out)
    end
  end)

  it("shows the rule that failed, those behind it, and a remedy", function()
    verdicts = {
      { code = "depth_exceeded", openssl = 22, text = "certificate chain too long", depth = 2,
        subject = "CN=root" },
      { code = "name_mismatch", openssl = 62, text = "hostname mismatch" },
    }
    local code, out = explain("--depth", "0", "--name", "x")
    assert.equal(1, code)
    for _, expected in ipairs({
      "\n! tls_verify_depth +0 +command line +depth_exceeded\n",
      "\n! names +.- +name_mismatch\n",
      "\n  ca_certificates +.- +ok\n", "\nDepth: 1 intermediate between leaf and anchor, 0 allowed",
      "\nRefused: depth_exceeded %(OpenSSL 22: certificate chain too long%)\n",
      "\n  at depth 2: CN=root\n", "\nRemedy: There are more intermediates",
    }) do
      assert.matches(expected, out)
    end
    assert.equal(0, asked[1].choice.depth)
    assert.is_nil(asked[2].choice.depth)
    assert.is_false(asked[3].choice.verify_name)
  end)

  it("writes JSON", function()
    verdicts = { { code = "expired", openssl = 10, text = "certificate has expired" } }
    local code, out = explain("--json", "--name", "10.0.0.1", "--name", "spiffe://a/b")
    assert.equal(1, code)
    local report = cjson.decode(out)
    assert.is_false(report.accepted)
    assert.equal("validity", report.failed)
    assert.equal("expired", rule(report, "validity").result)
    assert.equal("ok", rule(report, "names").result)
    assert.same({ ip = { "10.0.0.1" }, uri = { "spiffe://a/b" }, match = "any" },
      rule(report, "names").value)
    assert.same({ "leaf", "intermediate", "anchor" }, { report.chain.path[1].role,
      report.chain.path[2].role, report.chain.path[3].role })
    assert.matches("Renew it", report.remedy)
    assert.is_true(asked[2].at > os.time())
  end)

  it("does not look behind what cannot be passed over", function()
    verdicts = { { code = "untrusted_issuer", openssl = 20 } }
    local code, out = explain("--json")
    assert.equal(1, code)
    assert.equal(1, #asked)
    local report = cjson.decode(out)
    assert.equal("untrusted_issuer", rule(report, "ca_certificates").result)
    assert.equal("not reached", rule(report, "validity").result)
  end)

  it("judges the chain alone when it knows no name", function()
    local code, out = explain("--json")
    assert.equal(0, code)
    assert.is_false(asked[1].choice.verify_name)
    local report = cjson.decode(out)
    assert.is_nil(rule(report, "names"))
    assert.matches("no name", report.notes[1])
  end)

  it("tells a path length from the depth that is configured", function()
    verdicts = { { code = "depth_exceeded", openssl = 25 } }
    local report = cjson.decode((select(2, explain("--json"))))
    assert.equal("basic constraints", report.failed)
    assert.matches("pathLenConstraint", report.remedy)
  end)

  it("has a remedy for whatever fails", function()
    for _, code in ipairs({
      "untrusted_issuer", "self_signed", "expired", "not_yet_valid", "name_mismatch",
      "wrong_purpose", "bad_signature", "not_a_ca", "weak_key", "name_constraint", "revoked",
      "crl_expired", "crl_missing", "crl_invalid", "pin_mismatch", "not_compliant",
      "ocsp_required", "ocsp_invalid",
      "no_certificate", "malformed", "other", "something new",
    }) do
      verdicts, asked = { { code = code, openssl = 1 } }, {}
      local report = cjson.decode((select(2, explain("--json"))))
      assert.equal(code, rule(report, report.failed).result)
      assert.is_true(#report.remedy > 20)
    end
  end)

  it("shows what the bundle does not have, and what was sent for nothing", function()
    local path = written(CHAIN .. certificate("name=stray not_after=4102444800"))
    verdicts = { { code = "untrusted_issuer", openssl = 20 } }
    local code, out = weir({ "tls", "explain", "--chain", path })
    assert.equal(1, code)
    assert.matches("\n  CN=root  %(not in the bundle%)\n  `%- CN=inter ", out)
    assert.matches("\n  beside it: CN=stray  %(sent, not used%)\n", out)
    assert.matches("\nDepth: 1 intermediate above the leaf, and no anchor", out)
  end)

  it("is not led in circles", function()
    local path = written(certificate("name=a issuer=b") .. certificate("name=b issuer=a"))
    verdicts = { { code = "untrusted_issuer", openssl = 20 } }
    local code, out = weir({ "tls", "explain", "--chain", path })
    assert.equal(1, code)
    assert.matches("CN=b  %(intermediate, sent%)", out)
  end)

  it("ends with 1 when there is nothing to judge", function()
    for expected, argv in pairs({
      ["cannot read"] = { "--chain", "/no/such file" },
      ["no certificate in it"] = { "--chain", written("nothing") },
      ["--ca: text 1, no certificate"] = { "--chain", "/dev/null", "--ca", written("bad") },
      ["cannot connect to 127.0.0.1"] = { "127.0.0.1:9" },
    }) do
      local code, out, err = weir({ "tls", "explain", unpack(argv) })
      assert.equal(1, code)
      assert.equal("", out)
      assert.truthy(err:find(expected, 1, true), err)
    end
  end)
end)

describe("weir tls diff", function()
  local ROOT = certificate("name=root ca=true")
  local OTHER = certificate("name=other ca=true")

  local function item(changes)
    return with({
      service = "a", id = "1", pems = { ROOT },
      fields = { { name = "tls_verify_depth", value = 1, origin = "service" } },
    }, changes)
  end

  local function diff(old, new)
    loaded_policies.old, loaded_policies.new = old, new
    return weir({ "tls", "diff", "old", "new" })
  end

  it("says so when nothing differs", function()
    local code, out = diff({ item({}) }, { item({}) })
    assert.equal(0, code)
    assert.equal("no policy differs\n", out)
  end)

  it("shows each field with both values and origins", function()
    local code, out = diff({ item({}) }, { item({
      id = "2", fields = { { name = "tls_verify_depth", value = 0, origin = "plugin" },
        { name = "strict", value = true, origin = "plugin" } },
    }) })
    assert.equal(1, code)
    assert.equal("service 'a'\n  strict: not set -> true (plugin)\n"
      .. "  tls_verify_depth: 1 (service) -> 0 (plugin)\n", out)
  end)

  it("does not mind where a value comes from", function()
    local code = diff({ item({}) },
      { item({ fields = { { name = "tls_verify_depth", value = 1, origin = "plugin" } } }) })
    assert.equal(0, code)
  end)

  it("compares what CA certificates hold", function()
    local code, out = diff({ item({}) }, { item({ id = "2", pems = { OTHER } }) })
    assert.equal(1, code)
    assert.matches("^service 'a'\n  trusts no more CN=root %(%x+%)\n  trusts now CN=other", out)
  end)

  it("knows services and routes that come and go, and policies that cannot be made", function()
    local code, out = diff(
      { item({}), item({ service = "b" }), item({ route = "r" }) },
      { item({ error = "plugin 'x': no" }), item({ route = "r" }), item({ service = "c" }) })
    assert.equal(1, code)
    assert.equal("service 'a'\n  requests are refused: no -> plugin 'x': no\n"
      .. "service 'b'\n  is gone\nservice 'c'\n  is new\n", out)
  end)

  it("compares targets with what holds for them in the other file", function()
    local function depth(value, more)
      more.id = more.id or tostring(value)
      more.fields = { { name = "tls_verify_depth", value = value, origin = "x" } }
      return item(more)
    end
    local plain, differing = depth(1, {}), depth(2, { target = "t:1" })
    local code, out = diff({ plain }, { plain, differing })
    assert.equal(1, code)
    assert.equal("service 'a', target 't:1'\n  tls_verify_depth: 1 (x) -> 2 (x)\n", out)
    code, out = diff({ plain, differing }, { plain, depth(3, { target = "t:1" }) })
    assert.equal(1, code)
    assert.equal("service 'a', target 't:1'\n  tls_verify_depth: 2 (x) -> 3 (x)\n", out)
    code, out = diff({ plain, differing }, { plain })
    assert.equal(1, code)
    assert.equal("service 'a', target 't:1'\n  tls_verify_depth: 2 (x) -> 1 (x)\n", out)
    assert.equal(0, (diff({ plain, differing }, { plain, differing })))
    local on_route = depth(2, { route = "r", target = "t:1" })
    code, out = diff({ plain }, { plain, on_route })
    assert.equal(1, code)
    assert.equal("service 'a', route 'r', target 't:1'\n  is new\n", out)
  end)

  it("ends with 2 when a file cannot be used", function()
    local code, out, err = diff({}, nil)
    assert.equal(2, code)
    assert.equal("", out)
    assert.equal("Error: new:1:1: wrong\n", err)
  end)
end)
