-- References to secrets: what they look like, where they lead, and kong.vault.
require("spec.support.fake_core").install()
local ffi = require("ffi")
local current = require("weir.pdk.current")
local declarative = require("weir.declarative")
local reference = require("weir.vault.reference")
local vault = require("weir.pdk.vault")
local Vault = require("weir.vault")

if not pcall(function() return ffi.C.setenv end) then
  ffi.cdef("int setenv(const char *name, const char *value, int overwrite);")
end

local SETTINGS = {}

local function setting(name)
  return SETTINGS[name]
end

describe("weir.vault", function()
  local vaults = {}
  local secrets = Vault.new(function(prefix) return vaults[prefix] end, setting)

  setup(function()
    for name, value in pairs({
      VAULTSPEC_PLAIN = "plain", VAULTSPEC_PLAIN_PREVIOUS = "older", VAULTSPEC_EMPTY = "",
      VAULTSPEC_JSON = '{"a":"A","n":5,"o":{"x":1},"z":null}', VAULTSPEC_BASE64 = "c2VjcmV0",
    }) do
      ffi.C.setenv(name, value, 1)
    end
  end)
  before_each(function()
    vaults, SETTINGS = {}, {}
  end)

  describe("references", function()
    it("have a form", function()
      assert.is_true(reference.is("{vault://env/x}"))
      for _, value in ipairs({ "{vault://", "vault://env/x", "{vault:/env/x}", "", 5 }) do
        assert.is_false(reference.is(value))
      end
    end)

    it("are taken apart", function()
      for text, parts in pairs({
        ["{vault://env/x}"] = { name = "env", resource = "x" },
        ["{vault://env/x/}"] = { name = "env", resource = "x" },
        ["{vault://my-env/a/b/c%20d}"] = { name = "my-env", resource = "a/b", key = "c d" },
        ["{vault://env/x/k?prefix=p_&base64_decode=true#2}"] = {
          name = "env", resource = "x", key = "k", version = 2,
          config = { prefix = "p_", base64_decode = "true" },
        },
      }) do
        assert.same(parts, reference.parse(text))
      end
    end)

    it("say what they lack", function()
      for text, why in pairs({
        ["x"] = "not a reference",
        ["{vault://}"] = "reference url is missing host",
        ["{vault://env}"] = "reference url is missing path",
        ["{vault://env/}"] = "reference url has empty path",
        ["{vault://env/x#new}"] = "reference url has invalid version",
      }) do
        assert.same({ nil, ("%s [%s]"):format(why, text) }, { reference.parse(text) })
      end
    end)
  end)

  describe("env", function()
    it("reads variables, in capitals", function()
      assert.equal("plain", secrets:get("{vault://env/vaultspec-plain}"))
      assert.equal("plain", secrets:get("{vault://env/VAULTSPEC_PLAIN}"))
      assert.equal("older", secrets:get("{vault://env/vaultspec-plain#2}"))
      assert.equal("", secrets:get("{vault://env/vaultspec-empty}"))
    end)

    it("reads fields of JSON", function()
      assert.equal("A", secrets:get("{vault://env/vaultspec-json/a}"))
      assert.equal("5", secrets:get("{vault://env/vaultspec-json/n}"))
      assert.equal('{"x":1}', secrets:get("{vault://env/vaultspec-json/o}"))
    end)

    it("is configured by the settings, a vault of the configuration, the reference", function()
      SETTINGS.vault_env_prefix = "vaultspec-"
      assert.equal("plain", secrets:get("{vault://env/plain}"))
      vaults["my-env"] = { name = "env", config = { prefix = "vaultspec_", base64_decode = true } }
      assert.equal("secret", secrets:get("{vault://my-env/base64}"))
      assert.equal("plain", secrets:get("{vault://my-env/plain?base64_decode=false}"))
      assert.equal("plain",
        secrets:get("{vault://my-env/spec-plain?base64_decode=false&prefix=vault}"))
      SETTINGS.vault_env_base64_decode = true
      assert.equal("secret", secrets:get("{vault://env/base64}"))
    end)

    it("says what it does not find", function()
      for text, why in pairs({
        ["{vault://env/vaultspec-none}"] = "environment variable VAULTSPEC_NONE is not set",
        ["{vault://env/vaultspec-plain/a}"] = "its value is no JSON object",
        ["{vault://env/vaultspec-json/b}"] = "its value has no field 'b'",
        ["{vault://env/vaultspec-json/z}"] = "its value has no field 'z'",
        ["{vault://env/vaultspec-json?base64_decode=true}"]
          = "environment variable VAULTSPEC_JSON is not base64",
      }) do
        local message = ("could not get value from external vault (%s) [%s]"):format(why, text)
        assert.same({ nil, message }, { secrets:get(text) })
      end
      assert.same({ nil, "could not find vault (aws) [{vault://aws/x}]" },
        { secrets:get("{vault://aws/x}") })
      assert.same({ nil, "not a reference [x]" }, { secrets:get("x") })
    end)
  end)

  describe("in a file", function()
    package.preload["kong.plugins.vaultspec.schema"] = function()
      local secret = { type = "string", referenceable = true }
      return { name = "vaultspec", fields = { { config = { type = "record", fields = {
        { password = { type = "string", referenceable = true, encrypted = true } },
        { hint = secret },
      } } } } }
    end

    local function load(text)
      return declarative.load('_format_version: "3.0"\n' .. text,
        { plugins = { "vaultspec" }, settings = { vault_env_prefix = "vaultspec_" } })
    end

    it("is asked for what fields refer to", function()
      local config, findings = load([[
plugins:
- {name: vaultspec, config: {password: '{vault://mine/plain}', hint: '{vault://env/plain}'}}
vaults:
- {prefix: mine, name: env, config: {prefix: VAULTSPEC_}}
]])
      assert.same({}, findings.errors)
      local plugin = config.plugins[1]
      assert.equal("plain", plugin.config.password)
      assert.equal("plain", plugin.config.hint)
      assert.equal("{vault://mine/plain}", plugin.config["$refs"].password)
      assert.same({ { "plugins", plugin.id } }, config.referring)
    end)

    it("refuses the file when a secret is missing, and only warns of what is none", function()
      local config, findings = load(
        "plugins: [ {name: vaultspec, config: {password: '{vault://env/none}'}} ]\n")
      assert.is_nil(config)
      assert.equal("2:49: plugins[0].config.password: could not get value from external vault "
        .. "(environment variable VAULTSPEC_NONE is not set) [{vault://env/none}]",
        declarative.format(findings.errors[1], ""):sub(2))
      config, findings = load(
        "plugins: [ {name: vaultspec, config: {hint: '{vault://nowhere/none}'}} ]\n")
      assert.equal("", config.plugins[1].config.hint)
      assert.equal("could not find vault (nowhere) [{vault://nowhere/none}]; it is left empty",
        findings.warnings[1].message)
    end)
  end)
end)

