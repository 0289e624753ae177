-- Finding, checking and ordering plugins.

local plugin = require("spec.support.plugin")
local plugins = require("weir.plugins")

local NAMES = { "one", "two", "three" }

describe("weir.plugins", function()
  after_each(function()
    for _, name in ipairs(NAMES) do
      plugin.forget(name)
    end
  end)

  local function refused(handler)
    plugin.define("one", handler)
    local loaded, err = plugins.load("one")
    assert.is_nil(loaded)
    return err
  end

  it("says what a plugin is", function()
    local handler = plugin.define("one", { PRIORITY = 7, VERSION = "1.2.3" }, { "access", "log" })
    local loaded = plugins.load("one")
    assert.equal(handler, loaded.handler)
    assert.equal("one", loaded.schema.name)
    assert.equal(7, loaded.priority)
    assert.equal("1.2.3", loaded.version)
    assert.equal(2 + 16, loaded.phases)
  end)

  it("numbers the phases like the core", function()
    for number, phase in ipairs({ "rewrite", "access", "header_filter", "body_filter", "log",
      "upstream_verify", "balancer", "response", "certificate" }) do
      plugin.define("one", {}, { phase })
      assert.equal(2 ^ (number - 1), plugins.load("one").phases)
      plugin.forget("one")
    end
  end)

  it("finds functions that a handler inherits", function()
    local base = { access = function() end }
    plugin.define("one", setmetatable({}, { __index = base }))
    assert.equal(2, plugins.load("one").phases)
  end)

  it("names a plugin that is nowhere, and where it was looked for", function()
    local loaded, err = plugins.load("no-such-plugin")
    assert.is_nil(loaded)
    assert.matches("^no%-such%-plugin plugin is enabled but not installed;\n", err)
    assert.matches("plugins/no%-such%-plugin/handler%.lua", err)
  end)

  it("names what is wrong in a plugin that does not load", function()
    package.preload["kong.plugins.one.handler"] = function()
      error("broken on purpose")
    end
    local _, err = plugins.load("one")
    assert.matches('^Plugin "one" cannot be loaded: .*broken on purpose', err)
  end)

  it("needs a schema", function()
    plugin.define("one", {})
    package.preload["kong.plugins.one.schema"] = nil
    local _, err = plugins.load("one")
    assert.matches("^one plugin is enabled but not installed;", err)
  end)

  it("needs a handler that is a table", function()
    package.preload["kong.plugins.one.handler"] = function() return true end
    local _, err = plugins.load("one")
    assert.equal('Plugin "one" cannot be loaded because its handler is no table', err)
  end)

  for _, value in ipairs({ "1000", 1.5, 0 / 0, 1 / 0, false }) do
    it("needs an integer PRIORITY, not " .. tostring(value), function()
      local handler = { VERSION = "1.0.0", PRIORITY = value }
      if not value then
        handler = setmetatable({}, { __index = function() return nil end })
        package.preload["kong.plugins.one.handler"] = function() return handler end
      else
        plugin.define("one", handler)
      end
      local _, err = plugins.load("one")
      assert.matches('^Plugin "one" cannot be loaded because its PRIORITY field is not a valid '
        .. "integer number, got: ", err)
    end)
  end

  for _, value in ipairs({ "1.0", "1", "x.y.z", "1.0.0.0", "1.0.0-beta" }) do
    it("needs a VERSION x.y.z, not " .. value, function()
      assert.equal('Plugin "one" cannot be loaded because its VERSION field does not follow the '
        .. '"x.y.z" format, got: "' .. value .. '".', refused({ VERSION = value }))
    end)
  end

  for _, phase in ipairs({ "header_filter", "body_filter" }) do
    it("refuses response together with " .. phase, function()
      local noop = function() end
      assert.equal('Plugin "one" can\'t be loaded because it implements both `response` and '
        .. "`header_filter` or `body_filter` methods.",
        refused({ response = noop, [phase] = noop }))
    end)
  end

  it("refuses what is for streams alone, and takes what is for requests, too", function()
    local noop = function() end
    assert.matches("of all phases it implements only `preread`, which weir does not run",
      refused({ preread = noop }))
    plugin.define("one", { preread = noop }, { "access" })
    assert.equal("one", plugins.load("one").name)
  end)

  for _, phase in ipairs({ "access", "upstream_verify", "phases" }) do
    it("refuses " .. phase .. " that is no function", function()
      assert.equal(('Plugin "one" cannot be loaded because its `%s` is not a function, got: '
        .. '"table".'):format(phase), refused({ [phase] = {} }))
    end)
  end

  describe("phases of a configuration", function()
    local function phases_of(phases)
      plugin.define("one", { phases = phases }, { "access", "log" })
      return plugins.phases_of(plugins.load("one"), { mark = "log" })
    end

    it("are all that the handler implements, unless it says otherwise", function()
      assert.equal(2 + 16, phases_of(nil))
    end)

    it("are those that the handler names for it", function()
      assert.equal(16, phases_of(function(_, conf)
        return { [conf.mark] = true, access = false }
      end))
      assert.equal(0, phases_of(function() return {} end))
    end)

    it("are implemented, and a set", function()
      local cases = {
        { function() return { acess = true } end,
          "named 'acess', a phase that the handler does not implement" },
        { function() return { body_filter = true } end,
          "named 'body_filter', a phase that the handler does not implement" },
        { function() return { "access" } end,
          "named '1', a phase that the handler does not implement" },
        { function() return nil end, "gave a nil, and not a set of phases" },
        { function() error("broken on purpose", 0) end, "failed: broken on purpose" },
      }
      for _, case in ipairs(cases) do
        local bits, why = phases_of(case[1])
        assert.is_nil(bits)
        assert.equal(case[2], why)
      end
    end)
  end)

  it("orders by priority, then by name from the end of the alphabet", function()
    plugin.define("one", { PRIORITY = 5 })
    plugin.define("two", { PRIORITY = 5 })
    plugin.define("three", { PRIORITY = 9 })
    local order = {}
    for i, loaded in ipairs(plugins.load_all(NAMES)) do
      order[i] = loaded.name
    end
    assert.same({ "three", "two", "one" }, order)
  end)

  it("reports every plugin that cannot be used", function()
    plugin.define("one", { VERSION = "1" })
    plugin.define("two", {})
    local loaded, errors = plugins.load_all({ "one", "two", "missing" })
    assert.is_nil(loaded)
    assert.equal(2, #errors)
    assert.matches('Plugin "one"', errors[1])
    assert.matches("missing plugin is enabled", errors[2])
  end)

  it("takes all shipped plugins", function()
    local fake = require("spec.support.fake_abi").install()
    local bundled = require("weir.settings").bundled_plugins
    local loaded = assert(plugins.load_all(bundled))
    assert.equal(#bundled, #loaded)
    local by_name = {}
    for _, one in ipairs(loaded) do
      by_name[one.name] = one
    end
    assert.equal(0, by_name["upstream-tls"].phases)
    assert.same({}, fake.log)
  end)
end)
