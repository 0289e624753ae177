-- The files that a new plugin begins with. NAME stands for its name.
return {
  ["handler.lua"] = [[
-- What the plugin does, phase by phase.
local Handler = { PRIORITY = 1000, VERSION = "0.1.0" }

-- Called for each request that it is configured for, before anything is sent upstream.
function Handler:access(conf)
  kong.service.request.set_header(conf.header, conf.value)
end

function Handler:header_filter(conf)
  kong.response.set_header(conf.header, conf.value)
end

return Handler
]],
  ["schema.lua"] = [[
-- What can be configured.
local typedefs = require("kong.db.schema.typedefs")

return {
  name = "NAME",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { header = typedefs.header_name({ default = "X-Plugin" }) },
        { value = { type = "string", required = true } },
      },
    } },
  },
}
]],
  ["spec/NAME_spec.lua"] = [[
-- Run with: weir plugin test NAME
local testing = require("weir.testing")

describe("NAME", function()
  it("wants a value", function()
    local config, problem = testing.configure("NAME", {})
    assert.is_nil(config)
    assert.equal("config.value: required field missing", problem)
  end)

  it("has a default for the header", function()
    assert.same({ header = "X-Plugin", value = "v" }, testing.configure("NAME", { value = "v" }))
  end)

  describe("in a gateway", function()
    local gateway

    setup(function()
      gateway = testing.gateway({ plugins = { { name = "NAME", config = { value = "hello" } } } })
    end)
    teardown(function()
      gateway:stop()
    end)

    it("sets the header of responses", function()
      local answer = gateway:request("/")
      assert.equal(200, answer.status)
      assert.equal("hello", answer.headers["x-plugin"])
    end)
  end)
end)
]],
}
