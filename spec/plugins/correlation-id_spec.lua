-- correlation-id: whose id it is, how it looks, and who sees it.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.correlation-id.handler")
local schema = require("kong.plugins.correlation-id.schema")

local UUID = "%x+%-%x+%-4%x+%-[89ab]%x+%-%x+"

describe("correlation-id", function()
  setup(function()
    fake.install()
    pdk.install({})
    handler:init_worker()
  end)
  before_each(function()
    current.slot, current.plugin = 1, { name = "correlation-id" }
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  -- The id that the upstream got, and the one that the client got.
  local function run(config, headers, without_access)
    local conf = assert(plugin.configure(schema, config))
    fake.request = fake.new_request({
      phase = "access", headers = headers,
      texts = { CLIENT_IP = "10.0.0.1" }, numbers = { REQUEST_PORT = 8000, CLIENT_PORT = 555 },
    })
    if not without_access then
      handler:access(conf)
    end
    local upstream = fake.header("UPSTREAM", conf.header_name)
    assert.is_true(#upstream <= 1)
    if handler:phases(conf).header_filter then
      fake.request.phase = "header_filter"
      handler:header_filter(conf)
    end
    return upstream[1], fake.header("RESPONSE", conf.header_name)[1]
  end

  it("counts from a UUID of the worker by default", function()
    local first, echoed = run({})
    local worker, number = first:match("^(" .. UUID .. ")#(%d+)$")
    assert.is_string(worker)
    assert.is_nil(echoed)
    assert.equal(worker .. "#" .. number + 1, (run({})))
  end)

  it("makes UUIDs", function()
    local one, two = run({ generator = "uuid" }), run({ generator = "uuid" })
    assert.matches("^" .. UUID .. "$", one)
    assert.not_equal(one, two)
  end)

  it("makes ids that tell where a request came from", function()
    assert.matches("^10%.0%.0%.1%-8000%-4711%-555%-%d+%-1700000000%.123$",
      (run({ generator = "tracker" })))
  end)

  it("keeps the client's, unless it is empty", function()
    assert.equal("mine", (run({}, { ["Kong-Request-ID"] = "mine" })))
    assert.matches("#", (run({}, { ["Kong-Request-ID"] = "" })))
  end)

  it("uses the field that it is told to", function()
    local id = run({ header_name = "X-Own" })
    assert.is_string(id)
    assert.equal(id, fake.header("REQUEST", "x-own")[1])
  end)

  it("echoes the same id to the client", function()
    local upstream, client = run({ echo_downstream = true })
    assert.equal(upstream, client)
  end)

  it("echoes the client's own when another plugin answered first", function()
    local _, client = run({ echo_downstream = true }, { ["Kong-Request-ID"] = "mine" }, true)
    assert.equal("mine", client)
    _, client = run({ echo_downstream = true }, nil, true)
    assert.is_nil(client)
  end)

  it("knows three generators", function()
    local conf, err = plugin.configure(schema, { generator = "other" })
    assert.is_nil(conf)
    assert.equal("expected one of: uuid, uuid#counter, tracker", err)
  end)
end)
