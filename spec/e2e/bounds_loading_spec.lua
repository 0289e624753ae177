-- Plugins that misbehave where the gateway loads, asks and tells them, outside of requests: the
-- load is refused with a message that names the plugin and what it was doing, or, where others go
-- on without it, the gateway does.

local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local LOOP = "while true do end"
local TAKE = "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end"
local NEST = "local function f() return 1 + f() end f()"

local TOO_LONG = "the time limit is over: Lua ran for 0.1 s without a pause (lua_time_limit)"
local TOO_MUCH = "not enough memory: the Lua state has "
local TOO_DEEP = "stack overflow"

-- Far more than any of this takes; a loop that nobody ends shows as a failure, not as a hang.
local SECONDS = 30

-- The files of a plugin: its handler with more functions, its schema with more attributes of the
-- only field, and others as they are.
local function write(files)
  local folder = helpers.directory()
  assert(os.execute(("mkdir -p '%s/brute'"):format(folder)))
  local function add(name, text)
    helpers.write(("%s/brute/%s.lua"):format(folder, name), text)
  end
  add("handler", ("local P = { PRIORITY = 1, VERSION = '1.0.0' }\n%s\nreturn P")
    :format(files.handler or ""))
  add("schema", ("%s\nreturn { name = 'brute', fields = { { config = { type = 'record', fields = {"
    .. " { value = { type = 'string', %s } } } } } } }"):format(files.schema or "",
    files.field or ""))
  if files.daos then
    add("daos", files.daos)
  end
  return folder
end

-- With a time limit for what does not end, and none where nothing else must end by it.
local function settings_of(folder, said)
  return {
    plugins = "bundled,brute", plugin_path = folder, lua_memory_limit = "64m",
    lua_time_limit = said == TOO_LONG and "0.1" or "0",
  }
end

local function document(port, value)
  return config.build({
    up = { port = port },
    brute = { port = port, plugins = { { name = "brute", config = { value = value } } } },
  })
end

