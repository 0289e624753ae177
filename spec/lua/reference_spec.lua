-- What is written about the PDK is what the PDK is: `make reference` has been run.

local helpers = require("spec.helpers")

local surface = require("spec.reference.surface")
local comments = require("spec.reference.comments")
local files = require("spec.reference.files")

local REMEDY = "; run `make reference`"

describe("the reference", function()
  local spaces

  setup(function()
    spaces = surface.read()
  end)

  -- Each function, by its path.
  local function functions()
    local list = {}
    for _, space in ipairs(spaces) do
      for _, fn in ipairs(space.functions) do
        list[fn.path] = fn
      end
    end
    return list
  end

  it("describes every function that plugins can call, and every argument", function()
    assert.same({}, files.problems(spaces))
  end)

  it("is fresh", function()
    local count = 0
    for path, text in pairs((files.of(spaces))) do
      count = count + 1
      assert(text == helpers.read(path), path .. " is not what the comments say" .. REMEDY)
    end
    assert.equal(4, count)
  end)

  it("names every module that plugins can require by the name it has elsewhere", function()
    local named = {}
    for _, name in ipairs(require("spec.reference.kong").modules) do
      named[name] = true
    end
    local count = 0
    for path in io.popen("find lua -name '*.lua' -not -path 'lua/weir/*'"):lines() do
      local name = path:match("^lua/(.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")
      assert(named[name], name .. " is not in spec/reference/kong.lua")
      count = count + 1
    end
    assert.is_true(count > 50)
  end)

  it("has the phases that the code asks for", function()
    local all = functions()
    assert.same({ "access" }, all["kong.client.authenticate"].phases)
    assert.same({ "rewrite", "access" }, all["kong.service.request.set_query"].phases)
    assert.equal("request", all["kong.client.get_ip"].phases)
    assert.is_nil(all["kong.tls.policy"].phases)
  end)

  it("says what functions raise, take and return", function()
    local fn = functions()["kong.service.set_target"]
    assert.same({ "host must be a string", "port must be an integer" }, fn.comment.raised)
    assert.same({ "host", "port" }, fn.comment.arguments)
    local page = helpers.read("lua/weir/pdk/README.md")
    assert.matches("### `kong.service.set_target(host, port)`", page, 1, true)
    assert.matches("- Returns `string|nil`\n", page, 1, true)
  end)

  it("can be loaded as Lua, plugins' shapes included", function()
    for _, name in ipairs({ "kong", "ngx", "plugin" }) do
      local path = ("lua/weir/types/%s.lua"):format(name)
      assert.is_function(loadfile(path))
      assert.equal("---@meta", helpers.read(path):match("^[^\n]*"))
    end
  end)

  it("has types that the language server knows", function()
    local known = {}
    for name in ([[any boolean false fun function integer nil number size string table thread true
      userdata]]):gmatch("%a+") do
      known[name] = true
    end
    local lines = {}
    for _, name in ipairs({ "kong", "ngx", "plugin" }) do
      for line in io.lines(("lua/weir/types/%s.lua"):format(name)) do
        table.insert(lines, line)
        known[line:match("^%-%-%-@class ([%w_.]+)") or false] = true
      end
    end
    local count = 0
    for _, line in ipairs(lines) do
      local kind = line:match("^%-%-%-@param %S+ (%S+)") or line:match("^%-%-%-@return (%S+)")
      for word in (kind or ""):gmatch("[%a_][%w_.]*") do
        assert(known[word] or word == "ffi.cdata", line)
        count = count + 1
      end
    end
    assert.is_true(count > 200)
  end)

  it("knows the phases of handlers", function()
    local text = helpers.read("lua/weir/types/plugin.lua"):match("@class weir.Handler\n(.-)\n\n")
    local known = {}
    for name in text:gmatch("@field (%l[%l_]+)%?") do
      known[name] = true
    end
    for _, phase in ipairs(require("weir.plugins").PHASES) do
      assert(known[phase], phase)
      known[phase] = nil
    end
    assert.same({ init_worker = true, configure = true, plan = true, phases = true }, known)
  end)

  it("knows what a plan can do", function()
    local text = helpers.read("lua/weir/types/plugin.lua"):match("@class weir.Plan\n(.-)\n\n")
    local count = 0
    for name in helpers.read("plugins/README.md"):gmatch("`?plan:([%l_]+)%(") do
      count = count + 1
      assert(text:find("@field " .. name .. " fun(self: weir.Plan", 1, true), name)
    end
    assert.is_true(count > 8)
  end)

  it("has nothing that plugins would be refused for", function()
    local offered = require("weir.plugins.needs.offered")
    local count = 0
    for _, space in ipairs(spaces) do
      for _, fn in ipairs(space.object and {} or space.functions) do
        local names = {}
        for name in fn.path:gmatch("[%w_]+") do
          table.insert(names, name)
        end
        assert.is_nil(offered.missing(names), fn.path)
        count = count + 1
      end
    end
    assert.is_true(count > 100)
  end)
end)

describe("spec.reference.comments", function()
  local function of(text)
    local path = helpers.write(helpers.directory() .. "/x.lua", text)
    return comments.of(path)
  end

  it("reads text, arguments, results, usage and errors", function()
    local found = of([[
--- Does
-- something.
-- @tparam ?{string,...} list what
-- goes in
-- @param ... rest
-- @treturn number|nil
-- @treturn nil|string why not
-- @usage
-- local x = m.f({})
--   + 1
function m.f(list,
    ...)
  error("no", 2)
end

function m.plain() end

--- Twice.
m.g = m.f

--- By name.
-- @function a.b
]])
    local doc = found.names.f
    assert.equal(doc, found.lines[11])
    assert.equal("Does\nsomething.", doc.text)
    assert.same({
      { name = "list", type = "{string,...}", optional = true, text = "what\ngoes in" },
      { name = "...", type = "any", optional = false, text = "rest" },
    }, doc.parameters)
    assert.same({ { type = "number|nil", text = "" }, { type = "nil|string", text = "why not" } },
      doc.results)
    assert.equal("local x = m.f({})\n  + 1", doc.usage.text)
    assert.same({ "list", "..." }, doc.arguments)
    assert.same({ "no" }, doc.raised)
    assert.is_nil(found.names.plain)
    assert.equal("Twice.", found.names.g.text)
    assert.equal("By name.", found.names["a.b"].text)
  end)

  it("does not accept tags that it does not know", function()
    assert.has_error(function() of("--- X\n-- @retrun x\nfunction m.f() end\n") end,
      "unknown tag: @retrun x")
  end)
end)
