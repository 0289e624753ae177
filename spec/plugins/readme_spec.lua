-- The example of plugins/README.md works as it stands there.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local plugin = require("spec.support.plugin")

local function code_blocks()
  local file = assert(io.open("plugins/README.md"))
  local text = file:read("*a")
  file:close()
  local blocks = {}
  for block in text:gmatch("```lua\n(.-)```") do
    table.insert(blocks, block)
  end
  return blocks
end

describe("the example in plugins/README.md", function()
  local schema, handler
  local conf = { header = "X-Tenant", bundles = { one = "CA one", two = "CA two" } }

  setup(function()
    fake.install()
    pdk.install({})
    local blocks = code_blocks()
    schema = assert(loadstring(blocks[1], "=schema.lua"))()
    handler = assert(loadstring(blocks[2], "=handler.lua"))()
    handler:configure({ conf })
  end)

  local function ask(tenant)
    fake.request = fake.new_request({ phase = "access", headers = { ["X-Tenant"] = tenant } })
    local exited = fake.run(handler.access, handler, conf)
    return exited, fake.request
  end

  it("has a schema that takes its configuration", function()
    assert.same(conf, plugin.configure(schema, conf))
    assert.same({ nil, "required field missing" },
      { plugin.configure(schema, { header = "X-Tenant" }) })
  end)

  it("chooses the tenant's bundle", function()
    for _, tenant in ipairs({ "one", "two" }) do
      local exited, request = ask(tenant)
      assert.is_false(exited)
      assert.same({ verify = 1, depth = 2, trust = { "CA " .. tenant } }, request.service.policy)
    end
  end)

  it("makes nothing while requests come", function()
    local made = fake.handles
    ask("one")
    ask("two")
    assert.equal(made, fake.handles)
  end)

  it("refuses others", function()
    for _, tenant in ipairs({ "three", "" }) do
      local exited, request = ask(tenant)
      assert.is_true(exited)
      assert.equal(400, request.failure.status)
      assert.is_nil(request.service.policy)
    end
  end)

  it("does not load a configuration with a bundle that is none", function()
    assert.has_error(function()
      handler:configure({ { header = "X-Tenant", bundles = { one = "bad" } } })
    end)
    handler:configure({ conf })
  end)
end)