describe("a plugin that misbehaves while it is loaded", function()
  teardown(helpers.stop_all)

  local function weir(command, files, said)
    local argv = { helpers.binary(), command, "-", seconds = SECONDS }
    local settings = settings_of(write(files), said)
    settings.proxy_listen = "127.0.0.1:" .. client.free_port()
    settings.admin_listen = "127.0.0.1:" .. client.free_port()
    argv.stdin = helpers.write(helpers.directory() .. "/weir.yml", '_format_version: "3.0"\n'
      .. "services:\n- name: a\n  host: b\n  plugins:\n  - name: brute\n"
      .. "    config: {value: x}\n")
    for key, value in pairs(settings) do
      argv[#argv + 1] = "--set"
      argv[#argv + 1] = key .. "=" .. value
    end
    local result = helpers.run(argv)
    return result.code, result.stdout .. result.stderr
  end

  local UNLOADED = 'Plugin "brute" cannot be loaded: '
  local BROUGHT = "the entities of plugin 'brute' cannot be loaded: "
  local ASKED = "the schema of plugin 'brute' failed: "

  local CASES = {}
  for name, case in pairs({
    ["does not end"] = { LOOP, TOO_LONG },
    ["takes memory without end"] = { TAKE, TOO_MUCH },
    ["nests without end"] = { NEST, TOO_DEEP },
  }) do
    local code, said = case[1], case[2]
    -- Where compiled code runs out of stack, LuaJIT does not know the line.
    local function place(text)
      return said == TOO_DEEP and said or text
    end
    CASES["its handler " .. name] = { { handler = code }, UNLOADED, place("handler.lua:2: "), said }
    CASES["its schema " .. name] = { { schema = code }, UNLOADED, place("schema.lua:1: "), said }
    CASES["its entities' file " .. name] = { { daos = code }, BROUGHT, place("daos.lua:1: "), said }
    CASES["its validator " .. name] = {
      { field = ("custom_validator = function() %s end"):format(code) }, ASKED,
      place("schema.lua:2: "), said,
    }
  end

  for what, case in pairs(CASES) do
    for _, command in ipairs({ "check", "run" }) do
      it(("is refused by weir %s: %s"):format(command, what), function()
        local code, text = weir(command, case[1], case[4])
        assert.equal(1, code, text)
        for i = 2, 4 do
          assert.truthy(text:find(case[i], 1, true), text)
        end
      end)
    end
  end

  it("is refused where its error does not become a text", function()
    local raise = "error(setmetatable({}, { __tostring = function() " .. LOOP .. " end }))"
    for _, files in ipairs({ { handler = raise }, { schema = raise } }) do
      local code, text = weir("check", files, TOO_LONG)
      assert.equal(1, code, text)
      assert.truthy(text:find(UNLOADED .. "error object of type table", 1, true), text)
    end
  end)

  it("is refused by weir run: its phases() does not end", function()
    local code, text = weir("run", { handler = "function P:phases() " .. LOOP .. " end" }, TOO_LONG)
    assert.equal(1, code, text)
    assert.matches("plugins: 'brute' %([%x-]+%): its phases%(%) failed: ", text)
    assert.truthy(text:find("handler.lua:2: " .. TOO_LONG, 1, true), text)
  end)
end)

describe("a worker whose plugins keep all memory before it has a configuration", function()
  teardown(helpers.stop_all)

  it("does not start, and says why", function()
    local folder = write({
      handler = "require('kong.plugins.brute.hoard')(ngx.worker.id())\nfunction P:access() end",
    })
    helpers.write(folder .. "/brute/hoard.lua", [[local kept = {}
      return function(worker) while worker do kept[#kept + 1] = ("x"):rep(1000) .. #kept end end]])
    local settings = settings_of(folder, TOO_MUCH)
    settings.proxy_listen = "127.0.0.1:" .. client.free_port()
    settings.admin_listen = "127.0.0.1:" .. client.free_port()
    local argv = { helpers.binary(), "run", "-", seconds = SECONDS }
    argv.stdin = helpers.write(folder .. "/weir.json", require("cjson").encode(document(1, "x")))
    for key, value in pairs(settings) do
      argv[#argv + 1] = "--set"
      argv[#argv + 1] = key .. "=" .. value
    end
    local result = helpers.run(argv)
    assert.equal(1, result.code, result.stderr)
    assert.truthy(result.stderr:find("a worker cannot use the configuration", 1, true),
      result.stderr)
    assert.truthy(result.stderr:find(TOO_MUCH, 1, true), result.stderr)
  end)
end)

describe("a plugin that misbehaves in a gateway that runs", function()
  local peer

  setup(function()
    peer = upstreams.peer({ main = {} })
  end)
  teardown(helpers.stop_all)

  local function start(files, said)
    return helpers.gateway({
      config = document(peer.ports.main), settings = settings_of(write(files), said),
    })
  end

  local function status(gateway, name)
    return gateway:get({ path = "/" .. name, host = "x.example" }).status
  end

  for what, case in pairs({ ["does not end"] = { LOOP, TOO_LONG },
    ["takes memory without end"] = { TAKE, TOO_MUCH },
    ["nests without end"] = { NEST, TOO_DEEP } }) do
    for _, name in ipairs({ "init_worker", "configure" }) do
      it(("is told once, and then serves: %s %s"):format(name, what), function()
        local gateway = start({
          handler = ("function P:%s() %s end function P:access() kong.response.exit(418) end")
            :format(name, case[1]),
        }, case[2])
        local line = gateway:wait_line("%[brute%] " .. name .. ": ")
        assert.truthy(line:find(case[2], 1, true), line)
        -- LuaJIT has no traceback to give where compiled code runs out of stack.
        if case[2] ~= TOO_DEEP then
          assert.matches("stack traceback:.*handler%.lua:2: in function", gateway:logs())
        end
        assert.same({ 200, 418 }, { status(gateway, "up"), status(gateway, "brute") })
      end)
    end

    it("cannot decide for its service, whose requests are refused: plan " .. what, function()
      local gateway = start({ handler = ("function P:plan() %s end"):format(case[1]) }, case[2])
      local line = gateway:wait_line("plugin 'brute': ")
      assert.truthy(line:find(case[2], 1, true), line)
      assert.same({ 200, 502 }, { status(gateway, "up"), status(gateway, "brute") })
    end)
  end

  it("changes nothing where it fails to judge a new configuration", function()
    local gateway = start({
      field = "custom_validator = function(v) while v == 'loop' do end return true end",
    }, TOO_LONG)
    local pid = gateway:worker_pid()
    local applied, text = gateway:reload(document(peer.ports.main, "loop"))
    assert.is_false(applied)
    assert.truthy(text:find("the schema of plugin 'brute' failed: ", 1, true), text)
    assert.truthy(text:find(TOO_LONG, 1, true), text)
    assert.same({ 200, 200 }, { status(gateway, "up"), status(gateway, "brute") })
    assert.is_true(gateway:reload(document(peer.ports.main, "fine")))
    assert.equal(pid, gateway:worker_pid())
  end)

  it("is the only one that fails when it keeps all memory", function()
    local gateway = start({ handler = [[local kept = {}
      function P:access() while true do kept[#kept + 1] = ("x"):rep(1000) .. #kept end end]],
    }, TOO_MUCH)
    local pid = gateway:worker_pid()
    for _ = 1, 3 do
      local from = #gateway:logs() + 1
      assert.equal(500, status(gateway, "brute"))
      gateway:wait_line("%[brute%] access: .*not enough memory: the Lua state has %d+ bytes in use",
        from)
      assert.equal(200, status(gateway, "up"))
    end
    assert.equal(pid, gateway:worker_pid())
  end)
end)

describe("a configuration that takes more memory than lua_memory_limit", function()
  teardown(helpers.stop_all)

  local SAID = "the configuration takes more memory than lua_memory_limit (16777216 bytes): split "
    .. "it, or raise that"

  local function services(count)
    local list = {}
    for i = 1, count do
      list[i] = { name = "s" .. i, host = "h" .. i }
    end
    return { _format_version = "3.0", services = list }
  end

  it("is refused, and changes nothing", function()
    local gateway = helpers.gateway({
      config = services(1), settings = { lua_memory_limit = "16m" },
    })
    local pid = gateway:worker_pid()
    for _ = 1, 2 do
      local applied, text = gateway:reload(services(20000))
      assert.is_false(applied)
      assert.truthy(text:find(SAID, 1, true), text)
    end
    assert.is_true((gateway:reload(services(2))))
    assert.equal(2, #gateway:admin("/services").data)
    assert.equal(pid, gateway:worker_pid())
  end)

  it("is said by `weir check`, too", function()
    local file = helpers.write(helpers.directory() .. "/weir.json",
      require("cjson").encode(services(20000)))
    local result = helpers.run({ helpers.binary(), "check", file, "--set", "lua_memory_limit=16m" })
    assert.equal(1, result.code, result.stderr)
    assert.truthy(result.stdout:find(SAID, 1, true), result.stdout)
  end)
end)
