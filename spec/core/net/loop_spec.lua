local ffi = require "ffi"
local net = require "spec.support.net"
local cimport = require "spec.support.cimport"
local C = cimport("net/loop.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

ffi.cdef [[
int pipe(int fds[2]);
int close(int fd);
long read(int fd, void *p, size_t n);
long write(int fd, const void *p, size_t n);
int open(const char *path, int flags, ...);
int getpid(void);
int kill(int pid, int signum);
int usleep(unsigned us);
]]

local SIGUSR2 = 12


describe("net/loop", function()
  local world, loop, callbacks

  before_each(function()
    world = net.new()
    loop = world.loop
    callbacks = {}
  end)

  after_each(function()
    loop.before_wait = nil
    world:free()
    for _, callback in ipairs(callbacks) do
      callback:free()
    end
  end)

  local function callback(type, fn)
    local cb = ffi.cast(type, fn)
    callbacks[#callbacks + 1] = cb
    return cb
  end

  -- A struct task that is queued nowhere, as task_init() makes it.
  local function task(fn)
    local t = ffi.new("struct task")
    t.node.next, t.node.prev = t.node, t.node
    t.run = callback("void (*)(struct task *)", fn)
    return t
  end

  local function timer(fn)
    local t = ffi.new("struct timer")
    C.timer_init(t, callback("void (*)(struct timer *)", fn))
    return t
  end

  it("runs tasks once, in order, and those that they add in the same turn", function()
    local ran = {}
    local a, b, c
    c = task(function() ran[#ran + 1] = "c" end)
    a = task(function()
      ran[#ran + 1] = "a"
      C.loop_defer(loop, c)
    end)
    b = task(function() ran[#ran + 1] = "b" end)
    C.loop_defer(loop, a)
    C.loop_defer(loop, b)
    C.loop_defer(loop, a)
    world:turn()
    assert.same({ "a", "b", "c" }, ran)
    world:turn()
    assert.equal(3, #ran)
  end)

  it("lets a task that defers itself for ever starve nobody", function()
    local runs = 0
    local t
    t = task(function()
      runs = runs + 1
      C.loop_defer(loop, t)
    end)
    C.loop_defer(loop, t)
    local fired = false
    local tm = timer(function() fired = true end)
    C.loop_timer(loop, tm, 60)
    world:wait("the timer", function() return fired end)
    assert.is_true(runs > 1)
    t.node.prev.next, t.node.next.prev = t.node.next, t.node.prev
  end)

  it("calls before_wait after the tasks of each turn, and counts turns", function()
    local order = {}
    loop.before_wait = callback("void (*)(void *)", function() order[#order + 1] = "wait" end)
    local turns = loop.turn
    local t = task(function() order[#order + 1] = "task" end)
    C.loop_defer(loop, t)
    world:turn()
    assert.equal("task", order[1])
    assert.equal("wait", order[2])
    assert.is_true(loop.turn > turns)
  end)

  it("does not wait while before_wait has left something to send", function()
    local order, left = {}, false
    local batched = task(function() order[#order + 1] = "batched" end)
    local late = timer(function()
      order[#order + 1] = "late"
      C.loop_stop(loop)
    end)
    loop.before_wait = callback("void (*)(void *)", function()
      if not left then
        left = true
        C.loop_batch(loop, batched)
      end
    end)
    C.loop_timer(loop, late, 100)
    C.loop_run(loop)
    assert.same({ "batched", "late" }, order)
  end)

  it("fires timers in time, and not those that were cleared", function()
    local fired = {}
    local a = timer(function() fired.a = loop.now end)
    local b = timer(function() fired.b = loop.now end)
    local c = timer(function() fired.c = loop.now end)
    world:turn()
    local start = loop.now
    C.loop_timer(loop, a, 120)
    C.loop_timer(loop, b, 30)
    C.loop_timer(loop, c, 30)
    C.loop_timer_clear(loop, c)
    world:wait("timers", function() return fired.a and fired.b end)
    assert.is_true(fired.a - start >= 120)
    assert.is_true(fired.b - start >= 30 and fired.b <= fired.a)
    assert.is_nil(fired.c)
  end)

  it("sleeps until the next timer, and no longer", function()
    local turns = loop.turn
    local t = timer(function() C.loop_stop(loop) end)
    C.loop_timer(loop, t, 200)
    C.loop_run(loop)
    assert.is_true(loop.turn - turns <= 4, tostring(loop.turn - turns))
  end)

  it("takes its clock up again when it was not run for a while", function()
    world:turn()
    local before = loop.now
    ffi.C.usleep(30000)
    world:turn()
    assert.is_true(loop.now - before >= 29)
  end)

  it("runs what is posted, in order", function()
    local got = {}
    local fn = callback("void (*)(void *)", function(arg)
      got[#got + 1] = tonumber(ffi.cast("intptr_t", arg))
    end)
    for i = 1, 5 do
      C.loop_post(loop, fn, ffi.cast("void *", i))
    end
    world:turn()
    assert.same({ 1, 2, 3, 4, 5 }, got)
  end)

  it("drops what nobody took when it is freed", function()
    C.loop_post(loop, callback("void (*)(void *)", function() error("never") end), nil)
  end)

  it("reports signals", function()
    local got
    local fn = callback("void (*)(void *, int)", function(_, signum) got = signum end)
    assert.is_true(C.loop_on_signal(loop, SIGUSR2, fn, nil) == nil)
    ffi.C.kill(ffi.C.getpid(), SIGUSR2)
    world:wait("the signal", function() return got end)
    assert.equal(SIGUSR2, got)
    local err = C.loop_on_signal(loop, 9999, fn, nil)
    assert.equal("io", ffi.string(err.code))
    world:turn()
  end)

  describe("watches", function()
    local fds, got

    before_each(function()
      fds, got = ffi.new("int[2]"), {}
      ffi.C.pipe(fds)
    end)

    after_each(function()
      ffi.C.close(fds[0])
      ffi.C.close(fds[1])
    end)

    local function watch(fd, events, fn)
      return C.loop_watch(loop, fd, events, callback("void (*)(void *, int, int)", fn), nil)
    end

    it("call when there is something to read, until they are told not to", function()
      local w = watch(fds[0], C.WATCH_READ, function(_, fd, events)
        got[#got + 1] = { fd, events }
      end)
      world:turn()
      assert.same({}, got)
      ffi.C.write(fds[1], "x", 1)
      world:turn()
      assert.same({ { fds[0], 1 } }, got)
      C.loop_rewatch(w, 0)
      world:turn()
      assert.equal(1, #got)
      C.loop_rewatch(w, C.WATCH_READ)
      world:turn()
      assert.equal(2, #got)
      C.loop_unwatch(w)
      world:turn()
      assert.equal(2, #got)
    end)

    it("call when something can be written", function()
      local w = watch(fds[1], C.WATCH_WRITE, function(_, _, events) got[#got + 1] = events end)
      world:turn()
      assert.equal(2, got[1])
      C.loop_unwatch(w)
    end)

    it("may be ended from their own call", function()
      local w
      w = watch(fds[0], C.WATCH_READ, function()
        got[#got + 1] = true
        C.loop_unwatch(w)
      end)
      ffi.C.write(fds[1], "x", 1)
      world:turn()
      world:turn()
      assert.equal(1, #got)
    end)

    it("are not to be had for regular files", function()
      local fd = ffi.C.open("core/net/loop.c", 0)
      assert.is_true(watch(fd, C.WATCH_READ, function() end) == nil)
      ffi.C.close(fd)
    end)
  end)
end)
