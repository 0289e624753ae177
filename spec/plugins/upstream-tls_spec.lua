-- upstream-tls: what follows from which fields, and that nothing falls back to anything.

local fake = require("spec.support.fake_abi").install()
local Fold = require("weir.compile.fold")
local handler = require("kong.plugins.upstream-tls.handler")
local schema = require("kong.plugins.upstream-tls.schema")

local SYSTEM = os.tmpname()
local SETTINGS = { tls_system_cas = SYSTEM, upstream_tls_session_reuse = true }

local CONFIG = {
  by_id = {
    ca_certificates = {
      one = { cert = "CA one" }, two = { cert = "CA two" }, broken = { cert = "bad" },
    },
    certificates = {
      mine = { cert = "C", key = "K" }, other = { cert = "C2", key = "K2" },
      broken = { cert = "C", key = "bad" },
    },
  },
}

-- The targets of each upstream.
local TARGETS = {
  { target = "10.0.0.1:443", canonical = "10.0.0.1", port = 443 },
  { target = "b.example:443", canonical = "b.example", port = 443 },
}

-- What is decided for a service with these fields, under configurations of the plugin: { scope,
-- conf }, the most specific first.
local function decide(service, confs, upstream, fold, may_divert)
  service.protocol = service.protocol or "https"
  service.host = service.host or "backend.example"
  local layers = {}
  for i, item in ipairs(confs or {}) do
    layers[i] = { scope = item[1], entity = { config = item[2] } }
  end
  local links = { {
    plugin = { name = "upstream-tls", handler = handler }, entity = layers[1] and layers[1].entity,
    layers = layers, configured = layers[1] ~= nil,
  } }
  return (fold or Fold.new(CONFIG, SETTINGS)):run({
    service = service, upstream = upstream, targets = TARGETS, may_divert = may_divert ~= false,
  }, links)
end

-- The policy for a service with these fields, under one configuration of the plugin.
local function policy(service, conf, upstream)
  local decision, err = decide(service, conf and { { "route", conf } }, upstream)
  return fake.content_of(decision and decision.policy), err
end

-- { name -> { value, origin } } of a decision.
local function shown(decision)
  local fields = {}
  for _, field in ipairs(decision.fields) do
    fields[field.name] = { field.value, field.origin }
  end
  return fields
end

