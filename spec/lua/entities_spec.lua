-- The rules of each entity type, through whole files: what is accepted, and what is refused in
-- which words.
require("spec.support.fake_core").install()
local declarative = require("weir.declarative")
local entities = require("weir.entities")

local KEY = "-----BEGIN PRIVATE KEY----- KEY name=leaf"

-- Findings about one entity, given as YAML flow text, as "path: message" lines.
local function findings_of(type_name, entity)
  local text = ('_format_version: "3.0"\n%s:\n- %s\n'):format(type_name, entity)
  local config, findings = declarative.load(text, { plugins = {}, now = 1000 })
  local lines = {}
  for i, finding in ipairs(findings.errors) do
    lines[i] = finding.path:gsub("^" .. type_name .. "%[0%]%.?", "") .. ": " .. finding.message
  end
  return lines, config, findings.warnings
end

local function accepts(type_name, entity)
  local lines, config, warnings = findings_of(type_name, entity)
  assert.same({}, lines)
  return config[type_name][1], warnings
end

local function refuses(type_name, cases)
  for entity, expected in pairs(cases) do
    expected = type(expected) == "table" and expected or { expected }
    assert.same(expected, (findings_of(type_name, entity)), entity)
  end
end

local NOT_HTTPS = " (failed conditional validation given value of field 'protocol')"

