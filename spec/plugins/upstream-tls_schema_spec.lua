-- upstream-tls: what its fields may say.

require("spec.support.fake_abi").install()
local plugin = require("spec.support.plugin")
local schema = require("kong.plugins.upstream-tls.schema")

describe("upstream-tls: schema", function()
  local ID = "bf6e0f14-78cd-45ad-9325-87ec7ef7b891"
  local HEX = ("ab"):rep(32)

  it("takes nothing at all", function()
    assert.same({}, (plugin.configure(schema, {})))
  end)

  local good = {
    { tls_verify = true, tls_verify_depth = 64 },
    { ca_certificates = { ID }, client_certificate = ID },
    { mode = "report", system_cas = true, partial_chain = true, strict = true },
    { names = { dns = { "a.example", "a.example." } } },
    { names = { dns = { "bücher.example" } }, sni = "bücher.example" },
    { names = { ip = { "127.0.0.1", "::1" }, match = "all" } },
    { names = { uri = { "spiffe://domain/*", "spiffe://domain/path", "urn:x" } } },
    { verify_name = false }, { sni = "none" }, { sni = "host" }, { sni = "a.example" },
    { pins = { cert = { HEX }, spki = { ("AB:"):rep(31) .. "AB" } } },
    { pins = { spki = { ("A"):rep(43) .. "=", "sha256//" .. ("A"):rep(43) .. "=" } } },
    { crl = { "CRL" }, crl_check = "chain" }, { ocsp = "hard" },
    { alpn = "http/1.1" }, { alpn = "none" },
    { min_version = "TLSv1.2", max_version = "TLSv1.2" },
    { ciphers = "c", ciphersuites = "c", groups = "g", sigalgs = "s", security_level = 5 },
    { next_ca_certificates = { ID }, next_system_cas = true },
    { targets = { { target = "10.0.0.1:443", mode = "off" } } },
    { targets = { { target = "::1", strict = true }, { target = "[::1]:443", strict = false } } },
    { mode = "enforce", targets = { { target = "a.example", tls_verify = false } } },
    { targets = { { target = "a", ca_certificates = { ID }, names = { dns = { "a.x" } } } } },
  }
  for i, config in ipairs(good) do
    it(("takes what is good (%d)"):format(i), function()
      local _, err = plugin.configure(schema, config)
      assert.is_nil(err)
    end)
  end

  local bad = {
    { { tls_verify = "yes" }, "expected a boolean" },
    { { tls_verify = true, mode = "off" }, "only one or none of these fields must be set" },
    { { alpn = "h2" }, "'h2' is not spoken to upstreams: HTTP/2" },
    { { alpn = "http/1.0" }, "'http/1.0' is not http/1.1 or none" },
    { { alpn = "" }, "length must be at least 1" },
    { { mode = "on" }, "expected one of: enforce, report, off" },
    { { mode = true }, "expected a string" },
    { { tls_verify_depth = 65 }, "value should be between 0 and 64" },
    { { tls_verify_depth = -1 }, "value should be between 0 and 64" },
    { { ca_certificates = { "x" } }, "expected a valid UUID" },
    { { next_ca_certificates = { "x" } }, "expected a valid UUID" },
    { { client_certificate = "x" }, "expected a valid UUID" },
    { { verify = true }, "unknown field" },
    { { system_cas = "auto" }, "expected a boolean" },
    { { names = {} }, "at least one of these fields must be non-empty" },
    { { names = { match = "any" } }, "at least one of these fields must be non-empty" },
    { { names = { dns = {} } }, "length must be at least 1" },
    { { names = { dns = { "*.example" } } }, "is not a DNS name" },
    { { names = { dns = { "10.0.0.1" } } }, "is not a DNS name" },
    { { names = { dns = { "a.example:443" } } }, "is not a DNS name" },
    { { names = { dns = { "☃.example" } } }, "is not a DNS name (" },
    { { names = { ip = { "10.0.0" } } }, "is not an IP address" },
    { { names = { ip = { "[::1]" } } }, "is not an IP address" },
    { { names = { uri = { "nothing" } } }, "is not a URI" },
    { { names = { uri = { "https://*" } } }, "has a wildcard" },
    { { names = { uri = { "spiffe://d/a/*" } } }, "has a wildcard" },
    { { names = { dns = { "a.x" }, match = "some" } }, "expected one of: any, all" },
    { { names = { dns = { "a.x" }, cn = { "a.x" } } }, "unknown field" },
    { { names = { dns = { "a.x" } }, verify_name = false }, "names are not looked for" },
    { { sni = "10.0.0.1" }, "is not upstream_host, host, none or a DNS name" },
    { { sni = "off!" }, "is not upstream_host, host, none or a DNS name" },
    { { pins = {} }, "at least one of these fields must be non-empty" },
    { { pins = { cert = { "abcd" } } }, "is not a SHA-256" },
    { { pins = { cert = { HEX .. "ab" } } }, "is not a SHA-256" },
    { { pins = { spki = { ("A"):rep(42) .. "B=" } } }, "is not a SHA-256" },
    { { crl = { "bad" } }, "crl 1 does not parse" },
    { { crl = {} }, "length must be at least 1" },
    { { ocsp = "must" }, "expected one of: off, soft, hard" },
    { { ocsp = true }, "expected a string" },
    { { crl_check = "all" }, "expected one of: leaf, chain" },
    { { min_version = "TLSv1.1" }, "expected one of: TLSv1.2, TLSv1.3" },
    { { min_version = "TLSv1.3", max_version = "TLSv1.2" }, "min_version is above max_version" },
    { { ciphers = "" }, "length must be at least 1" },
    { { security_level = 6 }, "value should be between 0 and 5" },
    { { strict = 1 }, "expected a boolean" },
    { { targets = {} }, "length must be at least 1" },
    { { targets = { { strict = true } } }, "required field missing" },
    { { targets = { { target = "a" } } }, "nothing is said about this target" },
    { { targets = { { target = "a b", strict = true } } }, "'a b' is not HOST or HOST:PORT" },
    { { targets = { { target = "a:0", strict = true } } }, "'a:0' has no valid port" },
    { { targets = { { target = "a:70000", strict = true } } }, "invalid port number" },
    { { targets = { { target = "http://a/", strict = true } } }, "is not HOST or HOST:PORT" },
    { { targets = { { target = "10.0.0.0/8", strict = true } } }, "is not HOST or HOST:PORT" },
    { { targets = { { target = "a", mode = "on" } } }, "expected one of: enforce, report, off" },
    { { targets = { { target = "a", mode = "off", tls_verify = true } } },
      "only one or none of these fields must be set" },
    { { targets = { { target = "a", verify_name = false, names = { dns = { "a" } } } } },
      "names are not looked for" },
    { { targets = { { target = "a", targets = { { target = "b" } } } } }, "unknown field" },
    { { targets = { { target = "::1", strict = true }, { target = "a", strict = true },
      { target = "0:0::1", strict = false } } }, "[0] and [2] are the same target" },
  }
  for i, case in ipairs(bad) do
    it(("refuses what is not (%d: %s)"):format(i, case[2]), function()
      local config, err = plugin.configure(schema, case[1])
      assert.is_nil(config)
      assert.truthy(err:find(case[2], 1, true), err)
    end)
  end
end)
