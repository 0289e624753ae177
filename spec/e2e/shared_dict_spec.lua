-- Shared dictionaries in the running gateway: two workers on one, reloads, settings.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")

local CLIENTS, COUNT = 64, 200

local function document(dict, count, guarded)
  return config.build({ main = { port = 1, plugins = {
    { name = "sharer", config = { dict = dict, count = count, guarded = guarded } },
  } } })
end

describe("a shared dictionary", function()
  local gateway

  setup(function()
    gateway = helpers.gateway({
      workers = 2, config = document("mine", COUNT),
      settings = {
        plugins = "bundled,sharer", plugin_path = "spec/fixtures/plugins",
        nginx_http_lua_shared_dict = "mine 200k",
      },
    })
  end)
  teardown(helpers.stop_all)

  -- Asks on connections of their own, all before the first answer is read.
  local function ask(clients)
    local conns, answers = {}, {}
    for i = 1, clients do
      conns[i] = gateway:connect()
      conns[i]:send("GET /main HTTP/1.1\r\nHost: kong.example\r\n\r\n")
    end
    for i, conn in ipairs(conns) do
      local response = assert(conn:response())
      assert.equal(200, response.status)
      answers[i] = cjson.decode(response.body)
      conn:close()
    end
    return answers
  end

  it("is one for both workers, and loses no count", function()
    local last, workers = 0, {}
    for _, answer in ipairs(ask(CLIENTS)) do
      last = math.max(last, answer.sum)
      workers[answer.worker] = true
      assert.equal(200 * 1024, answer.capacity)
    end
    assert.equal(CLIENTS * COUNT, last)
    assert.same({ [0] = true, true }, workers)
  end)

  it("stays when the configuration is reloaded", function()
    local before = ask(1)[1].sum
    gateway:reload(document("mine", 1))
    assert.equal(before + 1, ask(1)[1].sum)
  end)

  it("holds locks that both workers wait for", function()
    gateway:reload(document("mine", 1, true))
    local workers, sums = {}, {}
    for _, answer in ipairs(ask(32)) do
      workers[answer.worker] = true
      sums[#sums + 1] = answer.sum
    end
    table.sort(sums)
    for i, sum in ipairs(sums) do
      assert.equal(i, sum)
    end
    assert.same({ [0] = true, true }, workers)
    gateway:reload(document("mine", 1))
  end)

  it("shows in the node's memory", function()
    local stats = ask(1)[1].stats
    assert.equal(200 * 1024, stats.capacity)
    assert.is_true(stats.allocated_slabs > 0 and stats.allocated_slabs <= stats.capacity)
    local memory = gateway:status().memory
    assert.equal("0.20 MiB", memory.lua_shared_dicts.mine.capacity)
    assert.equal("5.00 MiB", memory.lua_shared_dicts.kong.capacity)
    assert.equal(2, #memory.workers_lua_vms)
    assert.matches("^%d+%.%d%d MiB$", memory.workers_lua_vms[2].http_allocated_gc)
  end)
end)
