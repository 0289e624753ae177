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
      route = fields.route,
      service = fields.service,
    }
  end

  local function blob(plugins, chains, rewrite)
    return buffer.encode({
      plugins = plugins,
      chains = chains,
      rewrite = rewrite or {},
      plans = {},
      entities = {},
      settings = { trusted_ips = {}, lua_package_path = "", plugin_path = "" },
    })
  end

  before_each(function()
    seen = {}
    package.preload["weir.wait.core"] = function()
      return { body = function() end, sleep = function() end, exit = function() end }
    end
    for _, name in ipairs({ "weir.worker", "weir.wait", "weir.pdk.current" }) do
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
    assert.same({ x = 1, __plugin_id = "the id", plugin_instance_name = "mine", route_id = "r",
      service_id = "s" }, got)
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

  describe("judge", function()
    local opened, closed

    before_each(function()
      opened, closed = 0, 0
      package.loaded["weir.chain"] = {
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
      package.loaded["weir.chain"] = nil
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
