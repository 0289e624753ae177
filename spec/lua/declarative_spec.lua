require("spec.support.fake_core").install()
local declarative = require("weir.declarative")

local CA = "bf6e0f14-78cd-45ad-9325-87ec7ef7b891"
local HEAD = '_format_version: "3.0"\n'

-- A plugin as one would write it for Kong.
package.preload["kong.plugins.sample.schema"] = function()
  local typedefs = require("kong.db.schema.typedefs")
  return {
    name = "sample",
    fields = {
      { consumer = typedefs.no_consumer },
      { protocols = typedefs.protocols_http },
      {
        config = {
          type = "record",
          fields = {
            { status = { type = "integer", default = 503, between = { 100, 599 } } },
            { message = { type = "string" } },
            { body = { type = "string" } },
            { ca = { type = "string", uuid = true, refers_to = "ca_certificates" } },
            { cas = {
              type = "array",
              elements = { type = "string", uuid = true, refers_to = "ca_certificates" },
            } },
            {
              inner = {
                type = "record", required = true,
                fields = { { x = { type = "number", default = 1 } } },
              },
            },
          },
          entity_checks = { { mutually_exclusive = { "message", "body" } } },
        },
      },
    },
  }
end
package.preload["kong.plugins.broken.schema"] = function()
  local config = { type = "record", fields = { { f = { type = "strang" } } } }
  return { name = "broken", fields = { { config = config } } }
end
package.preload["kong.plugins.raising.schema"] = function()
  local field = { type = "string", custom_validator = function() error("oops") end }
  local config = { type = "record", fields = { { f = field } } }
  return { name = "raising", fields = { { config = config } } }
end
package.preload["kong.plugins.crash.schema"] = function()
  error("no such luck")
end

local OPTIONS = {
  plugins = { "sample", "broken", "raising", "crash", "absent", "upstream-tls" },
  filename = "weir.yml", now = 1000,
}

local function load(text)
  return declarative.load(text, OPTIONS)
end

local function valid(text)
  local config, findings = load(HEAD .. text)
  assert.same({}, findings.errors)
  return config, findings.warnings
end

-- All errors as printed, without the file's name.
local function errors_of(text)
  local config, findings = load(text)
  assert.is_nil(config)
  local lines = {}
  for i, finding in ipairs(findings.errors) do
    lines[i] = declarative.format(finding, "F"):sub(3)
  end
  return lines
end