describe("kong.vault", function()
  setup(function()
    ffi.C.setenv("VAULTSPEC_ROTATING", "1", 1)
    require("weir.pdk.configuration").set({})
    current.generation = { entities = { vaults = {
      id = { id = "id", prefix = "mine", name = "env", config = { prefix = "vaultspec_" } },
    } } }
  end)
  teardown(function()
    current.generation = nil
  end)

  it("reads secrets, by the vaults of the configuration", function()
    assert.is_true(vault.is_reference("{vault://env/x}"))
    assert.equal("x", vault.parse_reference("{vault://env/x}").resource)
    assert.equal("1", vault.get("{vault://env/vaultspec-rotating}"))
    assert.equal("1", vault.get("{vault://mine/rotating}"))
    local value, err = vault.get("{vault://mine/none}")
    assert.is_nil(value)
    assert.matches("VAULTSPEC_NONE is not set", err)
  end)

  local function configuration()
    return {
      password = "old", plain = "same", list = { "a", "old" },
      inner = { token = "old", ["$refs"] = { token = "{vault://mine/none}" } },
      ["$refs"] = {
        password = "{vault://mine/rotating}", list = { [2] = "{vault://mine/rotating}" },
      },
    }
  end

  it("puts secrets in place", function()
    local conf = configuration()
    assert.equal(conf, vault.update(conf))
    assert.same({ "1", "same", { "a", "1" }, "" },
      { conf.password, conf.plain, conf.list, conf.inner.token })
    assert.equal("text", vault.update("text"))
  end)

  it("tries again with secrets looked up anew", function()
    local conf, tried = configuration(), {}
    local function connect(options)
      table.insert(tried, options.password)
      return options.password == "1" and "connected" or nil, "wrong password"
    end
    assert.equal("connected", vault.try(connect, conf))
    assert.same({ "old", "1" }, tried)
    assert.equal("connected", vault.try(connect, conf))
    assert.same({ "old", "1", "1" }, tried)
    assert.same({ nil, "no" }, { vault.try(function() return nil, "no" end) })
  end)

  it("has nothing to flush or to warm up", function()
    for _, name in ipairs({ "flush", "warmup", "init_worker" }) do
      assert.same({}, { vault[name]() })
    end
  end)
end)
