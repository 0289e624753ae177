-- The rock: `luarocks make` installs every Lua module, the core and a working command.

local helpers = require("spec.helpers")

local TREE = "build/rocks"

local function run(...)
  return helpers.run({ seconds = 300, ... })
end

local function succeeds(...)
  local result = run(...)
  assert.equal(0, result.code, result.stdout .. result.stderr)
  return result.stdout
end

-- The Lua files below a folder, as paths relative to it.
local function lua_files(folder)
  local list = {}
  for path in succeeds("find", folder, "-name", "*.lua"):gmatch("[^\n]+") do
    list[#list + 1] = path:sub(#folder + 2)
  end
  assert(#list > 0, "no Lua below " .. folder)
  return list
end

local function check_same(from, to)
  for _, path in ipairs(lua_files(from)) do
    local source, installed = from .. "/" .. path, to .. "/" .. path
    assert.equal(helpers.read(source), helpers.read(installed), installed)
  end
end

-- What a LuaJIT prints that finds weir in the rock's tree alone.
local function luajit(code)
  local modules, libraries = TREE .. "/share/lua/5.1", TREE .. "/lib/lua/5.1"
  local path = ("package.path = '%s/?.lua;%s/?/init.lua;' .. package.path:gsub('%%./[^;]*;', '')")
    :format(modules, modules)
  local cpath = ("package.cpath = '%s/?.so;' .. package.cpath"):format(libraries)
  return succeeds("luajit", "-e", path, "-e", cpath, "-e", code)
end

describe("the rock", function()
  setup(function()
    succeeds("rm", "-rf", TREE)
    succeeds("luarocks", "lint", "weir-scm-1.rockspec")
    succeeds("luarocks", "make", "--tree", TREE, "--deps-mode", "none")
  end)

  it("holds every Lua module", function()
    check_same("lua", TREE .. "/share/lua/5.1")
  end)

  it("holds every plugin under its module name", function()
    check_same("plugins", TREE .. "/share/lua/5.1/kong/plugins")
  end)

  it("brings the core to any LuaJIT", function()
    local answer = luajit("print(require('weir.abi').C.weir_abi())")
    assert.matches("^%d+\n$", answer)
  end)

  it("finds its modules and plugins by name", function()
    local modules = luajit([[
      local schema = require("kong.plugins.echo.schema")
      print(schema.name, type(require("weir.declarative")))
    ]])
    assert.equal("echo\ttable\n", modules)
  end)

  it("installs the command", function()
    local command = TREE .. "/bin/weir"
    assert.equal(succeeds("build/weir", "version"), succeeds(command, "version"))
    local file = helpers.write(helpers.directory() .. "/weir.yml", [[
_format_version: "3.0"
services:
- name: echo
  url: http://127.0.0.1:1
  plugins:
  - name: correlation-id
]])
    assert.equal(0, run(command, "check", file).code)
  end)
end)