describe("weir.declarative", function()
  describe("the file", function()
    it("may be empty of entities", function()
      local config = valid("_comment: x\n_ignore: [1]\n_transform: false\n"
        .. "services: []\nroutes: ~\nplugins: {}\n")
      assert.same({}, config.services)
      assert.same({}, config.by_id.routes)
      assert.is_false(config.transform)
      assert.equal("3.0", config.format_version)
    end)

    it("must be an object with a format version", function()
      local NO_OBJECT = '1:1: expected an object with at least _format_version: "3.0"'
      assert.same({ NO_OBJECT }, errors_of(""))
      assert.same({ NO_OBJECT }, errors_of("word"))
      assert.same({ NO_OBJECT }, errors_of("[1]"))
      assert.same({ "1:1: _format_version: required field missing" }, errors_of("services: []"))
      assert.same({ '1:18: _format_version: expected a string: "3.0"' },
        errors_of("_format_version: 3.0"))
      assert.same({ "1:18: _format_version: expected one of: 1.1, 2.1, 3.0" },
        errors_of('_format_version: "4.0"'))
    end)

    it("has nothing that decK writes for itself", function()
      local WHY = "decK's own, which gateways do not read; leave it out"
      assert.same({ "2:1: _info: " .. WHY, "4:1: _workspace: " .. WHY },
        errors_of(HEAD .. "_info:\n  select_tags: [a]\n_workspace: team\n"))
    end)

    it("has syntax errors with a position", function()
      assert.same({ "2:4: did not find expected node content" }, errors_of("a: [\nb: }"))
    end)

    it("has no keys but those of Kong, and says which of them weir lacks", function()
      assert.same({
        "2:1: servces: unknown field (did you mean 'services'?)",
        "3:1: keys: not supported by this version of weir",
        "4:1: acls: these entities belong to plugin 'acl', which is not enabled",
        "5:1: _x: unknown field",
        "6:13: _transform: expected a boolean",
        "7:11: _comment: expected a string",
        "8:10: _ignore: expected an array",
        "9:11: services: expected an array",
      }, errors_of(HEAD .. "servces: []\nkeys: []\nacls: []\n_x: 1\n_transform: 1\n_comment: 1\n"
        .. "_ignore: 1\nservices: {a: 1}\n"))
    end)

    it("may be JSON", function()
      local config = declarative.load('{"_format_version": "3.0", "services": [{"host": "a"}]}',
        { plugins = {}, filename = "x.json" })
      assert.equal("a", config.services[1].host)
    end)
  end)

  describe("nesting", function()
    it("is flattened, with references to the parents", function()
      local config = valid([[
services:
- name: s
  host: h
  _comment: x
  routes:
  - name: r
    paths: [/]
    plugins:
    - name: sample
  plugins:
  - name: sample
upstreams:
- name: u
  targets:
  - target: 10.0.0.1:80
]])
      assert.same({ id = config.services[1].id }, config.routes[1].service)
      assert.same({ id = config.routes[1].id }, config.plugins[1].route)
      assert.is_nil(config.plugins[1].service)
      assert.same({ id = config.services[1].id }, config.plugins[2].service)
      assert.same({ id = config.upstreams[1].id }, config.targets[1].upstream)
      assert.is_nil(config.services[1].routes)
      assert.is_nil(config.services[1]._comment)
      assert.equal(config.routes[1], config.by_id.routes[config.routes[1].id])
    end)

    it("leaves no room for another parent", function()
      assert.same({ "5:34: services[0].routes[0].service: value must be null" },
        errors_of(HEAD .. "services:\n- name: s\n  host: h\n"
          .. "  routes: [{paths: [/], service: s}]\n"))
    end)

    it("takes what aliases repeat for each of them", function()
      local config = valid([[
services:
- {name: a, host: h, routes: &routes [{paths: [/x]}, {paths: [/y]}]}
- {name: b, host: h, routes: *routes}
]])
      local found = {}
      for i, route in ipairs(config.routes) do
        found[i] = config.by_id.services[route.service.id].name .. route.paths[1]
      end
      assert.same({ "a/x", "a/y", "b/x", "b/y" }, found)
    end)

    it("needs lists of records", function()
      assert.same({
        "3:21: services[0].routes: expected an array",
        "4:22: services[1].routes[0]: expected a record",
        "5:3: services[2]: expected a record",
      }, errors_of(HEAD .. "services:\n- {host: h, routes: {a: 1}}\n"
        .. "- {host: h, routes: [x]}\n- x\n"))
    end)
  end)

  describe("references", function()
    it("are names first, then ids", function()
      local config = valid(([[
services:
- {name: a, host: h, id: %s}
- {name: b, host: h}
routes:
- {paths: [/1], service: b}
- {paths: [/2], service: %s}
- {paths: [/3], service: {id: %s}}
- {paths: [/4], service: {name: b}}
- {paths: [/5]}
]]):format(CA, CA:upper(), CA))
      local a, b = { id = CA }, { id = config.services[2].id }
      local expected = { b, a, a, b }
      for i, route in ipairs(config.routes) do
        assert.same(expected[i], route.service)
      end
    end)

    it("must lead somewhere", function()
      assert.same({
        "3:25: routes[0].service: "
          .. "invalid reference 'service: nobody' (no such entry in 'services')",
        "5:25: plugins[0].route: invalid reference 'route: x' (no such entry in 'routes')",
      }, errors_of(HEAD .. "routes:\n- {paths: [/], service: nobody}\nplugins:\n"
        .. "- {name: sample, route: {id: x}}\n"))
    end)

    it("to CA certificates are checked as well", function()
      local text = HEAD .. ("services:\n- host: h\n  protocol: https\n  tls_verify: true\n"
        .. "  ca_certificates:\n  - x\n  - %s\n"):format(CA)
      assert.same({
        "7:5: services[0].ca_certificates[0]: expected a valid UUID",
        ("8:5: services[0].ca_certificates[1]: invalid reference 'ca_certificates: %s' "
          .. "(no such entry in 'ca_certificates')"):format(CA),
      }, errors_of(text))
      local config = valid(text:sub(#HEAD + 1):gsub("  %- x\n", "")
        .. ("ca_certificates: [{id: %s, cert: CERT ca=true}]"):format(CA))
      assert.same({ CA }, config.services[1].ca_certificates)
    end)

    it("to an entity with another mistake are no second mistake", function()
      assert.same({ "3:28: services[0].port: expected an integer" },
        errors_of(HEAD .. "services:\n- {name: s, host: h, port: x}\n"
          .. "routes: [{paths: [/], service: s}]"))
    end)
  end)

  describe("ids", function()
    it("follow from names as in Kong", function()
      local config = valid("services: [{name: foo-namespace.foo-svc.80, host: h}]\n"
        .. "routes: [{name: foo-namespace.regex-prefix.foo-svc.example.com.80, paths: [/]}]")
      assert.equal("fe1e2edc-5479-52fe-b0f4-b90d8d5f83ba", config.services[1].id)
      assert.equal("45f1e9e4-8096-5cf7-b8e0-c42f8b9b81a0", config.routes[1].id)
    end)

    it("are the same after every load, and differ from each other", function()
      local text = "services:\n- host: a\n- host: a\n  routes: [{paths: [/]}, {paths: [/]}]\n"
        .. "plugins: [{name: sample}]\n"
      local first, second = valid(text), valid(text)
      local seen = {}
      for _, type_name in ipairs({ "services", "routes", "plugins" }) do
        for i, entity in ipairs(first[type_name]) do
          assert.equal(entity.id, second[type_name][i].id)
          assert.is_nil(seen[entity.id])
          seen[entity.id] = true
        end
      end
    end)

    it("that are given are used, in lower case", function()
      assert.equal(CA, valid(("services: [{host: h, id: %s}]"):format(CA:upper())).services[1].id)
    end)
  end)

  describe("uniqueness", function()
    local function violation(entity, field, value)
      return ("uniqueness violation: '%s' entity with %s set to '%s' already declared")
        :format(entity, field, value)
    end

    it("of names", function()
      assert.same({ "4:10: services[1].name: " .. violation("services", "name", "s") },
        errors_of(HEAD .. "services:\n- {name: s, host: a}\n- {name: s, host: b}"))
    end)

    it("of ids", function()
      local service = ("- {id: %s, host: a}\n"):format(CA)
      assert.same({ "4:8: services[1].id: " .. violation("services", "primary key", CA) },
        errors_of(HEAD .. "services:\n" .. service .. service))
    end)

    it("of targets within an upstream", function()
      assert.same({
        "3:36: upstreams[0].targets[1]: " .. violation("targets", "upstream+target", "u+a:8000"),
      }, errors_of(HEAD .. "upstreams:\n"
        .. "- {name: u, targets: [{target: a}, {weight: 1, target: 'a:8000'}]}"))
      valid("upstreams:\n- {name: u, targets: [{target: a}]}\n- {name: v, targets: [{target: a}]}")
    end)

    it("of a plugin within its scope", function()
      local text = "services: [{name: s, host: h}]\nplugins:\n- {name: sample}\n"
        .. "- {name: sample, service: s}\n"
      valid(text)
      assert.same({ "6:3: plugins[2]: " .. violation("plugins", "name+service", "sample+s") },
        errors_of(HEAD .. text .. "- {name: sample, service: s, enabled: false}"))
    end)

    it("of CA certificates' contents", function()
      local lines = errors_of(HEAD .. "ca_certificates:\n"
        .. "- {cert: CERT ca=true}\n- {cert: CERT ca=true}")
      assert.equal(1, #lines)
      assert.matches("^4:3: ca_certificates%[1%]%.cert_digest: uniqueness violation", lines[1])
    end)
  end)

  describe("consumers", function()
    local loader = require("weir.loader")

    setup(function()
      loader.set_path("spec/fixtures/plugins", "")
      table.insert(OPTIONS.plugins, "keyring")
    end)
    teardown(function()
      loader.set_path("", "")
      table.remove(OPTIONS.plugins)
    end)

    local function without_id(entity)
      local copy = {}
      for field, value in pairs(entity) do
        copy[field] = field ~= "id" and value or nil
      end
      return copy
    end

    it("have what plugins bring nested in them, or beside them", function()
      local config = valid([[
consumers:
- username: alice
  keyring_keys:
  - {key: k1, tags: [t]}
  keyring_groups: [{group: g}]
- {custom_id: "7", username: bob}
keyring_keys:
- {key: k2, consumer: bob}
]])
      local alice, bob = config.consumers[1], config.consumers[2]
      assert.same({
        { consumer = { id = alice.id }, key = "k1", tags = { "t" } },
        { consumer = { id = bob.id }, key = "k2" },
      }, { without_id(config.keyring_keys[1]), without_id(config.keyring_keys[2]) })
      assert.same({ id = alice.id }, config.keyring_groups[1].consumer)
      assert.equal(config.keyring_keys[2], config.by_id.keyring_keys[config.keyring_keys[2].id])
    end)

    it("go to a packer where there is one, with what plugins bring, as they would be otherwise",
      function()
        local text = HEAD .. [[
consumers:
- {username: alice, keyring_keys: [{key: k1}]}
- {username: bob}
keyring_keys: [{key: k2, consumer: bob}]
services: [{name: s, host: h}]
]]
        local packed, packer = {}, {}
        function packer:add(definition, entity)
          packed[definition.name] = packed[definition.name] or {}
          table.insert(packed[definition.name], entity)
        end
        local whole = load(text)
        local config = declarative.load(text, {
          plugins = OPTIONS.plugins, now = OPTIONS.now, packer = packer,
        })
        assert.same({ consumers = whole.consumers, keyring_keys = whole.keyring_keys }, packed)
        assert.same({ {}, {} }, { config.consumers, config.keyring_keys })
        assert.same(whole.services, config.services)
      end)

    it("and others may be referred to before they are written", function()
      package.preload["kong.plugins.linked.daos"] = function()
        local typedefs = require("kong.db.schema.typedefs")
        return {
          { name = "linked_ones", endpoint_key = "name", cache_key = { "name" }, fields = {
            { id = typedefs.uuid }, { name = { type = "string", unique = true } },
            { other = { type = "foreign", reference = "linked_others" } },
          } },
          { name = "linked_others", endpoint_key = "name", fields = {
            { id = typedefs.uuid }, { name = { type = "string", unique = true } },
          } },
        }
      end
      table.insert(OPTIONS.plugins, "linked")
      finally(function()
        table.remove(OPTIONS.plugins)
        package.preload["kong.plugins.linked.daos"] = nil
      end)
      local config = valid("linked_ones: [{name: a, other: b}]\nlinked_others: [{name: b}]")
      assert.same({ id = config.linked_others[1].id }, config.linked_ones[1].other)
      assert.same({
        "2:32: linked_ones[0].other: "
          .. "invalid reference 'other: c' (no such entry in 'linked_others')",
      }, errors_of(HEAD .. "linked_ones: [{name: a, other: c}]"))
    end)

    it("have ids that follow from names, and credentials ids from their cache keys", function()
      local text = "consumers: [{username: a, keyring_keys: [{key: k}], "
        .. "keyring_groups: [{group: g}]}]\n"
      local config = valid(text)
      local uuid, ws = require("weir.text.uuid"), require("weir.entities.workspace").id
      local id = uuid.of_entity("consumers", "a")
      assert.equal(id, config.consumers[1].id)
      assert.equal(uuid.of_entity("keyring_keys", "keyring_keys:" .. ws .. ":k"),
        config.keyring_keys[1].id)
      assert.equal(uuid.of_entity("keyring_groups", ("keyring_groups:%s:%s:g"):format(ws, id)),
        config.keyring_groups[1].id)
    end)

    it("need a name of either kind", function()
      assert.same({
        "2:14: consumers[0]: at least one of these fields must be non-empty: "
          .. "'custom_id', 'username'",
      }, errors_of(HEAD .. "consumers: [ {tags: [x]} ]\n"))
    end)

    it("and their credentials are unique", function()
      assert.same({
        "3:14: consumers[1].username: uniqueness violation: 'consumers' entity with username set "
          .. "to 'a' already declared",
        "4:27: consumers[2].custom_id: uniqueness violation: 'consumers' entity with custom_id set "
          .. "to '1' already declared",
        "5:46: keyring_keys[1].key: uniqueness violation: 'keyring_keys' entity with key set to "
          .. "'k' already declared",
        "6:44: keyring_groups[1]: uniqueness violation: 'keyring_groups' entity with "
          .. "consumer+group set to 'b+g' already declared",
      }, errors_of(HEAD .. ([[
consumers: [ {username: a, custom_id: "1"},
 { username: a, id: %s },
 {username: b, custom_id: "1"} ]
keyring_keys: [ {key: k, consumer: b}, {key: k, consumer: b} ]
keyring_groups: [ {group: g, consumer: b}, {group: g, consumer: b} ]
]]):format(CA)))
    end)

    it("are not taken for each other where names have a plus sign", function()
      valid([[
consumers:
- {username: a, keyring_groups: [{group: b+c}]}
- {username: a+b, keyring_groups: [{group: c}]}
]])
    end)

    it("cannot have what belongs to a plugin that is not enabled", function()
      assert.same({
        "2:27: consumers[0].keyauth_credentials: "
          .. "these entities belong to plugin 'key-auth', which is not enabled",
      }, errors_of(HEAD .. "consumers: [{username: a, keyauth_credentials: [{key: k}]}]\n"))
    end)

    it("must be there for what refers to them", function()
      assert.same({
        "2:35: keyring_keys[0].consumer: "
          .. "invalid reference 'consumer: nobody' (no such entry in 'consumers')",
      }, errors_of(HEAD .. "keyring_keys: [{key: k, consumer: nobody}]\n"))
    end)

    it("have credentials whose values are made up where none is given", function()
      local text = "consumers: [{username: a, keyring_keys: [{}, {}]}]\n"
      local keys = valid(text).keyring_keys
      assert.matches("^%x+$", keys[1].key)
      assert.equal(32, #keys[1].key)
      assert.not_equal(keys[1].key, keys[2].key)
    end)

    it("have credentials whose schemas may fail, which is a finding", function()
      local text = HEAD .. "consumers: [{username: a, keyring_keys: [{digest: %s}]}]\n"
      assert.matches("the schema of 'keyring_keys' failed: .*no digest",
        errors_of(text:format("raise"))[1])
    end)

    it("are known when their credentials are transformed, unless the file says not to", function()
      local text = "consumers: [{username: a}]\n"
        .. "keyring_keys: [{key: k, digest: d, consumer: a}]\n"
      local config = valid(text)
      assert.equal("d of " .. config.consumers[1].id, config.keyring_keys[1].digest)
      assert.equal("d", valid("_transform: false\n" .. text).keyring_keys[1].digest)
    end)
  end)

  describe("plugins", function()
    it("get the defaults of their own schema", function()
      local config = valid("plugins: [{name: sample, config: {message: x}}]")
      assert.same({ status = 503, message = "x", inner = { x = 1 } }, config.plugins[1].config)
      assert.is_true(config.plugins[1].enabled)
      assert.same({ status = 503, inner = { x = 1 } },
        valid("plugins: [{name: sample}]").plugins[1].config)
    end)

    it("are judged by their own schema", function()
      assert.same({
        "3:35: plugins[0].config.status: value should be between 100 and 599",
        "3:38: plugins[0].config.statsu: unknown field (did you mean 'status'?)",
        "4:26: plugins[1].config: only one or none of these fields must be set: 'message', 'body'",
        "5:28: plugins[2].consumer: value must be null",
      }, errors_of(HEAD .. "plugins:\n- {name: sample, config: {status: 7, statsu: 1}}\n"
        .. "- {name: sample, config: {message: a, body: b}}\n- {name: sample, consumer: joe}\n"))
    end)

    it("may refer to entities in their configuration, by id", function()
      local ca = ("ca_certificates: [{id: %s, cert: CERT ca=true}]\n"):format(CA)
      local config = valid(ca .. ("plugins: [{name: sample, config: {ca: %s, cas: [%s]}}]")
        :format(CA:upper(), CA))
      assert.equal(CA, config.plugins[1].config.ca)
      assert.same({ CA }, config.plugins[1].config.cas)
      local gone = "00000000-0000-4000-8000-000000000000"
      assert.same({
        "4:14: plugins[0].config.ca: invalid reference 'ca: " .. gone
          .. "' (no such entry in 'ca_certificates')",
        "5:54: plugins[0].config.cas[1]: invalid reference 'cas: " .. gone
          .. "' (no such entry in 'ca_certificates')",
      }, errors_of(HEAD .. ca .. "plugins: [{name: sample, config: {\n"
        .. ("         ca: %s,\n         cas: [%s, %s]}}]"):format(gone, CA, gone)))
    end)

    it("are of targets that upstream-tls says something about and that there are not", function()
      local function warned(scope, services, targets)
        local _, warnings = valid(([[
services:
%s
plugins:
- name: upstream-tls
%s  config:
    targets:
%s]]):format(services, scope, targets))
        local list = {}
        for _, warning in ipairs(warnings) do
          local text = warning.message:match("^'[^']*' is no target")
          list[#list + 1] = text and ("%s: %s"):format(warning.path, text)
        end
        return list
      end
      local services = [[
- {name: one, url: "https://a.example:8443", routes: [{name: r, paths: [/]}]}
- {name: two, url: "https://u"}
- {name: three, url: "http://plain.example:80"}
upstreams:
- {name: u, targets: [{target: "10.0.0.1:443"}, {target: "[::1]:443"}]}]]
      local targets = [[
    - {target: "A.example:8443", mode: "off"}
    - {target: "10.0.0.1", mode: "off"}
    - {target: "0::1", mode: "off"}
    - {target: "10.0.0.1:444", mode: "off"}
    - {target: "plain.example", mode: "off"}
    - {target: "u", mode: "off"}]]
      local function nowhere(i, text)
        return ("plugins[0].config.targets[%d].target: '%s' is no target"):format(i, text)
      end
      local never = { nowhere(3, "10.0.0.1:444"), nowhere(4, "plain.example"), nowhere(5, "u") }
      assert.same(never, warned("", services, targets))
      local of_one = { nowhere(1, "10.0.0.1"), nowhere(2, "0::1"), unpack(never) }
      assert.same(of_one, warned("  service: one\n", services, targets))
      assert.same(of_one, warned("  route: r\n", services, targets))
      assert.same({ nowhere(0, "A.example:8443"), unpack(never) },
        warned("  service: two\n", services, targets))
      assert.same({}, warned("  enabled: false\n", services, targets))
    end)

    it("may come from a plugin's schema, which may fail", function()
      local plugins = require("weir.entities").base.definitions.plugins
      local sample = plugins.schema_of("sample").definition
      finally(function() sample.advise = nil end)
      function sample.advise(entity, config)
        return { {
          path = { "config", "status" }, message = entity.config.status .. " " .. #config.services,
        } }
      end
      local text = "plugins:\n- name: sample\n  config:\n    status: 418\n"
      local _, warnings = valid(text)
      assert.same({ "418 0", 5 }, { warnings[1].message, warnings[1].line })
      function sample.advise()
        error("oops")
      end
      _, warnings = valid(text)
      assert.matches("its schema fails to advise: .*oops", warnings[1].message)
    end)

    it("of upstream-tls say more than a service's own fields, which then are not warned of",
      function()
        local service = "services: [{name: s, host: h, protocol: https}]\n"
        local _, warnings = valid(service)
        assert.equal(1, #warnings)
        _, warnings = valid(service .. "plugins: [{name: upstream-tls, enabled: false}]")
        assert.equal(1, #warnings)
        _, warnings = valid(service .. "plugins: [{name: upstream-tls, config: {strict: true}}]")
        assert.same({}, warnings)
      end)

    it("may have schemas that fail, which is a finding", function()
      local lines = errors_of(HEAD .. "plugins: [{name: raising, config: {f: x}}]")
      assert.equal(1, #lines)
      assert.matches("^2:11: plugins%[0%]: the schema of plugin 'raising' failed: .*oops", lines[1])
    end)

    it("must be enabled, installed and in order", function()
      local lines = errors_of(HEAD .. "plugins:\n- {name: smaple}\n- {name: absent}\n"
        .. "- {name: broken}\n- {name: crash}\n- {}\n- {name: 5}\n- {name: oauth2}\n")
      assert.matches("^6:10: plugins%[3%]%.name: "
        .. "the schema of plugin 'crash' cannot be loaded: .*luck", table.remove(lines, 4))
      assert.same({
        "3:10: plugins[0].name: plugin 'smaple' not enabled; add it to the 'plugins' "
          .. "configuration property (did you mean 'sample'?)",
        "4:10: plugins[1].name: plugin 'absent' is enabled but not installed",
        "5:10: plugins[2].name: the schema of plugin 'broken' is not valid: "
          .. "broken.config.f: invalid type: strang",
        "7:3: plugins[4].name: required field missing",
        "8:10: plugins[5].name: expected a string",
        "9:10: plugins[6].name: plugin 'oauth2' not enabled; add it to the 'plugins' "
          .. "configuration property and the folder that it is in to 'plugin_path': "
          .. "it does not come with weir",
      }, lines)
    end)
  end)

  it("reports everything, in the order of the file", function()
    local lines = errors_of(HEAD .. "routes: [{hosts: 5}]\nservices:\n- host: 1\n"
      .. "  zzz: 2\n- {}\nfoo: 1\n")
    local last = 0
    for _, line in ipairs(lines) do
      local number = tonumber(line:match("^(%d+):"))
      assert.is_true(number >= last)
      last = number
    end
    assert.equal(5, #lines)
  end)

  it("reads regular expressions of older formats", function()
    local config = declarative.load('_format_version: "2.1"\n'
      .. 'routes: [{paths: [/a, "/b(c)", "~/d(e)"]}]', OPTIONS)
    assert.same({ "/a", "~/b(c)", "~/d(e)" }, config.routes[1].paths)
  end)

  it("warns in the words that were agreed upon", function()
    local _, warnings = valid("services:\n- name: echo\n  url: https://a\n")
    assert.equal("weir.yml:3:3: warning: services[0] (echo): "
      .. "upstream certificate is not verified (tls_verify is off)",
      declarative.format(warnings[1], "weir.yml", "warning"))
  end)

  it("prints findings on one line, with unusual keys in quotes", function()
    assert.equal("F:1:2: a: b c",
      declarative.format({ line = 1, col = 2, path = "a", message = "b\n\tc" }, "F"))
    assert.same({ '2:1: ["a b\\27"]: unknown field' }, errors_of(HEAD .. '"a\\nb\\e": 1'))
    assert.same({ '3:19: routes[0].headers["x y"]: bad header name \'x y\', '
      .. "allowed characters are A-Z, a-z, 0-9, '_', and '-'" },
      errors_of(HEAD .. "routes:\n- {headers: {x y: [a]}}"))
  end)
end)
