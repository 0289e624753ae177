-- Untrusted Lua: what it can do, and what it tries in vain.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local sandbox = require("kong.tools.sandbox")

local function with(settings)
  settings.trusted_ips = {}
  settings.ssl_cert_key = settings.ssl_cert_key or { "/key.pem" }
  return pdk.install(settings)
end

-- Runs code in the sandbox and gives what it returns.
local function run(code, env)
  return sandbox.sandbox(code, { chunk_name = "spec", env = env })()
end

before_each(function()
  fake.install()
  with({ untrusted_lua = "sandbox" })
end)

after_each(function()
  current.release(1)
  current.slot = 0
end)

describe("untrusted code", function()
  it("has Lua's own library, and methods of strings", function()
    assert.equal("a,B,3,2", run([[
      local t = { "a", ("b"):upper() }
      table.insert(t, tostring(math.max(1, 3)))
      t[#t + 1] = select("#", pcall(error, "x"))
      return table.concat(t, ",")]]))
    assert.is_number(run("return os.time() + os.clock()"))
    assert.equal(3, run("local t = setmetatable({}, { __index = { x = 3 } }) return t.x"))
  end)

  it("uses kong and ngx", function()
    fake.request = fake.new_request({
      phase = "access", headers = { ["x-name"] = "value" },
    })
    current.slot = 1
    assert.equal("value", run([[return kong.request.get_header("x-name")]]))
    assert.equal("aGk=", run([[return ngx.encode_base64("hi")]]))
    assert.equal(200, run("return ngx.HTTP_OK"))
    run("kong.ctx.shared.mine = 1; ngx.ctx.other = 2")
    assert.equal(1, current.ctx("shared").mine)
    assert.equal(2, current.ctx("ngx").other)
  end)

  it("sees each request's own ctx", function()
    local fn = sandbox.parse([[return function()
      local before = kong.ctx.shared.n
      kong.ctx.shared.n = 1
      return before
    end]])
    for _ = 1, 2 do
      current.slot = 1
      assert.is_nil(fn())
      current.release(1)
    end
  end)

  it("calls methods of shared dictionaries", function()
    assert.equal(5, run([[
      local dictionary = ngx.shared.kong
      dictionary:set("sandbox-spec", 5)
      return (dictionary:get("sandbox-spec"))]]))
    assert.is_nil(run("return ngx.shared.kong[1]"))
  end)

  it("keeps its globals to itself, and reads those it was given", function()
    run("leak = 1; string.leak = 2; _G.other = 3")
    assert.is_nil(_G.leak)
    assert.is_nil(rawget(string, "leak"))
    assert.is_nil(_G.other)
    assert.is_nil(run("return leak or string.leak or other"))
    assert.equal(7, run("return given", { given = 7 }))
  end)
end)

describe("an attempt to get out of the sandbox", function()
  local NOTHING = {
    "ffi", "debug", "package", "io.open", "io.popen", "os.execute", "os.getenv", "os.exit",
    "os.remove", "os.rename", "os.tmpname", "os.setlocale", "getfenv", "setfenv", "rawset",
    "rawget", "collectgarbage", "dofile", "loadfile", "module", "newproxy", "string.dump",
    "string.buffer",
    "jit.on", "jit.attach", "jit.util", "math.randomseed", "kong.vault", "kong.db.certificates",
    "kong.db.plugins", "ngx.req.set_body_file", "ngx.req.get_body_file",
    "kong.configuration.remove_sensitive",
  }
  for _, name in ipairs(NOTHING) do
    it("by " .. name .. " finds nothing", function()
      local parent = name:match("^(.*)%.") or "_G"
      _G.kong.db = { certificates = {}, plugins = {} }
      _G.kong.vault = {}
      assert.is_nil(run(("return %s and %s"):format(parent, name)))
      _G.kong.db, _G.kong.vault = nil, nil
    end)
  end

  it("by the metatable of strings", function()
    assert.is_nil(run([[return getmetatable("")]]))
    assert.is_nil(run([[return ("").dump]]))
    assert.is_nil(string.dump)
  end)

  it("by the metatables of its own globals and views", function()
    for _, name in ipairs({ "_G", "kong", "ngx", "kong.request", "kong.ctx", "ngx.shared",
      "ngx.var" }) do
      assert.is_nil(run(("return getmetatable(%s)"):format(name)))
      assert.has_error(function() run(("setmetatable(%s, {})"):format(name)) end,
        "cannot change a protected metatable")
    end
  end)

  it("by a metatable that the gateway gave a table", function()
    local metatable = { __index = { secret = true } }
    local given = setmetatable({}, metatable)
    assert.is_nil(run("return getmetatable(given)", { given = given }))
    assert.has_error(function() run("setmetatable(given, nil)", { given = given }) end,
      "cannot change a protected metatable")
    assert.equal(metatable, getmetatable(given))
  end)

  it("by writing to kong or ngx", function()
    for _, place in ipairs({ "kong.request.get_header", "kong.x", "ngx.say", "ngx.re.match",
      "kong.log.err", "ngx.shared.kong", "ngx.shared.kong.get", "kong.service.request.set_path",
      "kong.configuration.plugins" }) do
      local ok, err = pcall(run, place .. " = function() end")
      assert.is_false(ok, place)
      assert.matches("protected by the sandbox", err)
    end
  end)

  it("by library functions that write past metatables", function()
    local get_header = _G.kong.request.get_header
    run([[
      assert(kong.request.get_header)
      table.insert(kong.request, "mine")
      table.insert(ngx.shared.kong, "mine")
      kong.table.clear(kong.request)
      kong.table.clear(kong.table)]])
    assert.equal(get_header, _G.kong.request.get_header)
    assert.is_nil(_G.kong.request[1])
    assert.is_function(_G.kong.table.clear)
    assert.is_nil(run("return kong.request[1] or ngx.shared.kong[1]"))
  end)

  it("by bytecode", function()
    local code = "\27LJ\2\10"
    for _, text in ipairs({
      ("return (load(%q))"):format(code),
      ("return (loadstring(%q, 'x'))"):format(code),
      ("return (load(%q, 'x', 'b'))"):format(code),
      ("local done; return (load(function() if not done then done = 1 return %q end end))")
        :format(code),
    }) do
      assert.is_nil(run(text))
    end
    assert.is_false((sandbox.validate_safe(code)))
  end)

  it("by load, whose code has the same globals", function()
    assert.is_nil(run("return load('return io.open or debug or ffi')()"))
    assert.equal(run, run("return load('return run')()", { run = run }))
    assert.is_nil(run("return load('return print', 'x', 't', {})()"))
  end)

  it("by require", function()
    for _, name in ipairs({ "ffi", "debug", "io", "weir.pdk.configuration", "table.new" }) do
      local ok, err = pcall(run, ("require %q"):format(name))
      assert.is_false(ok)
      assert.equal(("require '%s' not allowed within sandbox"):format(name), err:match("require.*"))
    end
  end)

  it("by an error with a message handler", function()
    assert.equal("nil", run([[
      local _, got = xpcall(function() error({}) end, function() return tostring(debug) end)
      return got]]))
  end)
end)

describe("the settings", function()
  it("refuse it all", function()
    with({ untrusted_lua = "off" })
    local ok, err = sandbox.validate("return function() end")
    assert.is_false(ok)
    assert.equal("Error parsing function: loading of untrusted Lua code disabled because "
      .. "'untrusted_lua' config option is set to 'off'", err)
  end)

  it("allow it all, and keep globals apart nevertheless", function()
    with({ untrusted_lua = "on" })
    assert.equal(io.open, run("leak = 1; return io.open"))
    assert.is_nil(_G.leak)
  end)

  it("allow it what a plugin may, and no more", function()
    with({ untrusted_lua = "on" })
    local find = string.find
    run("string.find, table.insert, _G.type = nil, nil, 'mine' string.find = print")
    assert.equal(find, string.find)
    assert.equal("function", type(type))
    assert.has_error(function()
      run("os.exit(3)")
    end)
    assert.is_function(run("return debug.getinfo"))
  end)

  it("offer modules, which cannot be changed through it", function()
    with({ untrusted_lua = "sandbox", untrusted_lua_sandbox_requires = { "cjson" } })
    assert.equal("[1]", run([[return require("cjson").encode({ 1 })]]))
    assert.has_error(function() run([[require("cjson").encode = print]]) end)
    assert.is_false((pcall(run, [[require("cjson.safe")]])))
  end)

  it("offer further globals", function()
    with({ untrusted_lua = "sandbox", untrusted_lua_sandbox_environment = {
      "os.getenv", "kong.configuration.log_level", "kong.a.b", "no.such", "math", "table.unpackx",
    }, log_level = "info" })
    _G.kong.a = { b = "deep", c = "hidden" }
    assert.equal(os.getenv("HOME"), run([[return os.getenv("HOME")]]))
    assert.is_number(run("return os.time()"))
    assert.equal("info", run("return kong.configuration.log_level"))
    assert.equal("deep", run("return kong.a.b"))
    assert.is_nil(run("return kong.a.c"))
    assert.is_nil(run("return no"))
    assert.equal(math.randomseed, run("return math.randomseed"))
    _G.kong.a = nil
  end)

  it("are shown to it without what must not be shown", function()
    with({ untrusted_lua = "sandbox", ssl_cert_key = { "/secret.pem" } })
    assert.equal("******", run("return kong.configuration.ssl_cert_key"))
  end)
end)

describe("kong.tools.sandbox", function()
  it("tells what the setting allows", function()
    local modes = { on = { true, false }, off = { false, false }, sandbox = { true, true } }
    for mode, want in pairs(modes) do
      with({ untrusted_lua = mode })
      assert.same(want, { sandbox.configuration.enabled, sandbox.configuration.sandbox_enabled })
      assert.is_nil(sandbox.configuration.other)
    end
    with({ untrusted_lua_sandbox_environment = { "os.getenv", "tostring" } })
    local globals = sandbox.configuration.environment
    assert.equal(os.getenv("PATH"), globals.os.getenv("PATH"))
    assert.equal("1", globals.tostring(1))
    assert.is_nil(globals.os.execute)
  end)

  it("runs a chunk for the function it returns", function()
    assert.equal(3, sandbox.parse("return function(n) return n + 1 end")(2))
    assert.is_true((sandbox.validate("return function() end")))
    assert.is_function((sandbox.validate_function("return function() end", "named")))
  end)

  it("says what is wrong", function()
    local ok, err = sandbox.validate("return (")
    assert.is_false(ok)
    assert.matches("^Error parsing function: .*unexpected symbol near '<eof>'", err)
    ok, err = sandbox.validate("return 5")
    assert.is_false(ok)
    assert.equal("Bad return value from function, expected function type, got number", err)
    ok, err = sandbox.validate("error('on loading')", { chunk_name = "mine" })
    assert.is_false(ok)
    assert.matches("on loading", err)
    assert.has_error(function() sandbox.parse("return 5") end)
  end)

  it("checks a chunk without running it", function()
    assert.is_true((sandbox.validate_safe("error('not run')")))
    assert.is_false((sandbox.validate_safe("return (")))
  end)
end)
