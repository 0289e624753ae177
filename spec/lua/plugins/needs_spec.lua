-- What a plugin asks for and weir does not have: found in its files, with the line that asks.

local helpers = require("spec.helpers")
local fake = require("spec.support.fake_abi").install()
local loader = require("weir.loader")
local needs = require("weir.plugins.needs")
local pdk = require("weir.pdk")
local scan = require("weir.plugins.needs.scan")

describe("weir.plugins.needs.scan", function()
  -- "LINE PATH HOW" of each path, and "LINE MODULE" of each module.
  local function asked(text)
    local found, list = scan.text(text), {}
    for _, use in ipairs(found.paths) do
      table.insert(list, ("%d %s %s"):format(use.line, table.concat(use.path, "."), use.how))
    end
    for _, module in ipairs(found.modules) do
      table.insert(list, ("%d %s"):format(module.line, module.name))
    end
    return list
  end

  local CASES = {
    { "finds calls, methods and fields", "kong.a.b()\nngx.c:d()\nx(weir.e)\nkong.f{}\nkong.g's'\n"
      .. "kong.h[1].i()",
      { "1 kong.a.b used", "2 ngx.c.d used", "3 kong.e read", "4 kong.f used", "5 kong.g used",
        "6 kong.h used" } },
    { "finds required modules", "require 'a.b'\nlocal x = require(\"c\").d\nrequire([[e]])\n"
      .. "require(name) require('f.' .. name)", { "1 a.b", "2 c", "3 e" } },
    { "follows locals", "local kong, e = kong, ngx.re\nlocal req = kong.request\nreq.get()\n"
      .. "local f = e.find\nf()",
      { "1 kong kept", "1 ngx.re kept", "2 kong.request kept", "3 kong.request.get used",
        "4 ngx.re.find kept", "5 ngx.re.find used" } },
    { "forgets locals behind their block",
      "do local kong = other kong.a() end kong.b()", { "1 kong.b used" } },
    { "knows parameters, loops and branches",
      "local function f(kong) kong.a() end\nfor kong in g() do kong.b() end\n"
      .. "if x then local ngx = y elseif z then ngx.c() else ngx.d() end\n"
      .. "repeat local ngx = 1 until x\nwhile x do ngx.e() end",
      { "3 ngx.c used", "3 ngx.d used", "5 ngx.e used" } },
    { "gives up on locals with another value", "local get = kong.a\nget = other\nget()",
      { "1 kong.a kept" } },
    { "sees what is only looked at",
      "if kong.a then end\nlocal b = kong.b or c\nif not kong.d then end\nx = type(kong.e)\n"
      .. "y = kong.f ~= nil\nlocal t = kong.g\nif t then end",
      { "1 kong.a looked at", "2 kong.b looked at", "3 kong.d looked at", "4 kong.e looked at",
        "5 kong.f looked at", "6 kong.g kept", "7 kong.g looked at" } },
    { "sees what is set", "kong.a = 1\nfunction kong.b.c() end\nlocal k = kong\nk.d = 2",
      { "1 kong.a set", "2 kong.b.c set", "3 kong kept", "4 kong.d set" } },
    { "passes over what may fail",
      "pcall(function() kong.a(f(x)) end)\npcall(require, 'b')\nxpcall(kong.c, d)\nkong.e()",
      { "4 kong.e used" } },
    { "knows require() and pcall() by other names",
      "local require, try = require, pcall\nlocal x = require 'a'\ntry(function() kong.a() end)\n"
      .. "do local require = other require 'b' end require('c')", { "2 a", "4 c" } },
    { "passes over fields of others",
      "x.kong.a() x:ngx() y.require 'm' y.pcall(kong.b)\nlocal t = { kong = 1, x = kong.c }",
      { "1 kong.b looked at", "2 kong.c read" } },
    { "passes over comments and texts",
      "-- kong.a()\n--[[ kong.b()\n ]] kong.c()\nx = 'kong.d()' .. \"\\\"kong.e()\" .. [==[\n"
      .. "kong.f()]]]==]\nkong.g()\n--[==[ \nkong.h()",
      { "3 kong.c used", "6 kong.g used" } },
    { "reads numbers", "x = 1e5 .. 0x1F\nkong.a(1.5, ...)", { "2 kong.a used" } },
    { "bears what is no Lua", "end end ) function kong.a() for kong.b( 'unfinished",
      { "1 kong.a set" } },
  }

  for _, case in ipairs(CASES) do
    it(case[1], function()
      assert.same(case[3], asked(case[2]))
    end)
  end
end)

