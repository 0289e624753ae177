-- Configurations of consumers in the running gateway: which one counts, and from when on.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("configurations of consumers", function()
  local gateway

  local function tracer(mark, scope)
    local entity = scope or {}
    entity.name, entity.config = "tracer", { mark = mark }
    return entity
  end

  local function correlation(name, scope)
    local entity = scope or {}
    entity.name = "correlation-id"
    entity.config = { header_name = name, generator = "uuid", echo_downstream = true }
    return entity
  end

  setup(function()
    local port = upstreams.peer({ main = {} }).ports.main
    local keys = {}
    for _, name in ipairs({ "ann", "bob" }) do
      keys[#keys + 1] = { username = name, keyauth_credentials = { { key = name } } }
    end
    local function open()
      return { port = port }
    end
    gateway = helpers.gateway({
      config = config.build({
        global = open(), route = open(), service = open(), both = open(), mine = open(),
      }, {
        consumers = keys,
        plugins = {
          { name = "key-auth", config = { anonymous = "bob" } },
          tracer("global"), tracer("ann", { consumer = "ann" }),
          tracer("route", { route = "route" }),
          tracer("service", { service = "service" }),
          tracer("service ann", { service = "service", consumer = "ann" }),
          tracer("route and service", { route = "both", service = "both" }),
          tracer("route ann", { route = "mine", consumer = "ann" }),
          correlation("X-All"), correlation("X-Ann", { consumer = "ann" }),
        },
      }),
      settings = { plugins = "bundled,tracer", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  local function get(path, key)
    return gateway:get({ path = path, headers = { apikey = key } })
  end

  -- Route, what runs there for ann, and for others.
  local CASES = {
    { "/global", "ann", "global" },
    { "/route", "ann", "route" },
    { "/service", "service ann", "service" },
    { "/both", "route and service", "route and service" },
    { "/mine", "route ann", "global" },
  }
  for _, case in ipairs(CASES) do
    it("count in their order at " .. case[1], function()
      for i, key in ipairs({ "ann", "bob" }) do
        local mark = case[i + 1]
        assert.equal(("rewrite=global,access=%s,header_filter=%s"):format(mark, mark),
          get(case[1], key).headers["x-trace"])
      end
    end)
  end

  it("hold in the log phase, with the ctx of their own", function()
    local id = get("/global", "ann").headers["x-kong-request-id"]
    gateway:wait_line("trace rewrite=global,access=ann,header_filter=ann,log=ann status 200 "
      .. "count 3")
    assert.equal(1, #gateway:lines("log=ann status 200", id))
  end)

  it("come too late for plugins that ran before anybody was known", function()
    local response = get("/global", "ann")
    assert.is_string(response.headers["x-all"])
    assert.is_nil(response.headers["x-ann"])
    assert.equal("ann", cjson.decode(response.body).headers["x-consumer-username"])
  end)
end)