describe("upstream-tls", function()
  before_each(fake.install)

  setup(function()
    local file = assert(io.open(SYSTEM, "w"))
    file:write("CAs of the machine")
    file:close()
  end)
  teardown(function()
    os.remove(SYSTEM)
  end)

  it("decides before all others, and costs requests nothing", function()
    assert.is_true(handler.PRIORITY > 1000000)
    for _, phase in ipairs({ "rewrite", "access", "header_filter", "body_filter", "log" }) do
      assert.is_nil(handler[phase])
    end
  end)

  describe("for many services", function()
    local confs = { { "global", { min_version = "TLSv1.3" } } }
    local function service(changes)
      local entity = { tls_verify = true, tls_verify_depth = 1, ca_certificates = { "one" },
        client_certificate = { id = "mine" } }
      for field, value in pairs(changes) do
        entity[field] = value
      end
      return entity
    end

    it("works out once what they have in common", function()
      local fold = Fold.new(CONFIG, SETTINGS)
      local first = decide(service({ host = "a.example" }), confs, nil, fold)
      local second = decide(service({ host = "b.example" }), confs, nil, fold)
      assert.is_true(rawequal(first.fields, second.fields))
      assert.is_true(rawequal(first.choice, second.choice))
      local other = decide(service({}), confs, nil, Fold.new(CONFIG, SETTINGS))
      assert.is_false(rawequal(first.choice, other.choice)) -- handles of its own
    end)

    it("parts them by any field", function()
      local fold = Fold.new(CONFIG, SETTINGS)
      local first = decide(service({}), confs, nil, fold)
      for field, value in pairs({
        tls_verify = false, tls_verify_depth = 2, ca_certificates = { "one", "two" },
        client_certificate = { id = "other" }, tls_sans = { dnsnames = { "c.example" } },
      }) do
        local own = decide(service({ [field] = value }), confs, nil, fold)
        assert.are_not.same(fake.content_of(first.policy), fake.content_of(own.policy), field)
      end
      local without = decide(service({}), { { "route", { min_version = "TLSv1.2" } } }, nil, fold)
      assert.are_not.same(fake.content_of(first.policy), fake.content_of(without.policy))
    end)
  end)

  describe("from the service", function()
    it("does not verify what nobody asks to verify", function()
      assert.same({ verify = 2, depth = 100, trust = {} }, (policy({})))
      assert.same({ verify = 2, depth = 100, trust = {} }, (policy({ tls_verify = false })))
    end)

    it("trusts nobody without CA certificates", function()
      assert.same({ verify = 1, depth = 100, trust = {} }, (policy({ tls_verify = true })))
      assert.same({ verify = 1, depth = 100, trust = {} },
        (policy({ tls_verify = true, ca_certificates = {} })))
    end)

    it("trusts exactly its CA certificates", function()
      assert.same({ "CA one" },
        policy({ tls_verify = true, ca_certificates = { "one" } }).trust)
      assert.same({ "CA two", "CA one" },
        policy({ tls_verify = true, ca_certificates = { "two", "one" } }).trust)
    end)

    it("keeps what is said about verification while it is off", function()
      assert.same({ verify = 2, depth = 3, trust = { "CA one" } }, (policy({
        tls_verify = false, tls_verify_depth = 3, ca_certificates = { "one" },
      })))
    end)

    for _, depth in ipairs({ 0, 1, 64 }) do
      it("takes the depth " .. depth, function()
        assert.equal(depth, policy({ tls_verify = true, tls_verify_depth = depth }).depth)
      end)
    end

    it("shows its certificate, or that of the upstream", function()
      assert.same({ cert = "C", key = "K" },
        policy({ client_certificate = { id = "mine" } }).credential)
      assert.same({ cert = "C2", key = "K2" },
        policy({}, nil, { client_certificate = { id = "other" } }).credential)
      assert.same({ cert = "C", key = "K" }, policy({ client_certificate = { id = "mine" } }, nil,
        { client_certificate = { id = "other" } }).credential)
    end)

    it("says nothing about plain HTTP", function()
      local made, err = policy({ protocol = "http" }, { tls_verify = true })
      assert.is_nil(made)
      assert.is_nil(err)
    end)
  end)

  describe("from its configuration", function()
    local SERVICE = {
      tls_verify = true, tls_verify_depth = 1, ca_certificates = { "one" },
      client_certificate = { id = "mine" },
    }

    it("is as the service says where it says nothing", function()
      assert.same({
        verify = 1, depth = 1, trust = { "CA one" }, credential = { cert = "C", key = "K" },
      }, (policy(SERVICE, {})))
    end)

    it("wins field by field", function()
      assert.equal(2, policy(SERVICE, { tls_verify = false }).verify)
      assert.equal(0, policy(SERVICE, { tls_verify_depth = 0 }).depth)
      assert.same({ "CA two" }, policy(SERVICE, { ca_certificates = { "two" } }).trust)
      assert.same({}, policy(SERVICE, { ca_certificates = {} }).trust)
      assert.equal("C2", policy(SERVICE, { client_certificate = "other" }).credential.cert)
      assert.same({ "CA one" }, policy(SERVICE, { tls_verify = false }).trust)
    end)
  end)

  describe("fails closed", function()
    local cases = {
      { "a CA that does not exist", { ca_certificates = { "one", "gone" } },
        "CA Certificate 'gone' does not exist" },
      { "a CA that does not parse", { ca_certificates = { "broken" } }, "does not parse" },
      { "a client certificate that does not exist", { client_certificate = { id = "gone" } },
        "Certificate 'gone' does not exist" },
      { "a client certificate without its key", { client_certificate = { id = "broken" } },
        "certificate does not match key" },
      { "a depth that is none", { tls_verify_depth = 101 },
        "depth must be an integer between 0 and 100" },
    }
    for _, case in ipairs(cases) do
      for _, verify in ipairs({ true, false }) do
        it(("with %s, tls_verify %s"):format(case[1], tostring(verify)), function()
          local service = { tls_verify = verify }
          for key, value in pairs(case[2]) do
            service[key] = value
          end
          local made, err = policy(service)
          assert.is_nil(made)
          assert.matches("^plugin 'upstream%-tls': ", err)
          assert.matches(case[3], err, 1, true)
        end)
      end
    end
  end)

  describe("fields", function()
    -- A configuration, and what the policy has beside { verify = 1, depth = 100, trust = {} }.
    local HEX = ("ab"):rep(32)
    local cases = {
      { { mode = "report" }, { verify = 3 } },
      { { mode = "off" }, { verify = 2 } },
      { { tls_verify = false }, { verify = 2 } },
      { { tls_verify_depth = 0 }, { depth = 0 } },
      { { ca_certificates = { "one", "two" } }, { trust = { "CA one", "CA two" } } },
      { { system_cas = true }, { trust = { "CAs of the machine" } } },
      { { system_cas = true, ca_certificates = { "one" } },
        { trust = { "CAs of the machine", "CA one" } } },
      { { partial_chain = true }, { partial_chain = 1 } },
      { { strict = true }, { strict = 1 } },
      { { security_level = 0 }, { security_level = 0 } },
      { { verify_name = false }, { verify_name = 0 } },
      { { names = { dns = { "a.example" }, uri = { "spiffe://d/x" }, ip = { "::1" },
        match = "all" } },
        { names = { { 1, "a.example" }, { 2, "::1" }, { 3, "spiffe://d/x" } }, names_all = 1 } },
      { { names = { dns = { "a.example" }, match = "any" } }, { names = { { 1, "a.example" } } } },
      { { sni = "none" }, { sni = 1 } },
      { { sni = "host" }, { sni = 3 } },
      { { sni = "upstream_host" }, {} },
      { { sni = "other.example" }, { sni = 2, sni_name = "other.example" } },
      { { pins = { cert = { HEX }, spki = { HEX:upper() } } },
        { pins = { { 1, HEX }, { 2, HEX } } } },
      { { crl = { "CRL" } }, { crls = { "CRL" } } },
      { { crl = { "CRL" }, crl_check = "leaf" }, { crls = { "CRL" } } },
      { { crl = { "CRL" }, crl_check = "chain" }, { crls = { "CRL" }, crl_chain = 1 } },
      { { ocsp = "off" }, {} }, { { ocsp = "soft" }, { ocsp = 1 } },
      { { ocsp = "hard" }, { ocsp = 2 } },
      { { client_certificate = "mine" }, { credential = { cert = "C", key = "K" } } },
      { { min_version = "TLSv1.3" }, { min_version = 0x0304 } },
      { { max_version = "TLSv1.2" }, { max_version = 0x0303 } },
      { { ciphers = "c" }, { ciphers = "c" } },
      { { ciphersuites = "c" }, { ciphersuites = "c" } },
      { { groups = "g" }, { groups = "g" } },
      { { sigalgs = "s" }, { sigalgs = "s" } },
      { { alpn = "none" }, { alpn = "none" } },
      { { next_ca_certificates = { "two" } }, { next = { "CA two" } } },
      { { next_system_cas = true }, { next = { "CAs of the machine" } } },
    }
    for i, case in ipairs(cases) do
      it(("make the policy that they say (%d: %s)"):format(i, next(case[1])), function()
        local expected = { verify = 1, depth = 100, trust = {} }
        for name, value in pairs(case[2]) do
          expected[name] = value
        end
        assert.same(expected, (policy({ tls_verify = true }, case[1])))
      end)
    end

    it("of an Enterprise service name SANs beside its host", function()
      local service = { tls_verify = true, tls_sans = { dnsnames = { "a.x" }, uris = { "u:v" } } }
      assert.same({ { 1, "a.x" }, { 1, "backend.example" }, { 3, "u:v" } }, policy(service).names)
      service = { tls_verify = true, host = "::1", tls_sans = { dnsnames = { "a.x" } } }
      assert.same({ { 1, "a.x" }, { 2, "::1" } }, policy(service).names)
      assert.is_nil(policy({ tls_verify = true, tls_sans = {} }).names)
    end)
  end)

  describe("precedence", function()
    local SERVICE = {
      tls_verify = true, tls_verify_depth = 5, ca_certificates = { "one" },
      client_certificate = { id = "mine" },
    }

    it("is route, service, global, the service's fields, the upstream's, defaults", function()
      local decision = assert(decide(SERVICE, {
        { "route", { tls_verify_depth = 1, sni = "none" } },
        { "service", { tls_verify_depth = 2, strict = true } },
        { "global", { tls_verify_depth = 3, strict = false, security_level = 3 } },
      }, { client_certificate = { id = "other" } }))
      local fields = shown(decision)
      assert.same({ 1, "upstream-tls (route)" }, fields.tls_verify_depth)
      assert.same({ true, "upstream-tls (service)" }, fields.strict)
      assert.same({ 3, "upstream-tls (global)" }, fields.security_level)
      assert.same({ { "one" }, "service.ca_certificates" }, fields.ca_certificates)
      assert.same({ "enforce", "service.tls_verify" }, fields.mode)
      assert.same({ "mine", "service.client_certificate" }, fields.client_certificate)
      assert.same({ "TLSv1.2", "default" }, fields.min_version)
      assert.same({ nil, "default" }, fields.pins)
      assert.equal(1, fake.content_of(decision.policy).depth)
    end)

    it("knows the upstream's certificate", function()
      local decision = assert(decide({}, {}, { client_certificate = { id = "other" } }))
      assert.same({ "other", "upstream.client_certificate" }, shown(decision).client_certificate)
    end)

    it("takes fields that are one decision from one place", function()
      local function trust(first, second)
        return fake.content_of(decide({ tls_verify = true, ca_certificates = { "two" } },
          { { "route", first }, { "global", second } }).policy)
      end
      assert.same({ "CA one" }, trust({ ca_certificates = { "one" } }, { system_cas = true }).trust)
      assert.same({}, trust({ system_cas = false }, { system_cas = true }).trust)
      assert.same({ "CAs of the machine" }, trust({}, { system_cas = true }).trust)
      local made = trust({ names = { dns = { "a.x" } } }, { verify_name = false })
      assert.same({ { 1, "a.x" } }, made.names)
      assert.is_nil(made.verify_name)
      made = trust({ verify_name = true }, { names = { dns = { "a.x" } } })
      assert.is_nil(made.names)
    end)

    it("shows all fields, each once, in one order", function()
      local names, seen = {}, {}
      for i, field in ipairs(decide({}).fields) do
        names[i] = field.name
        assert.is_nil(seen[field.name])
        seen[field.name] = true
        assert.equal("default", field.origin)
      end
      assert.equal("mode", names[1])
      for _, item in ipairs(schema.fields[3].config.fields) do
        local name = next(item)
        assert.is_true(seen[name] or name == "tls_verify" or name == "targets", name)
      end
    end)
  end)

  describe("fails closed with fields that contradict each other over their places:", function()
    local cases = {
      { { min_version = "TLSv1.3" }, { max_version = "TLSv1.2" },
        "min_version TLSv1.3 is above max_version TLSv1.2" },
      { { crl_check = "chain" }, {}, "crl_check needs a crl" },
    }
    for _, case in ipairs(cases) do
      it(case[3], function()
        local decision, err = decide({ tls_verify = true },
          { { "route", case[1] }, { "global", case[2] } })
        assert.is_nil(decision)
        assert.equal("plugin 'upstream-tls': " .. case[3], err)
      end)
    end
  end)

  it("fails closed when the machine's certificates are not there", function()
    os.rename(SYSTEM, SYSTEM .. ".away")
    local made, err = policy({ tls_verify = true }, { system_cas = true })
    os.rename(SYSTEM .. ".away", SYSTEM)
    assert.is_nil(made)
    assert.matches("No such file", err)
    assert.is_nil((policy({}, { next_system_cas = true, next_ca_certificates = { "gone" } })))
  end)

  describe("targets", function()
    local SERVICE = { tls_verify = true, ca_certificates = { "one" }, tls_verify_depth = 5 }

    -- Text of the place -> what is said about it.
    local function places(confs, service)
      local by_text = {}
      for _, item in ipairs(assert(decide(service or SERVICE, confs)).targets) do
        by_text[item.text] = item
      end
      return by_text
    end

    it("differ from nothing where nothing is said about them", function()
      assert.same({}, places({ { "route", { strict = true } } }))
      assert.same({}, places())
    end)

    it("have the rest from the less specific places", function()
      local decision = assert(decide(SERVICE, { { "route", {
        strict = true, targets = { { target = "10.0.0.1:443", ca_certificates = { "two" } } },
      } } }))
      assert.same({ "CA one" }, fake.content_of(decision.policy).trust)
      local item = decision.targets[1]
      assert.same({ verify = 1, depth = 5, strict = 1, trust = { "CA two" } },
        fake.content_of(item.policy))
      assert.same({ "10.0.0.1", 443, "enforce" }, { item.canonical, item.port, item.mode })
      local fields = shown(item)
      assert.same({ { "two" }, "upstream-tls (route, target 10.0.0.1:443)" },
        fields.ca_certificates)
      assert.same({ true, "upstream-tls (route)" }, fields.strict)
      assert.same({ 5, "service.tls_verify_depth" }, fields.tls_verify_depth)
    end)

    it("are before all that is said about no target, the most specific configuration first",
      function()
        local found = places({
          { "route", { tls_verify_depth = 1, targets = { { target = "a", sni = "none" } } } },
          { "service", { targets = {
            { target = "a", tls_verify_depth = 2, sni = "host" }, { target = "b", strict = true },
          } } },
          { "global", { targets = {
            { target = "a:1", tls_verify_depth = 3, security_level = 3 },
            { target = "A.", tls_verify_depth = 4, security_level = 4 },
          } } },
        })
        local whole, port = shown(found.a), shown(found["a:1"])
        assert.same({ 2, "upstream-tls (service, target a)" }, whole.tls_verify_depth)
        assert.same({ "none", "upstream-tls (route, target a)" }, whole.sni)
        assert.same({ 4, "upstream-tls (global, target A.)" }, whole.security_level)
        -- A more specific configuration's word about the host is before a less specific one's about
        -- the port.
        assert.same({ 2, "upstream-tls (service, target a)" }, port.tls_verify_depth)
        assert.same({ 3, "upstream-tls (global, target a:1)" }, port.security_level)
        assert.same({ 1, "upstream-tls (route)" }, shown(found.b).tls_verify_depth)
        assert.is_nil(found["A."])
      end)

    it("are left out where no request comes to them", function()
      local conf = { targets = { { target = "a", strict = true }, { target = "10.0.0.1:444",
        strict = true }, { target = "10.0.0.1", strict = true } } }
      assert.equal(3, #decide(SERVICE, { { "global", conf } }).targets)
      local targets = decide(SERVICE, { { "global", conf } }, nil, nil, false).targets
      assert.equal(1, #targets)
      assert.equal("10.0.0.1", targets[1].text)
    end)

    it("take fields that are one decision from one place", function()
      local found = places({ { "route", {
        system_cas = true, targets = { { target = "a", ca_certificates = { "two" } } },
      } } })
      assert.same({ "CA two" }, fake.content_of(found.a.policy).trust)
    end)

    describe("have of each field", function()
      local SCOPES = { "route and service", "route", "service", "global" }
      local seed

      before_each(function()
        seed = 7
      end)

      local function random(n)
        seed = (seed * 1103515245 + 12345) % 2147483648
        return math.floor(seed / 65536) % n
      end

      local FIELDS = {
        tls_verify_depth = function() return random(65) end,
        security_level = function() return random(6) end,
        strict = function() return random(2) == 1 end,
        sni = function() return ({ "none", "host", "a.example" })[random(3) + 1] end,
      }

      local function some(fields)
        for name, value in pairs(FIELDS) do
          if random(3) == 0 then
            fields[name] = value()
          end
        end
        return fields
      end

      local function configurations()
        local confs = {}
        for i, scope in ipairs(SCOPES) do
          local entries = {}
          for _, text in ipairs({ "h", "h:1", "other:1" }) do
            if random(2) == 0 then
              table.insert(entries, 1 + random(#entries + 1), some({ target = text }))
            end
          end
          confs[i] = { scope, some({ targets = entries }) }
        end
        return confs
      end

      -- All that may say something about a place, in the documented order; `texts` are what it may
      -- be called in entries, the port first.
      local function in_order(confs, texts)
        local list = {}
        for _, item in ipairs(confs) do
          for _, text in ipairs(texts) do
            for _, entry in ipairs(item[2].targets) do
              list[#list + 1] = entry.target == text and entry or nil
            end
          end
        end
        for _, item in ipairs(confs) do
          list[#list + 1] = item[2]
        end
        return list
      end

      local function first(list, name)
        for _, fields in ipairs(list) do
          if fields[name] ~= nil then
            return fields[name]
          end
        end
      end

      it("what its most specific place says, whatever is said where", function()
        local compared = 0
        for _ = 1, 100 do
          local confs = configurations()
          local found = places(confs)
          for text, texts in pairs({ h = { "h" }, ["h:1"] = { "h:1", "h" } }) do
            for name in pairs(found[text] and FIELDS or {}) do
              local expected = first(in_order(confs, texts), name)
              local field = shown(found[text])[name]
              if expected ~= nil then
                assert.equal(expected, field[1], name)
                compared = compared + 1
              else
                assert.is_true(field[2] == "default" or field[2]:find("^service%.") ~= nil)
              end
            end
          end
        end
        assert.is_true(compared > 300)
      end)
    end)

    it("are refused for themselves where theirs cannot be made", function()
      local decision = assert(decide(SERVICE, { { "route", { min_version = "TLSv1.3", targets = {
        { target = "a", max_version = "TLSv1.2" }, { target = "b", ca_certificates = { "gone" } },
        { target = "c", client_certificate = "broken" }, { target = "d", sni = "none" },
      } } } }))
      local errors = {}
      for i, item in ipairs(decision.targets) do
        errors[i] = item.error or "none"
        assert.equal(item.error == nil, item.policy ~= nil)
      end
      assert.same({
        "plugin 'upstream-tls': min_version TLSv1.3 is above max_version TLSv1.2",
        "plugin 'upstream-tls': CA Certificate 'gone' does not exist",
        "plugin 'upstream-tls': certificate does not match key", "none",
      }, errors)
    end)

    it("are warned about, by what is not said about the others already", function()
      local decision = assert(decide(SERVICE, { { "route", { targets = {
        { target = "10.0.0.1", mode = "off" }, { target = "elsewhere", mode = "off" },
        { target = "b.example:443", mode = "report" },
      } } } }))
      assert.same({
        "at target '10.0.0.1' is not verified "
          .. "(mode off, from: upstream-tls (route, target 10.0.0.1))",
        "at target 'b.example:443' is verified for the log only, whatever the verdict "
          .. "(mode report, from: upstream-tls (route, target b.example:443))",
      }, decision.warnings)
      decision = assert(decide({}, { { "route", {
        sni = "none", targets = { { target = "10.0.0.1", strict = true } },
      } } }))
      assert.same({ "is not verified (mode off, from: default)" }, decision.warnings)
    end)
  end)

  describe("warns", function()
    local cases = {
      { "of an upstream that is not verified", {}, { sni = "none" },
        "is not verified (mode off, from: default)" },
      { "of report mode", { tls_verify = true, ca_certificates = { "one" } }, { mode = "report" },
        "is verified for the log only, whatever the verdict "
          .. "(mode report, from: upstream-tls (route))" },
      { "of names that do not count", { tls_verify = true, ca_certificates = { "one" } },
        { verify_name = false },
        "may show a certificate of any name (verify_name off, from: upstream-tls (route))" },
      { "when nobody is trusted", { tls_verify = true }, { strict = true },
        "cannot be trusted: it is verified, but there are no CA certificates" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        assert.same({ case[4] }, decide(case[2], { { "route", case[3] } }).warnings)
      end)
    end

    it("of nothing where it is configured nowhere, or all is well", function()
      assert.same({}, decide({}).warnings)
      assert.same({}, decide({ tls_verify = true }).warnings)
      local decision = decide({}, { { "global", { mode = "enforce", system_cas = true } } })
      assert.same({}, decision.warnings)
    end)
  end)
end)
