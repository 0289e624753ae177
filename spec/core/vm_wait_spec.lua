local vm = require("spec.support.vm")
local C = vm.C

-- The core is called from interpreted code here, as it is from C.
jit.off(true, true)

-- Timers, and what waits within them: they need no request.
describe("core/vm: waiting", function()
  local world

  -- Runs a plugin's init_worker.
  local function start(source)
    world = vm.new({
      plugins = { p = "local P = { PRIORITY = 1, VERSION = '1.0.0' }\n" .. source .. "\nreturn P" },
      chain = { "p" },
    })
  end

  -- The same, as a timer's function.
  local function timer(source)
    start(("local say = kong and kong.log.notice\nfunction P:init_worker()\nsay = kong.log.notice\n"
      .. "ngx.timer.at(0, function()\n%s\nend)\nend"):format(source))
  end

  after_each(function()
    if world then
      world:free()
      world = nil
    end
  end)

  describe("timers", function()
    it("run later, with their arguments, in a phase of their own", function()
      start([[function P:init_worker()
        assert(ngx.timer.at(0, function(premature, a, b, c)
          kong.log.notice("ran ", premature, " ", a, " ", b, " ", c, " in ", ngx.get_phase())
        end, "one", nil, "three"))
        kong.log.notice("set ", ngx.timer.pending_count(), " ", ngx.timer.running_count())
      end]])
      assert.matches("set 1 0", world:log())
      world:wait_log("%[p%] ran false one nil three in timer")
      assert.is_true(C.vm_idle(world.vm))
    end)

    it("run again and again", function()
      start([[local count = 0
      function P:init_worker()
        ngx.timer.every(0.001, function()
          count = count + 1
          kong.log.notice("run ", count)
          if count == 2 then error("only this one") end
        end)
      end]])
      world:wait_log("run 4")
      assert.matches("%[p%] timer: [^\n]*handler.lua:%d+: only this one\nstack traceback",
        world:log())
    end)

    it("have a ctx each, and no request", function()
      start([[function P:init_worker()
        for i = 1, 2 do
          ngx.timer.at(0, function()
            kong.ctx.shared.n = (kong.ctx.shared.n or 0) + 1
            ngx.ctx.n = (ngx.ctx.n or 0) + 1
            ngx.sleep(0.001)
            kong.log.notice("timer ", i, " has ", kong.ctx.shared.n, ngx.ctx.n)
            kong.request.get_header("X")
          end)
        end
      end]])
      world:wait_log("timer 1 has 11")
      world:wait_log("timer 2 has 11")
      assert.matches("timer: [^\n]*function cannot be called in timer phase", world:log())
    end)

    it("are premature when the worker drains, which sets no new ones", function()
      start([[function P:init_worker()
        ngx.timer.at(3600, function(premature)
          kong.log.notice("premature ", premature)
          kong.log.notice("later ", ngx.timer.at(1, tostring))
          kong.log.notice("now ", ngx.timer.at(0, function(p) kong.log.notice("then ", p) end))
        end)
        ngx.timer.every(3600, function(premature) kong.log.notice("every ", premature) end)
      end]])
      assert.is_false(C.vm_idle(world.vm))
      C.vm_set_exiting(world.vm)
      assert.matches("premature true", world:log())
      assert.matches("every true", world:log())
      assert.matches("later nilprocess exiting", world:log())
      assert.matches("now 1", world:log())
      world:wait_log("then false")
      assert.is_true(C.vm_idle(world.vm))
    end)

    it("are limited, pending and running", function()
      start([[function P:init_worker()
        for i = 1, 9 do
          kong.log.notice("at ", i, " ", ngx.timer.at(0, function()
            ngx.sleep(0.01)
            kong.log.notice("over")
          end))
        end
      end]])
      assert.matches("at 8 1", world:log())
      assert.matches("at 9 niltoo many pending timers", world:log())
      world:wait_log("over")
      assert.equal(4, select(2, world:log():gsub("4 lua_max_running_timers are not enough", "")))
    end)

    it("check their arguments", function()
      start([[function P:init_worker()
        kong.log.notice("a ", pcall(ngx.timer.at, -1, print))
        kong.log.notice("b ", pcall(ngx.timer.at, "x", print))
        kong.log.notice("c ", pcall(ngx.timer.at, 1, "print"))
        kong.log.notice("d ", pcall(ngx.timer.every, 0, print))
      end]])
      for _, letter in ipairs({ "a", "b", "c", "d" }) do
        assert.matches(letter .. " false[^\n]*bad argument", world:log())
      end
    end)

    it("have names, and can be taken back", function()
      start([[function P:init_worker()
        local say = kong.log.notice
        say("one ", kong.timer:named_at("mine", 0, function() say("mine ran") end))
        say("two ", kong.timer:named_at("mine", 0, tostring))
        local name = kong.timer:every(0.001, function() say("taken back") end)
        say("three ", kong.timer:cancel(name), kong.timer:cancel(name))
        kong.timer:at(0.01, function(_, x)
          say("at ", x, kong.timer:named_at("mine", 0, tostring))
        end, 5)
      end]])
      world:wait_log("at 5mine")
      assert.matches("one mine\n.*two nilalready exists.*three truenil", (world:log():gsub(
        ", client[^\n]*", "")))
      assert.matches("mine ran", world:log())
      assert.is_nil(world:log():find("taken back", 1, true))
    end)

    it("that wait are called off with the worker", function()
      timer([[ngx.thread.spawn(ngx.sleep, 3600) say("waits") ngx.sleep(3600)]])
      world:wait_log("waits")
      assert.is_false(C.vm_idle(world.vm))
      C.vm_stop(world.vm)
      assert.is_true(C.vm_idle(world.vm))
    end)
  end)

  it("is over in time, not before", function()
    timer([[local t = ngx.now()
      ngx.sleep(0.02)
      say("slept ", ngx.now() - t > 0.018, " ", pcall(ngx.sleep, -1))]])
    assert.matches("slept true false[^\n]*not a time to sleep", world:wait_log("slept [^\n]*"))
  end)

  it("is possible again after it was refused in a callback of the library's", function()
    timer([[
      say("refused ", pcall(string.gsub, "a", "a", function() ngx.sleep(3600) end))
      ngx.sleep(0.001)
      say("slept")]])
    world:wait_log("slept")
    assert.matches("refused falseattempt to yield across C%-call boundary", world:log())
  end)

  it("is refused outside of phases that can wait", function()
    start("function P:init_worker() kong.log.notice('sleep ', pcall(ngx.sleep, 0)) end")
    assert.matches("sleep false[^\n]*API disabled in the context of init_worker_by_lua%*",
      world:log())
  end)

  describe("in a plugin's coroutine", function()
    it("passes through those that resumed it, and own yields do not", function()
      timer([[
        local inner = coroutine.wrap(function(a)
          ngx.sleep(0.001)
          local b = coroutine.yield(a + 1)
          ngx.sleep(0.001)
          return b * 2
        end)
        local outer = coroutine.create(function()
          local first = inner(1)
          coroutine.yield(first)
          return inner(first * 10)
        end)
        say("first ", select(2, coroutine.resume(outer)), " ", coroutine.status(outer))
        say("second ", select(2, coroutine.resume(outer)), " ", coroutine.status(outer))
        say("dead ", coroutine.resume(outer))]])
      world:wait_log("dead false")
      assert.matches("first 2 suspended.*second 40 dead", world:log())
    end)

    it("yields values as they are, none as none", function()
      timer([[
        local co = coroutine.create(function() coroutine.yield() coroutine.yield(nil, nil) end)
        say("counts ", select("#", coroutine.resume(co)), select("#", coroutine.resume(co)),
          select("#", coroutine.resume(co)))]])
      world:wait_log("counts 131")
    end)

    it("keeps errors", function()
      timer([[
        local co = coroutine.create(function() ngx.sleep(0) error({ code = 7 }) end)
        local ok, err = coroutine.resume(co)
        say("error ", ok, err.code)
        say("wrapped ", pcall(coroutine.wrap(function() ngx.sleep(0) error("w", 0) end)))]])
      world:wait_log("error false7")
      world:wait_log("wrapped falsew")
    end)

    it("cannot be resumed by another thread meanwhile", function()
      timer([[
        local co = coroutine.create(function() ngx.sleep(0.001) end)
        ngx.thread.spawn(coroutine.resume, co)
        say("resume ", coroutine.status(co), coroutine.resume(co))]])
      world:wait_log("resume normalfalsecannot resume non%-suspended coroutine")
    end)

    it("is the only one that a plugin resumes: others go on when the core lets them", function()
      timer([[
        local mine = coroutine.running()
        local t = ngx.thread.spawn(function()
          ngx.sleep(0)
          return coroutine.resume(mine, "no result of anything")
        end)
        say("slept ", ngx.sleep(0.001), " ", select(2, ngx.thread.wait(t)))
        say("itself ", coroutine.resume(mine))
        say("no coroutine ", pcall(coroutine.resume, 1))]])
      world:wait_log("no coroutine false[^\n]*bad argument")
      assert.matches("slept nil false", world:log())
      assert.matches("itself falsecannot resume non%-suspended coroutine", world:log())
    end)

    it("lets others run where there is nobody to yield to", function()
      timer([[
        ngx.timer.at(0, function() say("other") end)
        ngx.sleep(0)
        local before = ngx.timer.running_count()
        coroutine.yield("to nobody")
        say("back ", before)]])
      assert.is_true(world:wait_log("()back 1") > world:log():find("other", 1, true))
    end)
  end)

  describe("light threads", function()
    it("run at once until they wait, and are waited for", function()
      timer([[
        local t = ngx.thread.spawn(function(a)
          say("runs ", a)
          ngx.sleep(0.001)
          return a, nil, 3
        end, 1)
        say("spawned")
        local r = { ngx.thread.wait(t) }
        say("result ", r[1], r[2], r[3], r[4])
        say("again ", ngx.thread.wait(t))]])
      world:wait_log("again nilalready waited or killed")
      assert.matches("runs 1.*spawned.*result true1nil3", world:log())
    end)

    it("race: the first that ends is the result", function()
      timer([[
        local slow = ngx.thread.spawn(function() ngx.sleep(3600) end)
        local quick = ngx.thread.spawn(function() ngx.sleep(0.001) return "quick" end)
        say("won ", select(2, ngx.thread.wait(slow, quick)))
        say("killed ", ngx.thread.kill(slow), " ", select(2, ngx.thread.kill(slow)))]])
      world:wait_log("killed true already waited or killed")
      assert.matches("won quick", world:log())
    end)

    it("keep the timer running until all are over", function()
      start([[
        local over = require("ngx.semaphore").new()
        function P:init_worker()
          ngx.timer.at(0, function()
            ngx.thread.spawn(function() over:wait(3600) kong.log.notice("thread") end)
            kong.log.notice("entry")
          end)
        end
        function P:rewrite() over:post() end]])
      world:wait_log("entry")
      assert.is_false(C.vm_idle(world.vm))
      assert.equal("done", world:run("rewrite"))
      world:wait_log("thread")
      world:release()
      assert.is_true(C.vm_idle(world.vm))
    end)

    it("are not waited for by one that could not wait, in a callback of the library's", function()
      timer([[
        local t = ngx.thread.spawn(function() ngx.sleep(0.001) say("ends") end)
        say("refused ", pcall(string.gsub, "a", "a", function() ngx.thread.wait(t) end))
        local before = ngx.now()
        ngx.sleep(0.05)
        ngx.update_time()
        say("slept ", ngx.now() - before > 0.025)]])
      world:wait_log("slept true")
      assert.matches("refused falseattempt to yield.*ends", world:log())
    end)

    it("fail alone", function()
      timer([[
        local t = ngx.thread.spawn(function() ngx.sleep(0) error("mine") end)
        local ok, err = ngx.thread.wait(t)
        say("ended ", ok, " ", err)]])
      world:wait_log("ended false [^\n]*mine")
      assert.matches("%[p%] thread: [^\n]*mine\nstack traceback", world:log())
    end)

    it("fail with errors that are no text, whatever asking for their text does", function()
      timer([[
        local function code(tostring)
          local _, err = ngx.thread.wait(ngx.thread.spawn(function()
            error(setmetatable({ code = 7 }, { __tostring = tostring }))
          end))
          return err.code
        end
        say("codes ", code(function() error("again") end), code(function() return {} end))]])
      world:wait_log("codes 77")
      assert.matches("%[p%] thread: error object of type table\nstack traceback", world:log())
    end)

    it("let others run when they yield, and go on", function()
      timer([[
        local t = ngx.thread.spawn(function(a)
          say("first ", coroutine.yield(a))
          coroutine.yield(coroutine.running())
          say("second")
          return a
        end, 5)
        say("spawned")
        say("result ", ngx.thread.wait(t))]])
      world:wait_log("result true5")
      assert.matches("spawned.*first.*second", world:log())
    end)

    it("belong to whoever spawned them", function()
      timer([[
        local first = ngx.thread.spawn(function() ngx.sleep(3600) end)
        local other = ngx.thread.spawn(function()
          say("kill ", ngx.thread.kill(first))
          say("wait ", pcall(ngx.thread.wait, first))
        end)
        say("own ", ngx.thread.kill(other))
        ngx.thread.kill(first)]])
      world:wait_log("own nilalready terminated")
      assert.matches("kill nilkiller not parent", world:log())
      assert.matches("wait false[^\n]*only the parent coroutine can wait on the thread",
        world:log())
    end)
  end)

  it("can be ended for light threads of one's own request or timer, and for nothing else",
    function()
      timer([[
        local core = require("weir.wait.core")
        local entry, theirs = core.self()
        ngx.timer.at(0, function()
          ngx.thread.spawn(function() theirs = core.self() ngx.sleep(0.02) say("theirs ended") end)
        end)
        ngx.sleep(0.001)
        local mine
        ngx.thread.spawn(function() mine = core.self() ngx.sleep(3600) end)
        ngx.thread.spawn(function() ngx.sleep(0) say("killed ", core.kill(entry)) end)
        ngx.sleep(0.001)
        say("killed ", core.kill(theirs), core.kill(mine), core.kill(mine))]])
      world:wait_log("theirs ended")
      assert.matches("killed false.*killed falsetruefalse", world:log())
    end)

  describe("semaphores", function()
    it("hand units to those that wait, the oldest first", function()
      timer([[
        local sema = require("ngx.semaphore").new()
        for i = 1, 2 do
          ngx.thread.spawn(function() say("got ", i, sema:wait(10), " ", sema:count()) end)
        end
        say("waiting ", sema:count())
        sema:post(3)]])
      world:wait_log("got 2true")
      assert.matches("waiting %-2.*got 1true", world:log())
    end)

    it("time out", function()
      timer([[
        local sema = require("ngx.semaphore").new(1)
        say("first ", sema:wait(0))
        say("second ", sema:wait(0))
        say("third ", sema:wait(0.005))]])
      world:wait_log("third niltimeout")
      assert.matches("first true.*second niltimeout", world:log())
    end)

    it("forget one that could not wait, in a callback of the library's", function()
      timer([[
        local sema = require("ngx.semaphore").new()
        local function try(f) return pcall(string.gsub, "a", "a", f) end
        local function wait_here() sema:wait(10) end
        local other = ngx.thread.spawn(function()
          say("refused ", try(wait_here))
          say("within ", try(coroutine.wrap(wait_here)))
          say("count ", sema:count())
          ngx.sleep(0.01)
          say("slept")
        end)
        ngx.thread.spawn(function() say("got ", sema:wait(10)) sema:post() end)
        say("waiting ", sema:count())
        sema:post()
        ngx.thread.wait(other)
        say("left ", sema:count())]])
      world:wait_log("left 1")
      assert.matches("refused falseattempt to yield.*within false[^\n]*attempt to yield.*count 0\n",
        world:log())
      assert.matches("waiting %-1.*got true.*slept", world:log())
    end)

    it("keep the unit of one that ended before it could take it", function()
      timer([[
        local sema = require("ngx.semaphore").new()
        local t = ngx.thread.spawn(function() sema:wait(10) say("never") end)
        sema:post()
        ngx.thread.kill(t)
        say("left ", sema:count(), sema:wait(0))]])
      world:wait_log("left 1true")
    end)
  end)
end)
