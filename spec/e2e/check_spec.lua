-- `weir check`: exit code and one line per finding, with place and path.

local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")

local HEAD = '_format_version: "3.0"\n'

describe("weir check", function()
  teardown(helpers.stop_all)

  local function check(text, name)
    local path = helpers.write(helpers.directory() .. "/" .. (name or "weir.yml"), text)
    local result = helpers.run({ helpers.binary(), "check", path })
    result.text = (result.stdout .. result.stderr):gsub(path:gsub("%p", "%%%0"), "FILE")
    return result
  end

  it("says ok and exits 0", function()
    local result = check(HEAD .. "services:\n- name: a\n  host: b\n")
    assert.equal(0, result.code)
    assert.matches("FILE: ok", result.text)
  end)

  it("takes JSON", function()
    assert.equal(0, check('{"_format_version": "3.0"}', "weir.json").code)
    local result = check('{"_format_version": "3.0",\n "services": [{"hots": "b"}]}', "weir.json")
    assert.equal(1, result.code)
    assert.matches("FILE:2:%d+: services%[0%]%.hots: unknown field", result.text)
  end)

  local SERVICE = HEAD .. "services:\n- name: a\n  host: b\n  protocol: https\n"
  local cases = {
    { "a depth out of range", SERVICE .. "  tls_verify_depth: 65\n",
      "FILE:6:21: services[0].tls_verify_depth: value should be between 0 and 64" },
    { "a wrong type", SERVICE .. "  tls_verify: maybe\n",
      "FILE:6:15: services[0].tls_verify: expected a boolean" },
    { "an unknown field", SERVICE .. "  tls_verfy: true\n",
      "services[0].tls_verfy: unknown field" },
    { "a missing field", HEAD .. "services:\n- name: a\n",
      "services[0].host: required field missing" },
    { "a dangling CA", SERVICE .. "  ca_certificates: [bf6e0f14-78cd-45ad-9325-87ec7ef7b891]\n",
      "FILE:6:21: services[0].ca_certificates[0]: " },
    { "a dangling service", HEAD .. "routes:\n- paths: [/]\n  service: nobody\n",
      "FILE:4:12: routes[0].service: " },
    { "TLS fields on http", HEAD .. "services:\n- host: b\n  tls_verify: true\n",
      "services[0].tls_verify: value must be null" },
    { "a wrong version", '_format_version: "9.9"\n', "FILE:1:18: _format_version: " },
    { "no YAML", "a: [\n", "FILE:" },
    { "a plugin's configuration", HEAD .. "plugins:\n- name: request-termination\n"
      .. "  config:\n    status_code: 7\n", "FILE:5:18: plugins[0].config.status_code: " },
    { "a dangling CA of a plugin", HEAD .. "plugins:\n- name: upstream-tls\n  config:\n"
      .. "    ca_certificates: [bf6e0f14-78cd-45ad-9325-87ec7ef7b891]\n",
      "FILE:5:23: plugins[0].config.ca_certificates[0]: " },
    { "a cipher that there is not", HEAD .. "plugins:\n- name: upstream-tls\n  config:\n"
      .. "    ciphers: NONSENSE\n", "FILE:5:14: plugins[0].config.ciphers: " },
    { "a CRL that is none", HEAD .. "plugins:\n- name: upstream-tls\n  config:\n"
      .. "    crl: [x]\n", "FILE:5:10: plugins[0].config.crl: " },
    { "names that are none", SERVICE .. "  tls_sans: {dnsnames: ['*.x']}\n",
      "FILE:6:25: services[0].tls_sans.dnsnames[0]: value '*.x' is not a DNS name" },
    { "an unknown plugin", HEAD .. "plugins:\n- name: nonsense\n", "FILE:3:9: plugins[0].name: " },
    { "a key that does not fit", HEAD .. "certificates:\n- cert: x\n  key: y\n",
      "certificates[0].cert: " },
    { "a route of an unknown protocol", HEAD .. "routes:\n- paths: [/]\n  protocols: [grpc]\n",
      "routes[0].protocols" },
  }
  for _, case in ipairs(cases) do
    it("finds " .. case[1], function()
      local result = check(case[2])
      assert.equal(1, result.code)
      assert.truthy(result.text:find(case[3], 1, true), result.text)
    end)
  end

  it("finds everything at once, in the order of the file", function()
    local result = check(HEAD .. "services:\n- host: 1\n- hots: b\n- host: c\n  port: 99999\n")
    local places = {}
    for line in result.text:gmatch("FILE:(%d+):") do
      places[#places + 1] = tonumber(line)
    end
    assert.is_true(#places >= 4)
    for i = 2, #places do
      assert.is_true(places[i - 1] <= places[i])
    end
  end)

  it("warns of an expired CA and of upstreams that are not verified, and exits 0", function()
    local cert = pki.pem(pki.get("expired_root")):gsub("(.-)\n", "    %1\n")
    local result = check(SERVICE .. "ca_certificates:\n- id: bf6e0f14-78cd-45ad-9325-87ec7ef7b891\n"
      .. "  cert: |\n" .. cert)
    assert.equal(0, result.code, result.text)
    assert.matches("warning: .*expired", result.text)
    assert.matches("warning: .*not verified", result.text)
  end)

  it("reads standard input", function()
    local path = helpers.write(helpers.directory() .. "/in", HEAD)
    assert.equal(0, helpers.run({ helpers.binary(), "check", "-", stdin = path }).code)
  end)

  it("says what is wrong with a file that it cannot read", function()
    for _, path in ipairs({ "/no/such/file.yml", "/tmp" }) do
      local result = helpers.run({ helpers.binary(), "check", path })
      assert.equal(1, result.code)
      assert.truthy((result.stdout .. result.stderr):find(path, 1, true))
    end
  end)

  it("names all that a plugin asks for and weir does not have", function()
    local folder = helpers.directory()
    assert(os.execute(("mkdir -p '%s/asking'"):format(folder)))
    helpers.write(folder .. "/asking/handler.lua", "local x = require('resty.nothing')\n"
      .. "return { PRIORITY = 1, VERSION = '1.0.0', access = function() kong.nothing.get() end }")
    helpers.write(folder .. "/asking/schema.lua", "return { name = 'asking', fields = {} }")
    local file = helpers.write(folder .. "/weir.yml", HEAD)
    for _, settings in ipairs({
      { "--set", "plugins=asking", "--set", "plugin_path=" .. folder },
      { "--set", "plugins=asking,missing", "--set", "plugin_path=" .. folder },
    }) do
      local result = helpers.run({ helpers.binary(), "check", file, unpack(settings) })
      assert.equal(1, result.code)
      for _, line in ipairs({
        'Plugin "asking" cannot be loaded because it asks for what weir does not have:\n',
        ("  %s/asking/handler.lua:1: there is no module 'resty.nothing'\n"):format(folder),
        ("  %s/asking/handler.lua:2: there is no kong.nothing\n"):format(folder),
        settings[2]:find("missing") and "missing plugin is enabled but not installed;\n" or "",
      }) do
        assert.truthy(result.stderr:find(line, 1, true), result.stderr)
      end
    end
  end)
end)
