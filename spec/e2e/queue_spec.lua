-- kong.tools.queue in the running gateway: with a sink that fails, over a reload, and at the end.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local process = require("spec.support.process")
local upstreams = require("spec.fixtures.upstreams")

describe("a queue of a plugin's", function()
  local peer

  before_each(function()
    peer = upstreams.peer({ up = {}, sink = {} })
  end)
  after_each(helpers.stop_all)

  -- A plugin that hands the paths of requests to a sink, in the log phase.
  local function document(sink, settings)
    return config.build({ up = { port = peer.ports.up, plugins = { {
      name = "prober",
      config = { code = { log = ([[
        return require("kong.tools.queue").enqueue({ name = "q", %s }, function(conf, entries)
          local answer, err = require("resty.http").new():request_uri(conf.sink, {
            method = "POST", body = table.concat(entries, ","),
          })
          return answer and answer.status < 300, err or answer.status
        end, { sink = "http://127.0.0.1:%d%s" }, kong.request.get_path())
      ]]):format(settings, peer.ports.sink, sink) } },
    } } } })
  end

  local function start(sink, settings)
    return helpers.gateway({
      config = document(sink, settings),
      settings = { plugins = "bundled,prober", plugin_path = "spec/fixtures/plugins" },
    })
  end

  local function ask(gateway, paths)
    for _, path in ipairs(paths) do
      assert.equal(200, gateway:get({ path = path, host = "x" }).status)
    end
    helpers.eventually(function()
      return #gateway:lines("probe log %[true%]") >= #paths
    end, "the entries to be in the queue")
  end

  -- What arrived, batch by batch.
  local function arrived()
    local batches = {}
    for i, body in ipairs(peer:events("body", "sink")) do
      batches[i] = body.text
    end
    return batches
  end

  local WAITING = "max_batch_size = 9, max_coalescing_delay = 600"

  it("is emptied before a gateway that drains ends", function()
    local gateway = start("/", WAITING)
    ask(gateway, { "/up/1", "/up/2" })
    assert.same({}, arrived())
    assert.equal(0, gateway:stop(process.SIGQUIT).code)
    assert.same({ "/up/1,/up/2" }, arrived())
    assert.same({}, gateway:lines("lost"))
  end)

  it("that a gateway leaves when it stops at once is said to be lost", function()
    local gateway = start("/", WAITING)
    ask(gateway, { "/up/1", "/up/2" })
    assert.equal(0, gateway:stop(process.SIGTERM).code)
    assert.same({}, arrived())
    assert.equal(1, #gateway:lines("queue q: 2 entries were lost: the worker was stopped"))
  end)

  it("that cannot be emptied while the gateway drains is said to be lost", function()
    local gateway = start("/status/503", "initial_retry_delay = 0.1")
    ask(gateway, { "/up/1" })
    gateway:wait_line("queue q: handler could not process entries: 503")
    assert.equal(0, gateway:stop(process.SIGQUIT).code)
    assert.equal(1, #gateway:lines("1 queue entries were lost: 503"))
  end)

  it("outlives a reload, and goes where the configuration of its newest entry says", function()
    local gateway = start("/status/503", "max_retry_delay = 0.1")
    ask(gateway, { "/up/1" })
    gateway:wait_line("queue q: handler could not process entries: 503")
    assert.is_true(gateway:reload(document("/", "max_retry_delay = 0.1")))
    ask(gateway, { "/up/2" })
    helpers.eventually(function() return #arrived() == 2 end, "both entries to arrive")
    assert.same({ "/up/1", "/up/2" }, arrived())
    assert.same({}, gateway:lines("lost"))
  end)
end)
