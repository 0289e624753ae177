local buffer = require("string.buffer")
local abi = require("weir.abi")

local ACCESS, LOG = abi.C.WEIR_PHASE_ACCESS, abi.C.WEIR_PHASE_LOG
local REWRITE = abi.C.WEIR_PHASE_REWRITE

describe("weir.worker", function()
  local worker, seen

  -- A handler whose phases say what they were called with.
  local function install(name, phases)
    local handler = { PRIORITY = phases.PRIORITY or 0, VERSION = "1.0.0" }
    for phase, fn in pairs(phases) do
      if phase ~= "PRIORITY" then
        handler[phase] = fn
      end
    end
    package.loaded["spec.handlers." .. name] = handler
    return handler
  end

  local function noting(what)
    return function(_, conf)
      seen[#seen + 1] = what .. (type(conf) == "table" and conf.tag and " " .. conf.tag or "")
    end
  end

  local function record(name, fields)
    fields = fields or {}
    return {
      id = fields.id or name,
      name = name,
      module = "spec.handlers." .. name,
      instance_name = fields.instance_name,
      conf = fields.conf or {},
      hash = fields.hash or name,
      phases = fields.phases or -1, -- whatever the handler implements
      route = fields.route,
      service = fields.service,
    }
  end

  local function blob(plugins, chains, rewrite, choices, consumers)
    return buffer.encode({
      plugins = plugins,
      chains = chains,
      choices = choices or {},
      consumers = consumers or {},
      rewrite = rewrite or {},
      plans = {},
      entities = {},
      settings = {
        plugins = {}, trusted_ips = {}, lua_package_path = "", plugin_path = "",
        lua_time_limit = 0, lua_memory_limit = 0,
      },
    })
  end

  before_each(function()
    seen = {}
    package.preload["weir.wait.core"] = function()
      return {
        body = function() end, sleep = function() end, exit = function() end, leave = error,
      }
    end
    for _, name in ipairs({
      "weir.worker", "weir.wait", "weir.pdk.current", "weir.runner.line", "weir.runner.chains",
      "weir.runner.choice", "weir.runner.generation",
    }) do
      package.loaded[name] = nil
    end
    worker = require("weir.worker")
  end)

  after_each(function()
    package.preload["weir.wait.core"] = nil
    for name in pairs(package.loaded) do
      if name:find("^spec%.handlers%.") then
        package.loaded[name] = nil
      end
    end
  end)

  it("runs each plan's own plugins, in the order of its chain", function()
    install("a", { access = noting("a") })
    install("b", { access = noting("b"), log = noting("b log") })
    worker.adopt(blob({ record("a"), record("b") }, { [2] = { 2, 1 }, [3] = { 1 } }), 1)
    assert.is_nil(worker.run(1, ACCESS, 2, 1))
    assert.is_nil(worker.run(1, ACCESS, 3, 1))
    assert.is_nil(worker.run(1, LOG, 2, 1))
    assert.same({ "b", "a", "a", "b log" }, seen)
  end)

  it("has nothing to do for plans and phases without handlers", function()
    install("a", { access = noting("a") })
    worker.adopt(blob({ record("a") }, { [2] = { 1 }, [3] = {} }), 1)
    assert.is_nil(worker.run(1, LOG, 2, 1))
    assert.is_nil(worker.run(1, ACCESS, 3, 1))
    assert.is_nil(worker.run(1, ACCESS, 9, 1))
    assert.same({}, seen)
  end)

  it("runs no phase that a configuration does not need", function()
    install("a", { access = noting("a"), log = noting("a log") })
    worker.adopt(blob({ record("a", { phases = 2 ^ LOG }) }, { [2] = { 1 } }), 1)
    worker.run(1, ACCESS, 2, 1)
    worker.run(1, LOG, 2, 1)
    assert.same({ "a log" }, seen)
  end)

  it("runs rewrite for the plugins that are global", function()
    install("a", { rewrite = noting("a") })
    install("b", { rewrite = noting("b") })
    worker.adopt(blob({ record("a"), record("b") }, { [0] = { 1 }, [2] = { 2, 1 } }, { 1 }), 1)
    worker.run(1, REWRITE, 0, 1)
    assert.same({ "a" }, seen)
  end)

  it("gives a conf what Kong adds to it", function()
    local got
    install("a", { access = function(_, conf) got = conf end })
    worker.adopt(blob({
      record("a", { id = "the id", instance_name = "mine", route = "r", service = "s",
        conf = { x = 1 } }),
    }, { [2] = { 1 } }), 1)
    worker.run(1, ACCESS, 2, 1)
    assert.is_number(got.__seq__)
    got.__seq__ = nil
    local ws_id = require("weir.entities.workspace").id
    assert.same({ x = 1, __plugin_id = "the id", plugin_instance_name = "mine", route_id = "r",
      service_id = "s", __key__ = "plugins:a:r:s:::" .. ws_id, __ws_id = ws_id }, got)
  end)

  it("numbers confs, anew only where one has changed", function()
    local numbers = {}
    install("a", { access = function(_, conf) numbers[#numbers + 1] = conf.__seq__ end })
    local function adopt(serial, hash)
      worker.adopt(blob({
        record("a", { id = "1", hash = "x" }), record("a", { id = "2", hash = hash }),
      }, { [2] = { 1, 2 } }), serial)
      worker.run(serial, ACCESS, 2, 1)
    end
    adopt(1, "y")
    adopt(2, "z")
    local first = numbers[1]
    assert.same({ first, first + 1, first, first + 2 }, numbers)
  end)

  it("starts handlers in Kong's order", function()
    install("low", { PRIORITY = 1, init_worker = noting("low"), configure = noting("low conf") })
    install("high", { PRIORITY = 2, init_worker = noting("high") })
    install("same", { PRIORITY = 1, init_worker = noting("same") })
    worker.adopt(blob({ record("low"), record("high"), record("same") }, {}), 1)
    assert.same({ "high", "same", "low", "low conf" }, seen)
  end)

  it("configures with the confs in force again when the newest could not be", function()
    install("a", { configure = function(_, confs)
      seen[#seen + 1] = confs and confs[1].tag or "none"
    end })
    worker.adopt(blob({ record("a", { conf = { tag = "old" }, hash = "1" }) }, {}), 1)
    worker.adopt(blob({ record("a", { conf = { tag = "new" }, hash = "2" }) }, {}), 2)
    worker.retire(2)
    assert.same({ "old", "new", "old" }, seen)
  end)

  describe("with configurations of consumers", function()
    local choice

    -- What the plugins auth, a and b did in access, and in these phases after it.
    local function serve(...)
      seen = {}
      worker.run(1, ACCESS, 2, 1)
      for _, phase in ipairs({ ... }) do
        worker.run(1, phase, 2, 1)
      end
      worker.release(1)
      return seen
    end

    -- One place for auth (record 1), a (2, ann's is 3) and b (4 for everybody, ann's is 5, bob's
    -- is off).
    local function adopt(auth, items)
      choice = require("weir.runner.choice")
      install("auth", { access = auth })
      install("a", { access = noting("a"), log = noting("a log") })
      install("b", { access = noting("b"), log = noting("b log") })
      worker.adopt(blob({
        record("auth"), record("a", { conf = { tag = "all" } }),
        record("a", { id = "a2", conf = { tag = "ann" } }), record("b", { conf = { tag = "all" } }),
        record("b", { id = "b2", conf = { tag = "ann" } }),
      }, { [2] = { 1, 2, 4 } }, nil, { [2] = items or { { 1 }, { 2, 1 }, { 4, 2 } } },
        { { ann = 3 }, { ann = 5, bob = 0 } }), 1)
    end

    before_each(function()
      package.loaded["weir.runner.choice"] = nil
      package.loaded["weir.runner.generation"] = nil
      package.loaded["weir.worker"] = nil
      worker = require("weir.worker")
    end)

    it("runs what is for everybody as long as nobody is authenticated", function()
      adopt(function() end)
      assert.same({ "a all", "b all", "a log all", "b log all" }, serve(LOG))
    end)

    it("runs the consumer's for the plugins after the one that authenticates", function()
      adopt(function() choice.authenticated("ann") end)
      assert.same({ "a ann", "b ann", "a log ann", "b log ann" }, serve(LOG))
    end)

    it("keeps what was chosen before somebody was authenticated", function()
      adopt(function() choice.authenticated("ann") end, { { 2, 1 }, { 1 }, { 4, 2 } })
      assert.same({ "a all", "b ann", "a log all", "b log ann" }, serve(LOG))
    end)

    it("chooses anew when somebody else is authenticated", function()
      local turn = 0
      adopt(function()
        turn = turn + 1
        choice.authenticated(turn == 1 and "ann" or nil)
      end, { { 1 }, { 2, 1 }, { 1 }, { 4, 2 } })
      assert.same({ "a ann", "b all", "a log ann", "b log all" }, serve(LOG))
    end)

    it("runs nothing where the consumer's configuration does not fit the route", function()
      adopt(function() choice.authenticated("bob") end)
      assert.same({ "a all", "a log all" }, serve(LOG))
    end)

    it("runs what is for everybody for a consumer without any", function()
      adopt(function() choice.authenticated("eve") end)
      assert.same({ "a all", "b all", "a log all", "b log all" }, serve(LOG))
    end)

    it("chooses for the plugins that an exit skips, too", function()
      adopt(function()
        choice.authenticated("ann")
        error("stopped here")
      end)
      assert.same({ "a log ann", "b log ann" }, serve(LOG))
    end)

    it("begins with nobody each time", function()
      local who = "ann"
      adopt(function() choice.authenticated(who) end)
      serve()
      who = nil
      assert.same({ "a all", "b all" }, serve())
      assert.same({ "a all", "b all" }, serve())
    end)

    it("makes a choice once, and does not remember without end", function()
      adopt(function() end)
      local options = choice.of_plans({
        plugins = { "auth", "a", "a2" }, choices = { [2] = { { 1 }, { 2, 1 } } },
        consumers = { { ann = 3 } },
      })[2]
      local anns = options:after(options.nobody, 1, "ann")
      assert.same({ "auth", "a2" }, { anns[1], anns[2] })
      assert.equal(anns, options:after(options.nobody, 1, "ann"))
      assert.equal(options:after(options.nobody, 1, "c0"), options:after(options.nobody, 1, "c1"))
      for i = 1, 5000 do
        options:after(options.nobody, 1, "c" .. i)
        assert.is_true(options.known.count <= 4096)
      end
      assert.same({ "auth", "a2" }, { unpack(options:after(options.nobody, 1, "ann")) })
    end)
  end)

  describe("judge", function()
    local opened, closed

    before_each(function()
      opened, closed = 0, 0
      package.loaded["weir.tls.chain"] = {
        open = function()
          opened = opened + 1
          return { "leaf " .. opened }
        end,
        close = function()
          closed = closed + 1
        end,
      }
      package.loaded["weir.worker"] = nil
      worker = require("weir.worker")
    end)
    after_each(function()
      assert.equal(opened, closed)
      package.loaded["weir.tls.chain"] = nil
    end)

    -- What plan 2 says when its plugins say this, in their order.
    local function judge(...)
      local records, indices = {}, {}
      for i, fn in ipairs({ ... }) do
        install("judge" .. i, { upstream_verify = fn })
        records[i], indices[i] = record("judge" .. i, { conf = { mark = i } }), i
      end
      worker.adopt(blob(records, { [2] = indices }), 1)
      return worker.judge(1, 2)
    end

    it("accepts when all plugins do, each asked with its conf and a chain of its own", function()
      local got = {}
      local function note(_, conf, chain)
        got[#got + 1] = { conf.mark, chain[1] }
      end
      assert.is_true(judge(note, function(...) note(...) return true end))
      assert.same({ { 1, "leaf 1" }, { 2, "leaf 2" } }, got)
    end)

    it("ends with the first that refuses", function()
      assert.equal("refused by plugin 'judge1': no", judge(function() return false, "no" end,
        noting("second")))
      assert.same({}, seen)
    end)

    it("asks all of them until then", function()
      assert.equal("refused by plugin 'judge2': why not", judge(noting("first"),
        function() return nil, "why not" end))
      assert.same({ "first" }, seen)
    end)

    local REFUSALS = {
      ["a failure"] = { function() error("broken") end, "it failed" },
      ["an error that is no text"] = { function() error({}) end, "it failed" },
      ["false"] = { function() return false end, "no reason given" },
      ["a reason that is no text"] = { function() return nil, {} end, "no reason given" },
      ["a number"] = { function() return 0 end, "it returned a number, which is no verdict" },
      ["a text"] = { function() return "yes" end, "it returned a string, which is no verdict" },
      ["a table"] = { function() return {} end, "it returned a table, which is no verdict" },
    }
    for name, case in pairs(REFUSALS) do
      it("takes for a refusal: " .. name, function()
        assert.equal("refused by plugin 'judge1': " .. case[2], judge(case[1]))
      end)
    end

    it("refuses when the plan has no judge", function()
      install("a", { access = noting("a") })
      worker.adopt(blob({ record("a") }, { [2] = { 1 } }), 1)
      assert.equal("no plugin answers for the policy", worker.judge(1, 2))
      assert.equal("no plugin answers for the policy", worker.judge(1, 9))
    end)

    it("has no ctx of a request", function()
      local current = require("weir.pdk.current")
      local ctx = "unset"
      assert.is_true(judge(function() ctx = current.ctx("shared") end))
      assert.is_nil(ctx)
      assert.is_nil(current.plugin)
    end)
  end)

  describe("asked about a retry", function()
    local BALANCER = abi.C.WEIR_PHASE_BALANCER
    local callback

    before_each(function()
      package.loaded["weir.runner.retry"] = nil
      package.loaded["weir.worker"] = nil
      worker = require("weir.worker")
      local retry, current = require("weir.runner.retry"), require("weir.pdk.current")
      install("a", { access = function() retry.set(callback) end })
      install("b", { access = function() current.ctx("shared").b = true end })
      worker.adopt(blob({ record("a"), record("b") }, { [2] = { 1, 2 } }), 1)
      worker.adopt(blob({ record("b") }, { [2] = { 1 } }), 2)
    end)

    it("asks the plugin of the request, on the configuration that it began with", function()
      local current = require("weir.pdk.current")
      local was
      callback = function(...)
        was = { current.plugin.name, current.slot, current.phase, current.generation.serial,
          current.ctx("shared").b, select("#", ...) }
        return true
      end
      worker.run(1, ACCESS, 2, 1)
      worker.run(2, ACCESS, 2, 3)
      assert.is_false(worker.retry(1, BALANCER, 2, 1))
      assert.same({ "a", 1, BALANCER, 1, true, 0 }, was)
      assert.same({ nil, 0 }, { current.plugin, current.slot })
    end)

    for name, answer in pairs({
      ["nothing"] = function() end, ["1"] = function() return 1 end,
      ["an error"] = function() error({}) end,
    }) do
      it("makes no other try after " .. name, function()
        callback = answer
        worker.run(1, ACCESS, 2, 1)
        assert.is_true(worker.retry(1, BALANCER, 2, 1))
      end)
    end

    it("has forgotten it once the request is over", function()
      callback = function() return true end
      worker.run(1, ACCESS, 2, 1)
      worker.release(1)
      worker.run(2, ACCESS, 2, 1)
      assert.is_true(worker.retry(2, BALANCER, 2, 1))
    end)
  end)

  describe("after a handler that has left", function()
    local function leaving()
      seen[#seen + 1] = "left"
      require("weir.wait").leave()
    end

    before_each(function()
      package.loaded["weir.runner.choice"] = nil
      package.loaded["weir.worker"] = nil
      worker = require("weir.worker")
      install("a", { access = noting("a"), rewrite = noting("a") })
      install("b", { access = leaving, rewrite = leaving })
      install("c", { access = noting("c"), rewrite = noting("c") })
    end)

    -- Leaving is an error here, where there is no core that would drop the coroutine.
    local function run(phase, plan)
      seen = {}
      assert.is_true(worker.run(1, phase, plan, 1))
      seen = {}
      local failed = worker.go_on(1, phase, plan, 1)
      worker.release(1)
      return failed
    end

    it("runs those that come next", function()
      local records = { record("a"), record("b"), record("c") }
      worker.adopt(blob(records, { [0] = { 1, 2, 3 }, [2] = { 1, 2, 3 }, [3] = { 1, 2 } },
        { 1, 2, 3 }), 1)
      for phase, plan in pairs({ [ACCESS] = 2, [REWRITE] = 0 }) do
        assert.is_nil(run(phase, plan))
        assert.same({ "c" }, seen)
      end
      run(ACCESS, 3)
      assert.same({}, seen)
    end)

    it("runs those that were to be chosen next", function()
      worker.adopt(blob({ record("a"), record("b"), record("c") }, { [2] = { 1, 2, 3 } }, nil,
        { [2] = { { 1 }, { 2 }, { 3, 1 } } }, { { ann = 0 } }), 1)
      assert.is_nil(run(ACCESS, 2))
      assert.same({ "c" }, seen)
    end)
  end)

  it("forgets a configuration that is retired", function()
    install("a", { access = noting("a") })
    worker.adopt(blob({ record("a") }, { [2] = { 1 } }), 1)
    worker.adopt(blob({ record("a") }, { [2] = { 1 } }), 2)
    worker.retire(1)
    assert.has_error(function() worker.run(1, ACCESS, 2, 1) end)
    worker.run(2, ACCESS, 2, 1)
    assert.same({ "a" }, seen)
  end)
end)
