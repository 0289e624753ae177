-- `weir plugin`: the first files of a plugin, checking them, testing them.

local helpers = require("spec.helpers")

local function binary()
  local path = helpers.binary()
  return path:sub(1, 1) == "/" and path or os.getenv("PWD") .. "/" .. path
end

describe("weir plugin", function()
  local directory

  before_each(function()
    directory = helpers.directory()
  end)

  local function weir(...)
    return helpers.run({ binary(), "plugin", cwd = directory, ... })
  end

  -- Replaces a text in a file of the new plugin.
  local function edit(file, old, new)
    local path = directory .. "/my-plugin/" .. file
    local text, count = helpers.read(path):gsub(old, new)
    assert.equal(1, count)
    helpers.write(path, text)
  end

  it("begins a plugin that works and whose spec passes", function()
    local made = weir("new", "my-plugin")
    assert.equal(0, made.code, made.stderr)
    assert.equal("my-plugin/handler.lua\nmy-plugin/schema.lua\nmy-plugin/spec/my-plugin_spec.lua\n",
      made.stdout)
    local checked = weir("check", "my-plugin")
    assert.equal("my-plugin: ok (version 0.1.0, priority 1000; phases: access, header_filter)\n",
      checked.stdout)
    assert.equal(0, checked.code)
    local tested = weir("test", "my-plugin/")
    assert.matches("3 successes / 0 failures / 0 errors", tested.stdout)
    assert.equal(0, tested.code, tested.stderr)
  end)

  it("makes nothing over what is there, and of no other name", function()
    weir("new", "my-plugin")
    edit("handler.lua", "0%.1%.0", "0.2.0")
    local again = weir("new", "my-plugin")
    assert.equal(1, again.code)
    assert.equal("Error: there is a 'my-plugin' already\n", again.stderr)
    assert.matches("0.2.0", helpers.read(directory .. "/my-plugin/handler.lua"), 1, true)
    for _, name in ipairs({ "../x", "a b", "a;b", "" }) do
      local result = weir("new", name)
      assert.equal(2, result.code)
      assert.matches("is no plugin's name", result.stderr)
    end
  end)

  it("tells of specs that fail, with what the gateway has to say", function()
    weir("new", "my-plugin")
    edit("spec/my-plugin_spec.lua", "assert.equal%(200", "assert.equal(201")
    local result = weir("test", "my-plugin")
    assert.equal(1, result.code)
    assert.matches("2 successes / 1 failure / 0 errors", result.stdout)
    edit("handler.lua", "kong.response.set_header", "kong.response.set_haeder")
    result = weir("test", "my-plugin")
    assert.equal(1, result.code)
    assert.matches("the gateway did not start:\n.*handler.lua:10: there is no "
      .. "kong.response.set_haeder %(did you mean 'set_header'%?%)", result.stdout)
  end)

  it("checks handler and schema", function()
    local function problem()
      local result = weir("check", "my-plugin")
      assert.equal(1, result.code)
      assert.equal("", result.stdout)
      return result.stderr
    end
    weir("new", "my-plugin")
    edit("schema.lua", '"string"', '"strong"')
    assert.matches("^Error: the schema of plugin 'my%-plugin' is not valid: .*strong", problem())
    edit("handler.lua", '"0.1.0"', '"0.1"')
    assert.matches("its VERSION field does not follow", problem())
    assert(os.remove(directory .. "/my-plugin/handler.lua"))
    assert.matches("^Error: my%-plugin plugin is enabled but not installed;", problem())
  end)
end)

describe("weir.testing", function()
  it("sends requests and shows the log", function()
    local directory = helpers.directory()
    local function weir(...)
      return helpers.run({ binary(), "plugin", cwd = directory, ... })
    end
    weir("new", "mine")
    helpers.write(directory .. "/mine/handler.lua", [[
      local Handler = { PRIORITY = 10, VERSION = "0.1.0" }
      function Handler:access()
        kong.log.err("seen it")
        kong.response.exit(201, kong.request.get_method() .. " " .. kong.request.get_raw_body(),
          { ["X-Echo"] = kong.request.get_header("x-question") })
      end
      return Handler
    ]])
    helpers.write(directory .. "/mine/spec/mine_spec.lua", [[
      local testing = require("weir.testing")
      it("works", function()
        local gateway = testing.gateway({
          config = { routes = { { name = "r", paths = { "/a" } } } },
          plugins = { { name = "mine", config = { value = "v" } } },
          settings = { headers = "off" },
        })
        local answer = gateway:request("/a?b=c", {
          method = "PUT", body = "text", headers = { ["X-Question"] = "why" },
        })
        assert.equal(201, answer.status)
        assert.equal("why", answer.headers["x-echo"])
        assert.is_nil(answer.headers.server)
        assert.equal("PUT text", answer.body)
        assert.equal(404, gateway:request("/b").status)
        assert.matches("seen it", gateway:log())
        gateway:stop()
        assert.has_error(function() gateway:request("/a") end)
      end)
    ]])
    local result = weir("test", "mine")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.matches("1 success / 0 failures / 0 errors", result.stdout)
  end)
end)