describe("weir.entities", function()
  describe("services", function()
    it("have Kong's defaults", function()
      local service = accepts("services", "{name: a, host: b}")
      service.id = nil
      assert.same({
        name = "a", host = "b", protocol = "http", port = 80, enabled = true, retries = 5,
        connect_timeout = 60000, write_timeout = 60000, read_timeout = 60000,
      }, service)
    end)

    it("keep a host in UTF-8 in ASCII", function()
      assert.equal("xn--bcher-kva.example", accepts("services", "{host: bücher.example}").host)
      assert.equal("xn--bcher-kva", accepts("services", "{url: 'https://bücher/x'}").host)
      refuses("services", { ["{host: ö}"] = "host: invalid value: ö (no such name)" })
    end)

    it("expand url", function()
      for url, expected in pairs({
        ["http://a"] = "http a 80 nil",
        ["https://a"] = "https a 443 nil",
        ["https://a:8443/x/y?q#f"] = "https a 8443 /x/y",
        ["HTTPS://a/"] = "https a 443 /",
        ["http://u:p@a:1"] = "http a 1 nil",
        ["http://[::1]:81/x"] = "http ::1 81 /x",
        ["http://[::1]"] = "http ::1 80 nil",
        ["a:443"] = "https a 443 nil",
        ["a"] = "http a 80 nil",
        ["a:8080/x"] = "http a 8080 /x",
      }) do
        local s = accepts("services", ("{url: '%s'}"):format(url))
        assert.equal(expected, ("%s %s %d %s"):format(s.protocol, s.host, s.port, tostring(s.path)))
      end
    end)

    it("let explicit fields win over url", function()
      local service = accepts("services", "{url: 'http://a/x', port: 8080}")
      assert.equal(8080, service.port)
      assert.equal("a", service.host)
    end)

    it("refuse a url that makes no service", function()
      refuses("services", {
        ["{url: 'http://'}"] = "host: required field missing",
        ["{url: 'http://a:99999'}"] = "port: value should be between 0 and 65535",
        ["{url: 'ftp://a'}"] = "protocol: "
          .. "expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp",
        ["{url: 'http://a//b'}"] = "path: must not have empty segments",
      })
    end)

    it("allow verification for https only", function()
      accepts("services", "{host: a, protocol: https, tls_verify: true, tls_verify_depth: 0, "
        .. "ca_certificates: []}")
      refuses("services", {
        ["{host: a, tls_verify: true}"] = "tls_verify: value must be null" .. NOT_HTTPS,
        ["{host: a, tls_verify: false}"] = "tls_verify: value must be null" .. NOT_HTTPS,
        ["{host: a, tls_verify_depth: 1}"] = "tls_verify_depth: value must be null" .. NOT_HTTPS,
        ["{host: a, ca_certificates: []}"] = "ca_certificates: value must be null" .. NOT_HTTPS,
        ["{host: a, tls_sans: {}}"] = "tls_sans: value must be null" .. NOT_HTTPS,
      })
    end)

    it("refuse values out of range and protocols that weir does not speak", function()
      refuses("services", {
        ["{}"] = "host: required field missing",
        ["{host: a, port: 65536}"] = "port: value should be between 0 and 65535",
        ["{host: a, retries: -1}"] = "retries: value should be between 0 and 32767",
        ["{host: a, read_timeout: 0}"] = "read_timeout: value should be between 1 and 2147483646",
        ["{host: a, protocol: https, tls_verify_depth: 65}"]
          = "tls_verify_depth: value should be between 0 and 64",
        ["{host: a, protocol: https, tls_verify_depth: 1.5}"]
          = "tls_verify_depth: expected an integer",
        ["{host: a, protocol: https, tls_sans: {dnsnames: [10.0.0.1]}}"]
          = "tls_sans.dnsnames[0]: value '10.0.0.1' is not a DNS name",
        ["{host: a, protocol: https, tls_sans: {uris: [x]}}"]
          = "tls_sans.uris[0]: value 'x' is not a URI",
        ["{host: a, protocol: https, tls_sans: {names: [x]}}"] = "tls_sans.names: unknown field",
        ["{host: a, protocol: https, tls_sans: {dnsnames: []}}"]
          = "tls_sans.dnsnames: length must be at least 1",
        ["{host: a, protocol: grpcs}"]
          = "protocol: 'grpcs' is not supported by this version of weir (supported: http, https)",
      })
    end)

    it("advise of upstreams that are not verified, or never can be", function()
      local function advice(fields)
        local _, warnings = accepts("services",
          "{name: a, host: b, protocol: https" .. fields .. "}")
        return warnings[1] and warnings[1].message
      end
      assert.equal("upstream certificate is not verified (tls_verify is off)", advice(""))
      assert.equal("upstream certificate is not verified (tls_verify is off)",
        advice(", tls_verify: false"))
      assert.equal("no upstream certificate can be trusted: tls_verify is on, "
        .. "but ca_certificates is empty", advice(", tls_verify: true"))
      assert.is_nil(advice(", enabled: false"))
    end)
  end)

  describe("routes", function()
    it("have Kong's defaults", function()
      local route = accepts("routes", "{paths: [/]}")
      route.id = nil
      assert.same({
        paths = { "/" }, protocols = { "http", "https" }, https_redirect_status_code = 426,
        regex_priority = 0, strip_path = true, path_handling = "v0", preserve_host = false,
        request_buffering = true, response_buffering = true,
      }, route)
    end)

    it("accept every matcher of http and https", function()
      accepts("routes", "{methods: [GET, GET], hosts: ['a:80', '*.b', 'b.*', '*.c:81', 1.2.3.4], "
        .. "paths: [/a, '~/b(c)'], headers: {X-a: ['1'], x-b: ['~*x']}, snis: [a, '*.b'], "
        .. "https_redirect_status_code: 301, strip_path: false}")
    end)

    it("need a matcher", function()
      local https = "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' "
        .. "when 'protocols' is 'https'"
      refuses("routes", {
        ["{name: a}"] = ": " .. https,
        ["{paths: []}"] = ": " .. https,
        ["{protocols: [http], snis: [a]}"] = {
          ": must set one of 'methods', 'hosts', 'headers', 'paths' when 'protocols' is 'http'",
          "snis: 'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or "
            .. "'tls_passthrough'",
        },
      })
    end)

    it("refuse what cannot match or what weir cannot do", function()
      local supported = " is not supported by this version of weir "
      refuses("routes", {
        ["{paths: [a]}"] = "paths[0]: should start with: / (fixed path) or ~/ (regex path)",
        ["{methods: [get]}"] = "methods[0]: invalid value: get",
        ["{hosts: ['*.*.a']}"] = "hosts[0]: invalid wildcard: must have at most one wildcard",
        ["{hosts: ['a*.b']}"] = "hosts[0]: "
          .. "invalid wildcard: must be placed at leftmost or rightmost label",
        ["{hosts: ['a b']}"] = "hosts[0]: invalid hostname: a b",
        ["{paths: [/], protocols: []}"] = "protocols: length must be at least 1",
        ["{paths: [/], protocols: [grpc]}"]
          = "protocols[0]: 'grpc'" .. supported .. "(supported: http, https)",
        ["{paths: [/], path_handling: v1}"]
          = "path_handling: 'v1'" .. supported .. "(supported: v0)",
        ["{paths: [/], https_redirect_status_code: 200}"]
          = "https_redirect_status_code: expected one of: 426, 301, 302, 307, 308",
        ["{paths: [/], sources: [{port: 1}]}"]
          = "sources: cannot set 'sources' when 'protocols' is 'http' or 'https'",
        ["{paths: [/], expression: 'x'}"] = "expression: not supported by this version of weir",
        ["{headers: {Host: [a]}}"] = "headers.Host: "
          .. "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
      })
    end)
  end)

  describe("upstreams and targets", function()
    it("have Kong's defaults", function()
      local upstream = accepts("upstreams", "{name: a}")
      assert.equal("round-robin", upstream.algorithm)
      assert.equal(10000, upstream.slots)
      assert.same({ 200, 302 }, upstream.healthchecks.active.healthy.http_statuses)
      assert.equal(0, upstream.healthchecks.passive.unhealthy.timeouts)
      local _, config = findings_of("upstreams", "{name: a, targets: [{target: b}]}")
      assert.equal(100, config.targets[1].weight)
    end)

    it("refuse names that are no host names", function()
      refuses("upstreams", {
        ["{name: 1.2.3.4}"] = "name: Invalid name ('1.2.3.4'); no ip addresses allowed",
        ["{name: 'a:80'}"] = "name: Invalid name ('a:80'); no port allowed",
        ["{name: 'a b'}"] = "name: Invalid name ('a b'); not a valid hostname",
        ["{}"] = "name: required field missing",
      })
    end)

    it("refuse balancing and health checks that weir does not have", function()
      local function only(field, value, supported)
        return ("%s: '%s' is not supported by this version of weir (supported: %s)")
          :format(field, value, supported)
      end
      refuses("upstreams", {
        ["{name: a, algorithm: least-connections}"]
          = only("algorithm", "least-connections", "round-robin"),
        ["{name: a, algorithm: random}"] = "algorithm: "
          .. "expected one of: consistent-hashing, least-connections, round-robin, latency",
        ["{name: a, hash_on: ip}"] = only("hash_on", "ip", "none"),
        ["{name: a, hash_on_header: x}"] = "hash_on_header: not supported by this version of weir",
        ["{name: a, use_srv_name: true}"] = only("use_srv_name", "true", "false"),
        ["{name: a, healthchecks: {active: {healthy: {interval: 5}}}}"]
          = only("healthchecks.active.healthy.interval", "5", "0"),
        ["{name: a, healthchecks: {passive: {unhealthy: {timeouts: 1}}}}"]
          = only("healthchecks.passive.unhealthy.timeouts", "1", "0"),
        ["{name: a, healthchecks: {active: {healthy: {intervall: 5}}}}"]
          = "healthchecks.active.healthy.intervall: unknown field (did you mean 'interval'?)",
      })
    end)

    it("write every target the same way", function()
      for written, expected in pairs({
        ["a"] = "a:8000", ["A.b:80"] = "a.b:80", ["1.2.3.4"] = "1.2.3.4:8000",
        ["::1"] = "[::1]:8000", ["[::1]:80"] = "[::1]:80",
      }) do
        local text = ('_format_version: "3.0"\nupstreams: [{name: u, targets: [{target: "%s"}]}]')
          :format(written)
        local config = declarative.load(text, { plugins = {} })
        assert.equal(expected, config.targets[1].target)
      end
      refuses("upstreams", {
        ["{name: a, targets: [{target: 'b c'}, {}, {target: d, weight: 65536}]}"] = {
          "targets[0].target: Invalid target ('b c'); not a valid hostname or ip address",
          "targets[1].target: required field missing",
          "targets[2].weight: value should be between 0 and 65535",
        },
      })
    end)
  end)

  describe("ca_certificates", function()
    it("get their digest", function()
      local ca = accepts("ca_certificates", "{cert: CERT ca=true name=a, cert_digest: mine}")
      assert.matches("^%x+$", ca.cert_digest)
    end)

    it("may be several, with a digest of all", function()
      local one = accepts("ca_certificates", '{cert: "CERT ca=true name=a"}')
      local two = accepts("ca_certificates", '{cert: "CERT ca=true name=a\\nCERT ca=true name=b"}')
      assert.equal(64, #two.cert_digest)
      assert.not_equal(one.cert_digest, two.cert_digest)
      local _, warnings = accepts("ca_certificates",
        '{cert: "CERT ca=true name=a\\nCERT ca=true not_after=999"}')
      assert.equal('certificate expired, "Not After" time is in the past (certificate 2 of 2)',
        warnings[1].message)
    end)

    it("must be CA certificates", function()
      refuses("ca_certificates", {
        ["{}"] = "cert: required field missing",
        ["{cert: x}"] = "cert: invalid certificate: no PEM certificate found",
        ['{cert: "CERT ca=true\\nCERT name=leaf"}'] = "cert: certificate does not appear to be a "
          .. 'CA because it is missing the "CA" basic constraint (certificate 2 of 2)',
        ["{cert: CERT name=leaf}"] = "cert: certificate does not appear to be a CA because "
          .. 'it is missing the "CA" basic constraint',
        ["{cert: '{vault://env/ca}'}"] = "cert: invalid certificate: no PEM certificate found",
      })
    end)

    it("are kept with a warning when they are not valid at the time", function()
      local ca, warnings = accepts("ca_certificates", "{cert: CERT ca=true not_after=999}")
      assert.is_table(ca)
      assert.equal('certificate expired, "Not After" time is in the past', warnings[1].message)
      assert.equal("ca_certificates[0].cert", warnings[1].path)
      ca, warnings = accepts("ca_certificates", "{cert: CERT ca=true not_before=1001}")
      assert.is_table(ca)
      assert.matches("not valid yet", warnings[1].message)
    end)
  end)

  describe("certificates and snis", function()
    it("belong together", function()
      local _, config = findings_of("certificates",
        ("{cert: CERT name=leaf, key: '%s', snis: [{name: a.b}, {name: '*.b'}]}"):format(KEY))
      assert.equal(2, #config.snis)
      assert.same({ id = config.certificates[1].id }, config.snis[1].certificate)
    end)

    it("are refused when they do not", function()
      refuses("certificates", {
        [("{cert: CERT name=other, key: '%s'}"):format(KEY)] = ": certificate does not match key",
        ["{cert: CERT name=leaf}"] = "key: required field missing",
        [("{cert: CERT name=leaf, key: '%s', snis: [a]}"):format(KEY)]
          = "snis[0]: expected a record",
        [("{cert: CERT name=leaf, key: '%s', snis: [{name: 1.2.3.4}]}"):format(KEY)]
          = "snis[0].name: must not be an IP",
        ["{cert: '{vault://env/c}', key: '{vault://env/k}'}"] = {
          "cert: could not get value from external vault (environment variable C is not set) "
            .. "[{vault://env/c}]",
          "key: could not get value from external vault (environment variable K is not set) "
            .. "[{vault://env/k}]",
        },
        [("{cert: CERT name=leaf, key: '%s', cert_alt: CERT name=b, key_alt: '%s'}")
          :format(KEY, KEY)] = {
          "cert_alt: not supported by this version of weir",
          "key_alt: not supported by this version of weir",
        },
      })
    end)

    it("warn of an expired certificate", function()
      local _, warnings = accepts("certificates",
        ("{cert: CERT name=leaf not_after=999, key: '%s'}"):format(KEY))
      assert.matches("certificate expired", warnings[1].message)
    end)
  end)

  describe("vaults", function()
    it("are of kinds that there are, and do not take their names", function()
      assert.same({ prefix = "MY_", base64_decode = false },
        accepts("vaults", "{prefix: my-env, name: env, config: {prefix: MY_}}").config)
      refuses("vaults", {
        ["{prefix: my-env, name: aws}"] = "name: vault 'aws' is not installed",
        ["{prefix: env, name: env}"] = "prefix: must not be one of: env",
        ["{prefix: My, name: env}"] = "prefix: invalid value: My",
        ["{name: env}"] = "prefix: required field missing",
      })
    end)
  end)

  it("know what nests in what", function()
    assert.same({ routes = "service", plugins = "service" }, entities.base:children_of("services"))
    assert.same({ plugins = "route" }, entities.base:children_of("routes"))
    assert.same({ targets = "upstream" }, entities.base:children_of("upstreams"))
    assert.equal("certificate", entities.base:children_of("certificates").snis)
  end)

  describe("of plugins", function()
    local FIELDS = { { id = { type = "string", uuid = true, auto = true } } }
    local broken = {
      ["dao-missing"] = { function() error("no luck") end, "no luck" },
      ["dao-no-table"] = { function() return 5 end, "no list of definitions" },
      ["dao-no-name"] = { function() return { { fields = FIELDS } } end, "no list of definitions" },
      ["dao-bad-field"] = {
        function() return { { name = "d", fields = { { f = { type = "strang" } } } } } end,
        "d.f: invalid type: strang",
      },
      ["dao-no-methods"] = {
        function() return { { name = "d", fields = FIELDS, dao = "no.such.module" } } end,
        "d: dao: module 'no.such.module' not found",
      },
      ["dao-bad-methods"] = {
        function()
          package.loaded["bad.methods"] = 7
          return { { name = "d", fields = FIELDS, dao = "bad.methods" } }
        end,
        "d: dao: bad.methods is no table of functions",
      },
      ["dao-taken"] = {
        function() return { { name = "services", fields = FIELDS } } end,
        "brings entities called 'services', which there are already",
      },
    }

    for name, case in pairs(broken) do
      it("must be in order: " .. name, function()
        package.preload["kong.plugins." .. name .. ".daos"] = case[1]
        local model, errors = entities.model({ name })
        assert.equal(1, #errors)
        assert.matches(("plugin '%s'"):format(name), errors[1], 1, true)
        assert.matches(case[2], errors[1], 1, true)
        assert.same(entities.base.names, model.names)
        local config, findings = declarative.load('_format_version: "3.0"\n',
          { plugins = { name } })
        assert.is_nil(config)
        assert.equal(errors[1], findings.errors[1].message)
      end)
    end

    it("refer to types that there are", function()
      package.preload["kong.plugins.dao-lost.daos"] = function()
        local parent = { type = "foreign", reference = "nobodies" }
        return { { name = "lost", fields = { FIELDS[1], { nobody = parent } } } }
      end
      local _, errors = entities.model({ "dao-lost" })
      assert.same({ "lost.nobody: schema refers to an invalid foreign entity: nobodies" }, errors)
    end)

    it("may be listed by name, as older plugins do, in any order", function()
      package.preload["kong.plugins.dao-by-name.daos"] = function()
        local function of(parent)
          return { type = "foreign", reference = parent }
        end
        return {
          a_leaves = { name = "a_leaves", fields = { FIELDS[1], { twig = of("m_twigs") } } },
          m_twigs = { name = "m_twigs",
            fields = { FIELDS[1], { tree = of("z_trees") }, { twig = of("m_twigs") } } },
          z_trees = { name = "z_trees", fields = { FIELDS[1], { consumer = of("consumers") } } },
        }
      end
      local model, errors = entities.model({ "dao-by-name" })
      assert.same({}, errors)
      assert.same({ "z_trees", "m_twigs", "a_leaves" },
        { unpack(model.names, #model.names - 2) })
    end)

    it("come after the gateway's own, and nest in what they refer to", function()
      package.preload["kong.plugins.dao-fine.daos"] = function()
        local parent = { type = "foreign", reference = "consumers" }
        return { { name = "fine", fields = { FIELDS[1], { consumer = parent } } } }
      end
      local model, errors = entities.model({ "dao-fine", "no-daos" })
      assert.same({}, errors)
      assert.equal("fine", model.names[#model.names])
      assert.equal("consumer", model:children_of("consumers").fine)
      assert.is_nil(entities.base:children_of("consumers").fine)
    end)
  end)
end)