describe("weir.plugins.needs", function()
  local path = package.path

  before_each(function()
    fake.install()
    pdk.install({})
  end)
  teardown(function()
    package.path = path
  end)

  -- What is missing for a plugin with these files, or for its pages, without the folder's name.
  local function missing(files, of)
    local folder = helpers.directory()
    for name, text in pairs(files) do
      assert(os.execute(("mkdir -p '%s/kong/plugins/asking/%s'"):format(folder,
        name:match("^(.*)/") or "")))
      helpers.write(("%s/kong/plugins/asking/%s.lua"):format(folder, name), text)
    end
    package.path = ("%s/?.lua;%s"):format(folder, path)
    local lines = (of or needs.of)("asking")
    for i, line in ipairs(lines) do
      lines[i] = line:gsub("^.*/asking/", "")
    end
    return lines
  end

  it("names all that is missing, with the line that asks", function()
    assert.same({
      "handler.lua:1: there is no module 'resty.nothing'",
      "handler.lua:2: there is no kong.nothing",
      "handler.lua:2: there is no ngx.HTTP_NOTHING",
      "handler.lua:3: there is no kong.request.get_heder (did you mean 'get_header'?)",
      "schema.lua:1: there is no module 'kong.db.schema.nothing'",
      "daos.lua:1: there is no ngx.nothing",
      "deep/own.lua:2: there is no kong.log.nothing",
    }, missing({
      handler = "local x = require 'resty.nothing' require 'kong.plugins.asking.deep.own'\n"
        .. "kong.nothing.get(ngx.HTTP_NOTHING)\nkong.request.get_heder('x')",
      schema = "require('kong.db.schema.nothing')",
      daos = "ngx.nothing()",
      ["deep/own"] = "local log = kong.log require 'kong.plugins.asking.handler'\nlog.nothing()",
    }))
  end)

  it("looks through pages of the Admin API by themselves", function()
    local files = {
      handler = "kong.nothing()", api = "require 'kong.api.endpoints'\n"
        .. "require 'kong.plugins.asking.for_pages' require 'kong.plugins.asking.handler'",
      for_pages = "kong.api.nothing()",
    }
    assert.same({ "handler.lua:1: there is no kong.nothing" }, missing(files))
    assert.same({
      "api.lua:1: there is no module 'kong.api.endpoints'", "for_pages.lua:1: there is no kong.api",
    }, { unpack(missing(files, needs.of_pages), 1, 2) })
    assert.same({}, missing({ handler = "" }, needs.of_pages))
  end)

  it("says what to use instead", function()
    assert.same({
      "handler.lua:1: there is no module 'kong.plugins.base_plugin'; instead: a handler that is a "
        .. "plain table, since Kong 3.0",
      "handler.lua:2: there is no ngx.location; instead: kong.service.set_target() for the request "
        .. "itself; there are no subrequests",
    }, missing({
      handler = "require 'kong.plugins.base_plugin'\nngx.location.capture('/x')",
    }))
  end)

  it("says which package brings a library, if Debian has one", function()
    assert.same({
      "handler.lua:1: there is no module 'basexx'; Debian's package lua-basexx has it",
    }, missing({ handler = "require 'basexx'" }))
  end)

  it("has advice only about what is not there", function()
    local hints = require("weir.plugins.needs.hints")
    local offered = require("weir.plugins.needs.offered")
    for field in pairs(hints.fields) do
      local names = {}
      for name in field:gmatch("[^.]+") do
        table.insert(names, name)
      end
      assert.equal(#names, offered.missing(names), field)
    end
    for module in pairs(hints.modules) do
      assert.is_false(offered.module(module), module)
    end
  end)

  it("has nothing against what a plugin can do without", function()
    assert.same({}, missing({
      handler = "if kong.nothing then kong.nothing.get() end\nngx.own = {} ngx.own.x()\n"
        .. "pcall(require, 'resty.nothing')\nlocal f = kong.other\nlocal x = { kong.absent }",
    }))
  end)

  it("raises no alarm for what depends on request, settings and configuration", function()
    assert.same({}, missing({
      handler = "x(ngx.ctx.a.b, ngx.var.http_x, ngx.status, ngx.shared.own:get(1), ngx.arg[1])\n"
        .. "kong.ctx.shared.x.y() kong.ctx.plugin.z() x(kong.configuration.own.setting)\n"
        .. "kong.log('x') kong.log.inspect(1) kong.version:sub(1) ngx.null.x()\n"
        .. "require 'table.new' require 'cjson.safe' require 'ffi' require 'bit'\n"
        .. "require 'kong.db.schema.typedefs' require 'resty.lrucache'",
    }))
  end)

  it("finds nothing to complain about in weir's own plugins and those of its specs", function()
    for _, folder in ipairs({ "plugins", "spec/fixtures/plugins" }) do
      loader.set_path(folder)
      local list = assert(io.popen("ls -d " .. folder .. "/*/"))
      for name in list:lines() do
        name = name:match("([^/]+)/$")
        assert.is_string(loader.locate(("kong.plugins.%s.handler"):format(name)))
        assert.same({}, needs.of(name))
      end
      list:close()
    end
  end)
end)
