local helpers = require("spec.helpers")

describe("weir.loader", function()
  local loader, path, count

  before_each(function()
    path, count = package.path, #package.loaders
    package.loaded["weir.loader"] = nil
    loader = require("weir.loader")
  end)

  after_each(function()
    package.path = path
    while #package.loaders > count do
      table.remove(package.loaders, 2)
    end
    for name in pairs(package.loaded) do
      if name:find("^kong%.plugins%.loader%-spec") then
        package.loaded[name] = nil
      end
    end
  end)

  -- A root with lua/ and plugins/, and a folder of the user's.
  local function folders(files)
    local root, own = helpers.directory(), helpers.directory()
    for name, text in pairs(files) do
      local file = name:gsub("^ROOT", root):gsub("^OWN", own)
      assert(os.execute(("mkdir -p '%s'"):format(file:match("^(.*)/"))))
      helpers.write(file, text)
    end
    return root, own
  end

  it("finds plugins shipped and the user's, the user's first", function()
    local root, own = folders({
      ["ROOT/plugins/loader-spec-a/handler.lua"] = "return 'shipped'",
      ["ROOT/plugins/loader-spec-a/helper.lua"] = "return 'shipped'",
      ["OWN/loader-spec-a/handler.lua"] = "return 'own'",
      ["OWN/loader-spec-b/handler.lua"] = "return 'own'",
    })
    loader.install(root)
    loader.set_path("/nowhere:" .. own)
    assert.equal("own", require("kong.plugins.loader-spec-a.handler"))
    assert.is_false(loader.is_shipped("kong.plugins.loader-spec-a.handler"))
    assert.equal("shipped", require("kong.plugins.loader-spec-a.helper"))
    assert.equal("own", require("kong.plugins.loader-spec-b.handler"))
  end)

  it("takes a plugin from lua_package_path before all that ship, as far as that comes before them",
    function()
      local root, own = folders({
        ["ROOT/plugins/loader-spec-a/handler.lua"] = "return 'shipped'",
        ["OWN/kong/plugins/loader-spec-a/handler.lua"] = "return 'own'",
      })
      local module = "kong.plugins.loader-spec-a.handler"
      loader.install(root)
      for _, case in ipairs({
        { own .. "/?.lua", "own" }, { own .. "/?.lua;;", "own" },
        { ";;" .. own .. "/?.lua", "shipped" }, { "", "shipped" },
      }) do
        loader.set_path("", case[1])
        package.loaded[module] = nil
        assert.equal(case[2], require(module))
        assert.equal(case[2] == "shipped", loader.is_shipped(module))
      end
    end)

  it("finds a module of a plugin that is a folder by its init.lua", function()
    local root, own = folders({ ["OWN/loader-spec-a/policies/init.lua"] = "return 'policies'" })
    loader.install(root)
    loader.set_path(own)
    assert.equal("policies", require("kong.plugins.loader-spec-a.policies"))
    assert.equal(own .. "/loader-spec-a/policies/init.lua",
      loader.locate("kong.plugins.loader-spec-a.policies"))
  end)

  it("says where a module lies, and whether it ships", function()
    local root, own = folders({
      ["ROOT/plugins/loader-spec-a/handler.lua"] = "", ["OWN/loader-spec-b/handler.lua"] = "",
      ["ROOT/lua/loader_spec/x.lua"] = "",
    })
    loader.install(root)
    loader.set_path(own)
    local a, b = "kong.plugins.loader-spec-a.handler", "kong.plugins.loader-spec-b.handler"
    assert.equal(root .. "/plugins/loader-spec-a/handler.lua", loader.locate(a))
    assert.equal(own .. "/loader-spec-b/handler.lua", loader.locate(b))
    assert.equal(root .. "/lua/loader_spec/x.lua", loader.locate("loader_spec.x"))
    assert.is_nil(loader.locate("kong.plugins.loader-spec-c.handler"))
    assert.is_true(loader.is_shipped(a))
    assert.is_false(loader.is_shipped(b))
    assert.is_false(loader.is_shipped("kong.plugins.loader-spec-c.handler"))
  end)

  it("lists the files it tried", function()
    local root = folders({})
    loader.install(root)
    loader.set_path("/nowhere")
    local ok, err = pcall(require, "kong.plugins.loader-spec-c.schema")
    assert.is_false(ok)
    assert.matches("module 'kong.plugins.loader-spec-c.schema' not found", err, 1, true)
    assert.is_truthy(err:find("no file '" .. root .. "/plugins/loader-spec-c/schema.lua'", 1, true))
    assert.is_truthy(err:find("no file '/nowhere/loader-spec-c/schema.lua'", 1, true))
  end)

  it("says what is wrong with a file that does not compile", function()
    local root = folders({ ["ROOT/plugins/loader-spec-d/handler.lua"] = "return (" })
    loader.install(root)
    local ok, err = pcall(require, "kong.plugins.loader-spec-d.handler")
    assert.is_false(ok)
    assert.matches("error loading module 'kong.plugins.loader%-spec%-d.handler'", err)
    assert.matches("handler.lua:1: ", err)
  end)

  it("takes no path out of a plugin's name", function()
    local root = folders({ ["ROOT/lua/secret/handler.lua"] = "return 'reached'" })
    loader.install(root)
    assert.is_false((pcall(require, "kong.plugins.../lua/secret.handler")))
  end)

  it("puts lua_package_path before its own, and again after a change", function()
    local root = folders({})
    loader.install(root)
    local base = package.path
    loader.set_path("", "/mine/?.lua")
    assert.equal("/mine/?.lua;" .. base, package.path)
    loader.set_path("", "/mine/?.lua;;/last/?.lua")
    assert.equal("/mine/?.lua;" .. base .. ";/last/?.lua", package.path)
    loader.set_path("", "")
    assert.equal(base, package.path)
  end)
end)
