-- kong.worker_events between the workers of one process: each worker has the module to itself, the
-- dictionary is theirs together.

require("spec.support.fake_abi").install()
require("weir.pdk").install({})

describe("kong.worker_events", function()
  local real_id, real_every, worker
  -- Of the worker that is run: the functions, and what its timer calls.
  local workers

  local function as(number, fn)
    worker = number
    return fn(workers[number].events)
  end

  setup(function()
    real_id, real_every = ngx.worker.id, ngx.timer.every
    ngx.worker.id = function() return worker end
    ngx.timer.every = function(_, callback)
      workers[worker].turn = callback
      return 1
    end
  end)
  teardown(function()
    ngx.worker.id, ngx.timer.every = real_id, real_every
  end)
  before_each(function()
    ngx.shared.kong_process_events:flush_all()
    workers = {}
    for number = 0, 1 do
      package.loaded["weir.pdk.worker_events"] = nil
      workers[number] = { events = require("weir.pdk.worker_events") }
    end
  end)

  local function listener(heard)
    return function(data, event, source, from)
      heard[#heard + 1] = ("%s %s %s %d"):format(source, event, tostring(data), from)
    end
  end

  local function turn(number)
    worker = number
    workers[number].turn(false)
  end

  it("delivers what is posted at once here, and with the next turn elsewhere", function()
    local here, there = {}, {}
    as(0, function(events) events.register(listener(here), "s", "e", "f") end)
    as(1, function(events) events.subscribe("s", "e", listener(there)) end)
    as(0, function(events)
      assert.is_true(events.post("s", "e", 1))
      assert.is_true(events.publish("all", "s", "f", 2))
      assert.is_true(events.post("other", "e", 3))
    end)
    assert.same({ "s e 1 0", "s f 2 0" }, here)
    assert.same({}, there)
    turn(1)
    turn(1)
    turn(0)
    assert.same({ "s e 1 0" }, there)
    assert.same({ "s e 1 0", "s f 2 0" }, here)
  end)

  it("keeps local messages here", function()
    local here, there = {}, {}
    as(0, function(events) events.register(listener(here), "s") end)
    as(1, function(events) events.register(listener(there), "s") end)
    as(0, function(events)
      events.post_local("s", "e", 1)
      events.publish("current", "s", "e", 2)
    end)
    turn(1)
    assert.same({ "s e 1 0", "s e 2 0" }, here)
    assert.same({}, there)
  end)

  it("tells a listener nothing of what was before it, or after it was taken back", function()
    local there = {}
    local callback = listener(there)
    as(0, function(events) events.post("s", "e", "before") end)
    as(1, function(events) events.register(callback, "s", "e", "f") end)
    as(0, function(events) events.post("s", "e", "while") end)
    turn(1)
    as(1, function(events) events.unregister(callback, "s", "e") end)
    as(0, function(events)
      events.post("s", "e", "after")
      events.post("s", "f", "other")
    end)
    turn(1)
    as(1, function(events) events.unregister(callback, "s") end)
    as(0, function(events) events.post("s", "f", "after") end)
    turn(1)
    assert.same({ "s e while 0", "s f other 0" }, there)
  end)

  it("waits a turn for a message whose number is there already, and no longer", function()
    local there, dict = {}, ngx.shared.kong_process_events
    as(1, function(events) events.register(listener(there), "s") end)
    local number = dict:incr("last", 1, 0)
    as(0, function(events) events.post("s", "e", 2) end)
    turn(1)
    assert.same({}, there)
    dict:set("message " .. number, require("string.buffer").encode({
      source = "s", event = "e", data = 1, from = 0,
    }))
    turn(1)
    assert.same({ "s e 1 0", "s e 2 0" }, there)
    dict:incr("last", 1)
    as(0, function(events) events.post("s", "e", 4) end)
    turn(1)
    turn(1)
    assert.equal("s e 4 0", there[3])
  end)

  it("goes on when a listener fails, and refuses what cannot be sent", function()
    local here = {}
    as(0, function(events)
      events.register(function() error("deliberate") end, "s")
      events.register(listener(here), "s")
      assert.is_true(events.post("s", "e", 1))
      local ok, err = events.post("s", "e", print)
      assert.is_nil(ok)
      assert.matches("^data cannot be sent: ", err)
    end)
    assert.same({ "s e 1 0" }, here)
  end)
end)
