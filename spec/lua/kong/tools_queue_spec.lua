-- kong.tools.queue, on a clock that only waiting moves.

local fake = require("spec.support.fake_abi").install()

local clock, exiting, arrivals, slept, timers

package.loaded["weir.ngx.time"] = { now = function() return clock end }
package.loaded["weir.ngx.worker"] = { exiting = function() return exiting end }
package.loaded["weir.wait"] = {
  sleep = function(seconds)
    slept[#slept + 1] = seconds
    clock = clock + seconds
  end,
}
package.loaded["weir.ngx.timer"] = {
  at = function(_, work, ...)
    if timers == "none" then
      return nil, "too many pending timers"
    end
    local arguments = { ... }
    timers[#timers + 1] = function() work(false, unpack(arguments)) end
    return true
  end,
}
-- What comes while the queue waits: `arrivals`, functions in their order.
package.loaded["ngx.semaphore"] = {
  new = function()
    return {
      post = function() end,
      wait = function(_, seconds)
        local arrival = table.remove(arrivals, 1)
        clock = clock + (arrival and 0 or seconds)
        if arrival then
          arrival()
        end
      end,
    }
  end,
}

local queue = require("kong.tools.queue")

describe("kong.tools.queue", function()
  local batches, handled_with

  before_each(function()
    fake.install()
    clock, exiting, arrivals, slept, timers = 1000, false, {}, {}, {}
    batches, handled_with = {}, nil
  end)

  local function handler(conf, entries)
    handled_with = conf
    batches[#batches + 1] = entries
    return true
  end

  local function put(conf, entry, other)
    conf.name = conf.name or "q"
    return queue.enqueue(conf, other or handler, { url = "x" }, entry)
  end

  local function work()
    for _, timer in ipairs(timers) do
      timer()
    end
    timers = {}
  end

  local function logged(pattern)
    local count = 0
    for _, line in ipairs(fake.log) do
      count = count + (line.text:find(pattern) and 1 or 0)
    end
    return count
  end

  it("gives entries to the handler later, one by one if nothing is said", function()
    assert.is_true(put({}, "a"))
    assert.is_true(put({}, "b"))
    assert.same({}, batches)
    assert.is_true(queue.exists("q"))
    assert.equal(1, #timers)
    work()
    assert.same({ { "a" }, { "b" } }, batches)
    assert.same({ url = "x" }, handled_with)
    assert.is_false(queue.exists("q"))
  end)

  it("makes batches", function()
    local conf = { max_batch_size = 2, max_coalescing_delay = 5 }
    for i = 1, 5 do
      put(conf, i)
    end
    work()
    assert.same({ { 1, 2 }, { 3, 4 }, { 5 } }, batches)
    assert.equal(1005, clock)
  end)

  it("waits for more, but not longer than it should", function()
    local conf = { max_batch_size = 3, max_coalescing_delay = 0.5 }
    put(conf, 1)
    arrivals[1] = function() put(conf, 2) end
    work()
    assert.same({ { 1, 2 } }, batches)
    assert.equal(1000.5, clock)
  end)

  it("does not wait while the worker ends", function()
    exiting = true
    put({ max_batch_size = 9, max_coalescing_delay = 60 }, 1)
    work()
    assert.same({ { 1 } }, batches)
    assert.equal(1000, clock)
  end)

  it("keeps queues apart by name", function()
    put({ name = "q1" }, 1)
    put({ name = "q2" }, 2)
    assert.equal(2, #timers)
    work()
    assert.same({ { 1 }, { 2 } }, batches)
  end)

  it("sends again what failed, later each time", function()
    local results = { { false, "first" }, { nil }, { true } }
    put({ initial_retry_delay = 1, max_retry_delay = 1.5 }, "a", function(_, entries)
      batches[#batches + 1] = entries
      return unpack(table.remove(results, 1))
    end)
    work()
    assert.same({ { "a" }, { "a" }, { "a" } }, batches)
    assert.same({ 1, 1.5 }, slept)
    assert.equal(1, logged("could not process entries: first"))
    assert.equal(1, logged("no error information"))
  end)

  it("gives up after a time", function()
    put({ initial_retry_delay = 10, max_retry_time = 25 }, "a", function() error("broken", 0) end)
    work()
    assert.same({ 10, 20 }, slept)
    assert.equal(1, logged("giving up after 2 retries. 1 queue entries were lost: broken"))
    assert.is_false(queue.exists("q"))
  end)

  it("drops the oldest when it is full, and says so once", function()
    for i = 1, 5 do
      put({ max_entries = 2 }, i)
    end
    assert.equal(1, logged("queue full"))
    work()
    assert.same({ { 4 }, { 5 } }, batches)
  end)

  it("counts bytes", function()
    local conf = { max_bytes = 5 }
    put(conf, "aaa")
    put(conf, "bb")
    assert.is_false(queue.can_enqueue({ name = "q", max_bytes = 5 }, "c"))
    put(conf, "cccc")
    assert.same({ nil, "string to be queued is longer (6 bytes) than the queue's max_bytes (5 "
      .. "bytes)" }, { put(conf, "dddddd") })
    work()
    assert.same({ { "cccc" } }, batches)
  end)

  it("lets entries go that are dropped while they are sent", function()
    local conf = { max_entries = 2, max_batch_size = 2, max_coalescing_delay = 0 }
    put(conf, 1)
    put(conf, 2)
    local first = true
    queue.enqueue(conf, handler, {}, 3)
    work()
    assert.same({ { 2, 3 } }, batches)
    batches = {}
    put({ name = "r", max_entries = 1, max_coalescing_delay = 0 }, "a", function(_, entries)
      batches[#batches + 1] = entries
      if first then
        first = false
        put({ name = "r", max_entries = 1, max_coalescing_delay = 0 }, "b")
      end
      return true
    end)
    work()
    assert.same({ { "a" }, { "b" } }, batches)
  end)

  it("sends each entry by itself and at once where they need not wait for one another", function()
    local conf = { concurrency_limit = -1, max_entries = 1, initial_retry_delay = 1 }
    local failures = 1
    local function once_failing(_, entries)
      batches[#batches + 1] = entries
      failures = failures - 1
      return failures < 0, "not yet"
    end
    put(conf, "a", once_failing)
    put(conf, "b", once_failing)
    assert.is_true(queue.can_enqueue(conf, "c"))
    assert.is_false(queue.exists("q"))
    assert.equal(2, #timers)
    work()
    assert.same({ { "a" }, { "a" }, { "b" } }, batches)
    assert.equal(1001, clock)
    timers = "none"
    assert.same({ nil, "too many pending timers" }, { put(conf, "c") })
  end)

  it("says that it would overflow", function()
    assert.is_true(queue.can_enqueue({ name = "none", max_entries = 1 }, 1))
    put({ max_entries = 1 }, 1)
    assert.is_false(queue.can_enqueue({ name = "q", max_entries = 1 }, 2))
    work()
  end)

  it("takes a plugin's configuration", function()
    local params = queue.get_plugin_params("own", { queue = { max_batch_size = 7 } }, "x")
    assert.equal("own.x", params.name)
    assert.equal(7, params.max_batch_size)
    assert.equal(10000, params.max_entries)
    assert.equal("mine", queue.get_plugin_params("own", { queue = { name = "mine" } }).name)
  end)

  it("puts into a plugin's configuration what fields of older ones say", function()
    local config = { queue_size = 7, flush_timeout = 0.5, queue = { max_entries = 3 } }
    local params = queue.get_plugin_params("own", config, "x")
    assert.same({ 7, 0.5, 3 },
      { params.max_batch_size, params.max_coalescing_delay, params.max_entries })
    assert.same({ max_batch_size = 7, max_coalescing_delay = 0.5, max_entries = 3 }, config.queue)
    config = { queue_size = 1, flush_timeout = 2, queue = { max_batch_size = 4 } }
    assert.equal(4, queue.get_plugin_params("own", config, "x").max_batch_size)
    assert.same({ max_batch_size = 4 }, config.queue)
  end)

  it("says what is wrong", function()
    assert.same({ nil, "entry must be a non-nil Lua value" }, { put({}, nil) })
    for message, arguments in pairs({
      ["arg #1 (queue_conf) must be a table"] = { 1 },
      ["arg #2 (handler) must be a function"] = { {} },
      ["arg #3 (handler_conf) must be a table"] = { {}, handler, 1 },
      ["arg #1 (queue_conf) must include a name"] = { {}, handler },
    }) do
      assert.has_error(function() queue.enqueue(unpack(arguments, 1, 3)) end, message)
    end
    timers = "none"
    assert.same({ nil, "too many pending timers" }, { put({}, 1) })
    assert.is_false(queue.exists("q"))
  end)
end)
