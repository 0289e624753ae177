require("spec.support.fake_abi").install()
local pages = require("weir.admin.plugin_pages")
local configuration = require("weir.pdk.configuration")
local helpers = require("spec.helpers")
local log = require("weir.pdk.log")

describe("weir.admin.plugin_pages", function()
  local get, err = configuration.get, log.err
  local said
  before_each(function()
    said = {}
    function configuration.get()
      return { "faulty", "paged" }
    end
    function log.err(...)
      said[#said + 1] = table.concat({ ... })
    end
    package.preload["kong.plugins.faulty.api"] = function()
      error({ "no text" })
    end
    package.preload["kong.plugins.paged.api"] = function()
      return { ["/paged"] = { GET = print } }
    end
  end)
  after_each(function()
    configuration.get, log.err = get, err
    package.preload["kong.plugins.faulty.api"] = nil
    package.preload["kong.plugins.paged.api"] = nil
    package.loaded["kong.plugins.paged.api"] = nil
  end)

  it("names what pages ask for that is not there, once, and goes on", function()
    local folder, path = helpers.directory(), package.path
    finally(function() package.path = path end)
    assert(os.execute(("mkdir -p '%s/kong/plugins/asking'"):format(folder)))
    helpers.write(folder .. "/kong/plugins/asking/api.lua",
      "local endpoints = require('kong.api.endpoints')\nreturn endpoints.pages()")
    package.path = ("%s/?.lua;%s"):format(folder, path)
    function configuration.get()
      return { "asking", "paged" }
    end
    for _ = 1, 2 do
      assert.same({ GET = print }, pages.find("/paged"))
    end
    assert.equal(1, #said)
    assert.matches("plugin 'asking' has no pages: .*/asking/api.lua:1: there is no module "
      .. "'kong.api.endpoints'", said[1])
  end)

  it("names a plugin whose pages fail with something that is no text, once, and goes on", function()
    assert.same({ GET = print }, pages.find("/paged"))
    assert.is_nil(pages.find("/other"))
    assert.equal(1, #said)
    assert.matches("plugin 'faulty' has no pages: table", said[1], 1, true)
  end)
end)
