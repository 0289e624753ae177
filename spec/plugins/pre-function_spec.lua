-- pre-function and post-function: what runs, when, how often, and what is refused.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local post = require("kong.plugins.post-function.handler")
local pre = require("kong.plugins.pre-function.handler")
local schema = require("kong.plugins.pre-function.schema")

local PHASES = { "certificate", "rewrite", "access", "header_filter", "body_filter", "log" }

describe("pre-function", function()
  setup(function()
    fake.install()
    pdk.install({ untrusted_lua = "sandbox" })
  end)
  before_each(function()
    current.slot, current.plugin = 1, { name = "pre-function" }
    fake.request = fake.new_request({ phase = "access" })
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  local function configure(config)
    return plugin.configure(schema, config)
  end

  local function trace()
    return kong.ctx.shared.trace
  end

  local function note(mark)
    return ("kong.ctx.shared.trace = (kong.ctx.shared.trace or '') .. '%s'"):format(mark)
  end

  it("runs before all others, post-function after them", function()
    assert.equal(1000000, pre.PRIORITY)
    assert.equal(-1000, post.PRIORITY)
    assert.equal("post-function", require("kong.plugins.post-function.schema").name)
  end)

  it("runs the code of each phase, in its order", function()
    local config = {}
    for _, phase in ipairs(PHASES) do
      config[phase] = { note(phase .. "1 "), note(phase .. "2 ") }
    end
    local conf = assert(configure(config))
    for _, phase in ipairs(PHASES) do
      pre[phase](pre, conf)
    end
    assert.equal("certificate1 certificate2 rewrite1 rewrite2 access1 access2 "
      .. "header_filter1 header_filter2 body_filter1 body_filter2 log1 log2 ", trace())
  end)

  it("does nothing in a phase without code", function()
    pre:log(assert(configure({ access = { note("a") } })))
    assert.is_nil(trace())
  end)

  it("needs the phases that have code", function()
    local needed = pre:phases(assert(configure({ access = { note("a") }, log = { note("b") } })))
    for _, phase in ipairs(PHASES) do
      assert.equal(phase == "access" or phase == "log", needed[phase], phase)
    end
  end)

  it("runs code each time", function()
    local conf = assert(configure({ access = { note("a") } }))
    pre:access(conf)
    pre:access(conf)
    assert.equal("aa", trace())
  end)

  it("runs code once that returns a function, and calls that each time", function()
    local conf = assert(configure({ access = { note("once ") .. [[
      local count = 0
      return function()
        count = count + 1
        kong.ctx.shared.trace = kong.ctx.shared.trace .. count
      end]] } }))
    pre:access(conf)
    pre:access(conf)
    pre:access(conf)
    assert.equal("once 123", trace())
  end)

  it("keeps the locals of each configuration, phase and plugin apart", function()
    local code = "local n = 0 return function() n = n + 1; kong.ctx.shared.trace = n end"
    local one = assert(configure({ access = { code }, log = { code } }))
    local other = assert(configure({ access = { code } }))
    pre:access(one)
    pre:access(one)
    assert.equal(2, trace())
    for _, run in ipairs({ { pre, "log", one }, { pre, "access", other },
      { post, "access", one } }) do
      run[1][run[2]](run[1], run[3])
      assert.equal(1, trace())
    end
  end)

  it("takes the result of a piece for a function at its first run only", function()
    local conf = assert(configure({ access = { [[
      kong.ctx.shared.runs = (kong.ctx.shared.runs or 0) + 1
      if kong.ctx.shared.runs > 1 then
        return function() kong.ctx.shared.called = true end
      end]] } }))
    pre:access(conf)
    pre:access(conf)
    pre:access(conf)
    assert.equal(3, kong.ctx.shared.runs)
    assert.is_nil(kong.ctx.shared.called)
  end)

  it("leaves the sandbox to nobody", function()
    for _, code in ipairs({
      "io.open('/etc/passwd')", "os.execute('true')", "require('ffi')", "debug.getregistry()",
      "kong.request.get_path = nil",
    }) do
      assert.has_error(function()
        pre:access(assert(configure({ access = { code } })))
      end)
    end
  end)

  it("says in which piece and line an error was", function()
    local conf = assert(configure({ log = { "return", "\nerror('deliberate')" } }))
    local ok, err = pcall(pre.log, pre, conf)
    assert.is_false(ok)
    assert.equal("pre-function.log[2]:2: deliberate", err)
    ok, err = pcall(post.log, post, conf)
    assert.is_false(ok)
    assert.equal("post-function.log[2]:2: deliberate", err)
  end)

  it("goes on after an error as if that request had not been", function()
    local conf = assert(configure({ access = { [[
      if kong.ctx.shared.fail then error("deliberate") end
      return function() kong.ctx.shared.called = true end]] } }))
    kong.ctx.shared.fail = true
    assert.has_error(function() pre:access(conf) end)
    kong.ctx.shared.fail = nil
    pre:access(conf)
    assert.is_true(kong.ctx.shared.called)
  end)

  describe("refuses", function()
    it("code that does not parse", function()
      local conf, err = configure({ access = { "return 1", "if" } })
      assert.is_nil(conf)
      assert.matches("^Error parsing function: code:1:", err)
    end)

    it("all code while untrusted_lua is off", function()
      pdk.install({ untrusted_lua = "off" })
      local conf, err = configure({ access = { "return 1" } })
      pdk.install({ untrusted_lua = "sandbox" })
      assert.is_nil(conf)
      assert.matches("'untrusted_lua' config option is set to 'off'", err)
    end)

    it("to have no code at all, and phases that do not exist", function()
      local conf, err = configure({})
      assert.is_nil(conf)
      assert.matches("at least one of these fields must be non%-empty: 'config.certificate', "
        .. "'config.rewrite'", err)
      assert.is_nil(configure({ acces = { "return" } }))
    end)
  end)
end)
