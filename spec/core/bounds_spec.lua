-- What plugins do to a worker's VM, and that it goes on: loops without end, memory without end,
-- nesting without end, errors of every kind.

local helpers = require("spec.helpers")
local vm = require("spec.support.vm")

-- The core is called from interpreted code here, as it is from C.
jit.off(true, true)

local PREAMBLE = "local P = { PRIORITY = 1, VERSION = '1.0.0' }\n"

-- Seconds. Any time is enough for a loop without end.
local LIMIT = 0.05

describe("a plugin", function()
  local world

  local function start(sources, options)
    local plugins, chain = {}, {}
    for name, source in pairs(sources) do
      plugins[name] = PREAMBLE .. source .. "\nreturn P"
      chain[#chain + 1] = name
    end
    table.sort(chain)
    local with = { plugins = plugins, chain = chain }
    for name, value in pairs(options or {}) do
      with[name] = value
    end
    world = vm.new(with)
  end

  after_each(function()
    if world then
      world:free()
      world = nil
    end
  end)

  -- The next request finds the VM as if nothing had been.
  local function assert_well()
    world:release()
    assert.equal("done", world:run("log"), world:log())
    world:release()
  end

  local WELL = [[
    function P:log()
      local t = {}
      for i = 1, 300 do t[i] = i end
      kong.ctx.shared.sum = (kong.ctx.shared.sum or 0) + #t
      assert(kong.ctx.shared.sum == 300)
    end]]

  describe("that does not end is ended", function()
    local LOOPS = {
      ["while"] = "while true do end",
      ["a numeric for"] = "for i = 1, 1/0 do end",
      ["a generic for"] = "for _ in function() return 1 end do end",
      ["repeat"] = "local n = 0 repeat n = n + 1 until false",
      ["goto"] = "::top:: goto top",
      ["a goto with work"] = "local t = {} ::top:: t[#t % 10 + 1] = 1 goto top",
      ["a tail call"] = "local function f(n) return f(n + 1) end f(1)",
      ["recursion that starts anew wherever the stack is full"] =
        "local function f() pcall(f) return f() end f()",
      ["calls that fan out"] = "local function f(n) if n > 0 then f(n - 1) f(n - 1) end end f(60)",
      ["a metamethod"] = [[local t = setmetatable({}, { __index = function(t, n)
        if n > 0 then local _ = t[n - 1], t[n - 1] end end }) local _ = t[60] ]],
      ["a comparison of sort"] = [[local t = {} for i = 1, 1e7 do t[i] = i end
        table.sort(t, function(a, b) for _ = 1, 1e4 do end return a > b end)]],
      ["a callback of gsub"] = [[(("x"):rep(1e6)):gsub("x", function() for _ = 1, 1e5 do end end)]],
      ["a coroutine"] = "coroutine.wrap(function() while true do end end)()",
      ["coroutines that take turns"] = [[
        local a = coroutine.wrap(function() while true do coroutine.yield() end end)
        while true do a() end]],
      ["pcall around it"] = "while true do pcall(function() while true do end end) end",
      ["xpcall with a handler that does not end"] = [[
        xpcall(function() while true do end end, function() while true do end end)
        while true do end]],
      ["an error that does not become a text"] = [[
        error(setmetatable({}, { __tostring = function() while true do end end }))]],
      ["loaded code"] = "assert(loadstring('while true do end'))()",
      ["loaded code of loaded code"] = "load(\"load('while true do end')()\")()",
      ["a PDK function in a loop"] = "while true do kong.request.get_header('x') end",
    }
    for name, source in pairs(LOOPS) do
      it("in " .. name, function()
        start({ endless = ("function P:access()\n%s\nend\n%s"):format(source, WELL) },
          { time_limit = LIMIT })
        assert.equal("error", world:run("access"))
        local log = world:log()
        assert.matches("%[endless%] access: ", log)
        assert.matches("stack traceback:", log)
        if not name:find("text") then
          assert.matches(":%d+: the time limit is over: Lua ran for 0%.05 s", log)
        end
        assert_well()
      end)
    end

    it("once it is compiled, too", function()
      start({ endless = [[
        local n = 1000
        function P:access()
          local x = 0
          for i = 1, n do x = x + i end
          n = 1 / 0
        end]] .. WELL }, { time_limit = LIMIT })
      assert.equal("done", world:run("access"))
      assert.equal("error", world:run("access"))
      assert.matches("the time limit is over", world:log())
      assert_well()
    end)

    it("in a module that it brings", function()
      local folder = helpers.directory()
      helpers.write(folder .. "/bounds_spec_module.lua",
        "return {\nspin = function()\nwhile true do end end }")
      start({ endless = [[local module = require("bounds_spec_module")
        function P:access() module.spin() end]] .. WELL },
        { time_limit = LIMIT, lua_package_path = folder .. "/?.lua" })
      assert.equal("error", world:run("access"))
      assert.matches("%[endless%] access: [^\n]*bounds_spec_module.lua:3: the time limit is over",
        world:log())
      assert_well()
    end)

    it("in init_worker and configure, and the others run", function()
      start({
        endless = [[function P:init_worker() while true do end end
          function P:configure() while true do end end]] .. WELL,
        other = [[function P:configure() kong.log.notice("other is configured") end]],
      }, { time_limit = LIMIT })
      local log = world:log()
      assert.matches("%[endless%] init_worker: [^\n]*the time limit is over", log)
      assert.matches("%[endless%] configure: [^\n]*the time limit is over", log)
      assert.matches("other is configured", log)
      assert_well()
    end)

    it("in log, and the others have time of their own", function()
      start({
        a = "function P:log() while true do end end",
        b = [[function P:log() for _ = 1, 1000 do end kong.log.notice("b has run") end]],
      }, { time_limit = LIMIT })
      assert.equal("error", world:run("log"))
      assert.matches("%[a%] log: [^\n]*the time limit is over", world:log())
      assert.matches("b has run", world:log())
    end)

    it("while it judges an upstream, which refuses", function()
      start({ endless = "function P:upstream_verify() while true do end end" .. WELL },
        { time_limit = LIMIT })
      assert.same({ false, "refused by plugin 'endless': it failed" }, { world:judge() })
      assert.matches("%[endless%] upstream_verify: [^\n]*the time limit is over", world:log())
      assert_well()
    end)
  end)

  it("may take its time when there is no limit, and many times less than it", function()
    start({ slow = [[function P:access()
      local x = 0 for i = 1, 1e7 do x = x + i end end]] })
    assert.equal("done", world:run("access"))
    world:adopt({ chain = { "slow" }, time_limit = 60 })
    for _ = 1, 3 do
      assert.equal("done", world:run("access"))
    end
  end)

  describe("that takes memory without end fails", function()
    local MIB = 1024 * 1024
    local EATERS = {
      ["in tables"] = "local t = {} while true do t[#t + 1] = {} end",
      ["in compiled code"] = "local t = {} for i = 1, 1e9 do t[i] = { i, i } end",
      ["in one string"] = "jit.off(true) local s = ('x'):rep(1e9) return #s",
      ["in strings"] = "local s = 'x' while true do s = s .. s end",
      ["in cdata"] = "local ffi = require('ffi') local t = {} while true do "
        .. "t[#t + 1] = ffi.new('char[65536]') end",
      ["in a string buffer"] = "local b = require('string.buffer').new() while true do "
        .. "b:put('0123456789abcdef') end",
      ["in coroutines"] = "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
      ["in ctx"] = "local n = 0 while true do n = n + 1 kong.ctx.shared[n] = { n } end",
      ["in pcall"] = "local t = {} while true do pcall(function() while true do "
        .. "t[#t + 1] = ('x'):rep(1000) .. #t end end) end",
    }
    for name, source in pairs(EATERS) do
      it(name, function()
        start({ eater = ("function P:access()\n%s\nend\n%s"):format(source, WELL) },
          { memory_limit = 32 * MIB, time_limit = name == "in pcall" and 0.5 or 0 })
        assert.equal("error", world:run("access"))
        local log = world:log()
        if name ~= "in pcall" then
          assert.matches("%[eater%] access: [^\n]*not enough memory: the Lua state has %d+ bytes "
            .. "in use; lua_memory_limit is 33554432", log)
        end
        assert.is_true(tonumber(vm.C.vm_collect(world.vm)) < 34 * MIB)
        assert_well()
      end)
    end

    it("again and again while it keeps what it has", function()
      start({
        hoarder = [[local kept = {}
          function P:access() while true do kept[#kept + 1] = ("x"):rep(1000) .. #kept end end]],
      }, { memory_limit = 32 * MIB })
      for time = 1, 3 do
        assert.equal("error", world:run("access"))
        assert.equal(time, select(2, world:log():gsub("%[hoarder%] access: [^\n]*not enough memory",
          "")))
      end
    end)

    it("while garbage is collected in time", function()
      start({ waster = [[
        local live = {}
        function P:access()
          for i = 1, 20000 do live[i] = ("x"):rep(1000) .. i end
          for i = 1, 200000 do local _ = ("y"):rep(1000) .. i end
        end]] .. WELL }, { memory_limit = 32 * MIB })
      assert.equal("done", world:run("access"), world:log())
      assert_well()
    end)
  end)

  describe("that spoils what is global", function()
    local USES = [[
      function P:log()
        local found = {}
        for _, name in ipairs({ "type", "select" }) do
          found[#found + 1] = tostring(type(_G[name]))
        end
        assert(table.concat(found, " ") == "function function" and ("x"):find("x") == 1)
        assert(pcall(error, "x") == false and string.format("%d", 1) == "1" and count == nil)
        kong.log.notice("all is well")
      end]]

    local SPOILS = {
      ["by a missing local"] =
        "type, select, error, pcall, tostring, ipairs, table, count = 1, 2, 3, 4, 5, 6, 7, 8",
      ["in a library"] = "string.find, string.match, string.format, table.concat = nil",
      ["in _G"] = "local all = _G for name in pairs(all) do all[name] = false end",
      ["in code that it loads"] = "loadstring('type, select, error, pcall, ipairs = nil')()",
    }
    for name, source in pairs(SPOILS) do
      it(name .. " spoils it for itself", function()
        start({
          spoiler = ("function P:access()\n%s\nend\nfunction P:log() error('own') end")
            :format(source),
          other = USES,
        })
        assert.equal("done", world:run("access"), world:log())
        world:run("log")
        assert.matches("%[spoiler%] log: ", world:log())
        assert.matches("all is well", world:log())
      end)
    end

    it("finds it in the module that has nothing but its name", function()
      local folder = helpers.directory()
      assert(os.execute(("mkdir -p '%s/kong/plugins'"):format(folder)))
      helpers.write(folder .. "/kong/plugins/named.lua", "type = 'own' return count")
      start({ named = ([[
        count, package.path = 7, "%s/?.lua;" .. package.path
        assert(require("kong.plugins.named") == 7)
        function P:access() assert(type == "own") end]]):format(folder) })
      assert.equal("done", world:run("access"), world:log())
    end)

    it("gives strings methods, as everywhere in Lua", function()
      start({
        adds = [[
          function string.exclaim(s) return s .. "!" end
          string.upper = nil
          string.upper = function() return "mine" end
          function P:access()
            assert(("x"):exclaim() == "x!" and string.exclaim("x") == "x!")
            assert(string.upper("x") == "mine" and ("x"):upper() == "X")
          end]],
        other = [[function P:log() assert(string.upper("x") == "X") kong.log.notice("well") end]],
      })
      assert.equal("done", world:run("access"), world:log())
      world:run("log")
      assert.matches("well", world:log())
    end)

    it("finds what a module of no plugin has put into Lua's libraries", function()
      start({ asks = [[
        package.preload["a library"] = setfenv(function()
          string.doubled, table.first = function(s) return s .. s end, function(t) return t[1] end
        end, getfenv(0))
        require("a library")
        function P:access()
          assert(string.doubled("x") == "xx" and table.first({ 7 }) == 7)
        end]] })
      assert.equal("done", world:run("access"), world:log())
    end)

    it("finds it as it left it, in all of its files", function()
      start({ keeper = [[
        count = (count or 0) + 1
        function string.shout(s) return s:upper() .. "!" end
        function P:access()
          assert(count == 1 and _G.count == 1 and string.shout("x") == "X!")
          assert(loadstring("return count")() == 1)
          assert(rawequal(kong, _G.kong) and ngx.null)
        end]] })
      assert.equal("done", world:run("access"), world:log())
    end)
  end)

  it("that would end the gateway, or hook itself into everything, fails", function()
    start({
      a = "function P:access() os.exit(0) end",
      b = "function P:log() debug.sethook(function() end, 'l') end",
    })
    assert.equal("error", world:run("access"))
    assert.equal("error", world:run("log"))
    assert.matches("%[a%] access: [^\n]*os.exit is not for plugins", world:log())
    assert.matches("%[b%] log: [^\n]*debug.sethook is not for plugins", world:log())
  end)

  describe("that nests without end fails", function()
    local NESTS = {
      ["in Lua"] = "local function f() return 1 + f() end f()",
      ["in callbacks of gsub"] = "local function f() return (('x'):gsub('x', f)) end f()",
      ["in comparisons of sort"] = [[local function f() table.sort({ 3, 2, 1 }, function(a, b)
        f() return a < b end) end f()]],
      ["in __index"] = [[local t = setmetatable({}, { __index = function(t, k) return (t[k .. "x"])
        end }) local _ = t.x]],
      ["in __tostring"] = [[local t t = setmetatable({}, { __tostring = function()
        return (tostring(t)) end }) tostring(t)]],
      ["in __concat of the library"] = [[local t t = setmetatable({}, { __tostring = function()
        return ("%s"):format(t) end }) ; ("%s"):format(t)]],
      ["in coroutines"] = "local function f() coroutine.wrap(f)() end f()",
      ["in coroutines made before"] = [[
        local made = {}
        for i = 1, 60000 do
          made[i] = coroutine.create(function()
            coroutine.yield()
            assert(coroutine.resume(made[i + 1]))
          end)
          coroutine.resume(made[i])
        end
        assert(coroutine.resume(made[1]))]],
      ["in load"] = [[local function f() return load(function() f() end) end f()]],
      ["in loaded code"] = [[local code = "local code = ... ; return (('x'):gsub('x', function() "
        .. "return load(code)(code) end))" load(code)(code)]],
      ["in the handler of xpcall"] = [[local function f() xpcall(error, f) error("x") end f()]],
      ["in require"] = [[package.preload["bounds.spec"] = function()
        package.loaded["bounds.spec"] = nil return require("bounds.spec") end
        require("bounds.spec")]],
    }
    for name, source in pairs(NESTS) do
      it(name, function()
        start({ nester = ("function P:access()\n%s\nend\n%s"):format(source, WELL) })
        assert.equal("error", world:run("access"))
        assert.matches("%[nester%] access: ", world:log())
        assert_well()
      end)
    end
  end)

  describe("that raises", function()
    local ERRORS = {
      { "nil", "error(nil)", "error object of type nil" },
      { "nothing", "error()", "error object of type nil" },
      { "false", "error(false)", "error object of type boolean" },
      { "a table", "error({})", "error object of type table" },
      { "a function", "error(print)", "error object of type function" },
      { "cdata", "error(require('ffi').new('int[1]'))", "error object of type cdata" },
      { "an object", "error(setmetatable({}, { __tostring = function() return 'as text' end }))",
        "as text" },
      { "an object that fails to be a text",
        "error(setmetatable({}, { __tostring = function() error('no') end }))",
        "error object of type table" },
      { "an object that is no text",
        "error(setmetatable({}, { __tostring = function() return {} end }))",
        "error object of type table" },
      { "an object with a closed metatable", "error(setmetatable({}, { __metatable = 1 }))",
        "error object of type table" },
      { "an object that fails to be looked at",
        "error(setmetatable({}, setmetatable({}, { __index = function() error('no') end })))",
        "error object of type table" },
      { "a huge text", "error(('x'):rep(1e7), 0)", "access: x+%.%.%. %(10000000 bytes%)" },
    }
    for _, case in ipairs(ERRORS) do
      it(case[1] .. " is told apart", function()
        start({ raiser = ("function P:access()\n%s\nend\n%s"):format(case[2], WELL) })
        assert.equal("error", world:run("access"))
        assert.matches("%[raiser%] access: ", world:log())
        assert.matches(case[3], world:log())
        assert.is_true(#world:log() < 64 * 1024)
        assert_well()
      end)
    end
  end)

  it("cannot load bytecode", function()
    start({ loader = [[function P:access()
      for _, text in ipairs({ "\27LJ\2\2", "\27Lua" }) do
        assert(not load(text) and not loadstring(text))
      end
      assert(not pcall(load, 5))
    end]] .. WELL })
    assert.equal("done", world:run("access"), world:log())
  end)
end)
