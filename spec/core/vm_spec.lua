local ffi = require("ffi")
local vm = require("spec.support.vm")
local C = vm.C

-- The core is called from interpreted code here, as it is from C.
jit.off(true, true)

local PREAMBLE = "local P = { PRIORITY = 1, VERSION = '1.0.0' }\n"

local function handler(source)
  return PREAMBLE .. source .. "\nreturn P"
end

describe("core/vm", function()
  local world

  local function start(sources, chain)
    local plugins = {}
    for name, source in pairs(sources) do
      plugins[name] = handler(source)
    end
    world = vm.new({ plugins = plugins, chain = chain })
  end

  after_each(function()
    if world then
      world:free()
      world = nil
    end
  end)

  it("runs the handlers of a phase in their order, each with its conf", function()
    start({
      one = [[function P:access(conf)
        kong.response.add_header("X-Ran", "one " .. conf.__plugin_id)
      end]],
      two = [[function P:access(conf)
        kong.response.add_header("X-Ran-2", "two " .. conf.__plugin_id)
      end]],
    }, { "one", "two" })
    assert.equal("done", world:run("access"))
    assert.equal("one id-1", world:header("X-Ran"))
    assert.equal("two id-2", world:header("X-Ran-2"))
    assert.equal(1, tonumber(world.proxy.counters.lua_phases))
  end)

  it("tells plugins when the worker drains", function()
    start({ one = [[function P:access()
      kong.response.set_header("X-Exiting", tostring(ngx.worker.exiting()))
    end]] }, { "one" })
    world:run("access")
    assert.equal("false", world:header("X-Exiting"))
    C.vm_set_exiting(world.vm)
    world:run("access")
    assert.equal("true", world:header("X-Exiting"))
  end)

  it("has nothing to do for a phase without handlers", function()
    start({ one = "" }, { "one" })
    assert.equal("done", world:run("access"))
  end)

  it("turns an error into a result, and names plugin, phase and place with a traceback", function()
    start({
      bad = [[function P:access() error("boom") end]],
      after = [[function P:access() kong.response.set_header("X-After", "1") end]],
    }, { "bad", "after" })
    assert.equal("error", world:run("access"))
    assert.is_nil(world:header("X-After"))
    local log = world:log()
    assert.matches("%[error%] %d+#%d+: %*7 %[kong%] handler%.lua:2 %[bad%] access: "
      .. "[^\n]*bad/handler%.lua:2: boom, client: ", log)
    assert.matches("boom, client: [^\n]*\nstack traceback:\n", log)
    assert.equal("done", world:run("header_filter"))
  end)

  it("goes on with the other handlers of the log phase after an error", function()
    start({
      bad = [[function P:log() error({}) end]],
      after = [[function P:log() kong.log.notice("still here") end]],
    }, { "bad", "after" })
    assert.equal("error", world:run("log"))
    assert.matches("%[bad%] log: error object of type table", world:log())
    assert.matches("%[after%] still here", world:log())
  end)

  it("survives a stack overflow and an error in a plugin's own pcall", function()
    start({
      deep = [[
        local function deep(n) return 1 + deep(n + 1) end
        function P:access() assert(not pcall(deep, 1)); return deep(1) end]],
    }, { "deep" })
    assert.equal("error", world:run("access"))
    assert.matches("%[deep%] access: [^\n]*stack overflow", world:log())
    assert.equal("error", world:run("access"))
  end)

  it("chooses a consumer's configuration, and runs it after an exit, too", function()
    world = vm.new({
      plugins = {
        auth = handler([[function P:access()
          kong.client.authenticate({ id = "ann" })
          kong.response.exit(401)
        end]]),
        shown = handler([[function P:header_filter(conf)
          kong.response.set_header("X-Conf", conf.mark .. " " .. tostring(conf.consumer_id))
        end]]),
      },
      chain = { "auth", "shown", "shown" },
      confs = { {}, { mark = "all" }, { mark = "own" } },
      choices = { { 1 }, { 2, 1 } },
      consumers = { { ann = 3 } },
    })
    local nobody = world:another()
    world:run("header_filter", nobody)
    assert.equal("all nil", world:header("X-Conf", nobody))
    world:release(nobody)
    assert.equal("exit", world:run("access"))
    assert.equal("done", world:run("header_filter"))
    assert.equal("own nil", world:header("X-Conf"))
    world:release()
  end)

  describe("exit", function()
    it("ends the phase for good, also inside of a plugin's pcall", function()
      start({
        gate = [[function P:access()
          pcall(kong.response.exit, 403, "no")
          kong.response.set_header("X-Not", "reached")
        end]],
      }, { "gate" })
      assert.equal("exit", world:run("access"))
      assert.equal(403, world.request.response.status)
      assert.equal("no", ffi.string(world.request.answer.p, world.request.answer.n))
      assert.is_nil(world:header("X-Not"))
    end)

    it("ends the phase from within a coroutine that the plugin made", function()
      start({
        gate = [[function P:access()
          local own = coroutine.wrap(function() kong.response.exit(403) end)
          own()
          kong.response.set_header("X-Not", "reached")
        end]],
      }, { "gate" })
      assert.equal("exit", world:run("access"))
      assert.equal(403, world.request.response.status)
      assert.is_nil(world:header("X-Not"))
    end)

    it("ends the phase, though later, from one that weir does not know", function()
      start({
        gate = [[local raw = coroutine
        while getmetatable(raw) do
          raw = getmetatable(raw).__index
        end
        function P:access()
          raw.resume(raw.create(function() kong.response.exit(403) end))
          kong.log.notice("then ", pcall(ngx.sleep, 0))
        end]],
      }, { "gate" })
      assert.equal("exit", world:run("access"))
      assert.matches("then false[^\n]*a coroutine that was not made with coroutine.create",
        world:log())
    end)
  end)

  describe("balancer", function()
    local function at_a_try()
      C.addr_parse(vm.str("10.0.0.2"), 8443, world.request.upstream_addr)
      world.request.pick_host, world.request.upstream = vm.str("a.example"), -2
      world.request.tries = 1
    end

    it("tells plugins about the try, and lets them choose", function()
      start({
        steer = [[function P:balancer(conf, try)
          kong.log.notice(try.index, " ", try.ip, " ", try.port, " ", try.host, " ", try.upstream,
            " ", try.failure, " ", kong.ctx.shared.seen)
          kong.service.set_target("b.example", 1)
          assert(kong.service.set_tls_verify_depth(3))
          kong.service.request.set_path("/x")
        end
        function P:access() kong.ctx.shared.seen = "access" end]],
      }, { "steer" })
      at_a_try()
      world:run("access")
      assert.equal("done", world:run("balancer"))
      assert.matches("2 10%.0%.0%.2 8443 a%.example nil nil access", world:log())
      local r = world.request
      assert.same({ "b.example", 1, 3, "/x" }, { ffi.string(r.target_host.p, r.target_host.n),
        r.target_port, r.choice.depth, ffi.string(r.out_path.p, r.out_path.n) })
    end)

    it("cannot wait, nor choose what only access may", function()
      start({
        steer = [[function P:balancer()
          kong.log.notice(pcall(require("weir.wait").sleep, 0))
          kong.log.notice(pcall(kong.service.set_upstream, "u"))
          kong.log.notice(require("weir.abi").C.weir_service_set_retries(1))
        end]],
      }, { "steer" })
      at_a_try()
      assert.equal("done", world:run("balancer"))
      assert.matches("false[^\n]*API disabled in the context of balancer_by_lua%*", world:log())
      assert.matches("false[^\n]*cannot be called in balancer phase", world:log())
      assert.matches("%[steer%] %-1", world:log())
    end)

    it("ends with an error or an exit", function()
      start({
        steer = [[function P:balancer(conf, try)
          if try.index == 2 then kong.response.exit(418, "no") end
          coroutine.yield()
        end]],
      }, { "steer" })
      at_a_try()
      assert.equal("exit", world:run("balancer"))
      assert.equal(418, world.request.response.status)
      world.request.tries = 2
      assert.equal("error", world:run("balancer"))
    end)

    it("has no try in other phases", function()
      start({
        steer = [[function P:access()
          kong.log.notice("try ", require("weir.abi").C.weir_try(
            require("ffi").new("struct weir_try")))
        end]],
      }, { "steer" })
      world:run("access")
      assert.matches("try %-1", world:log())
    end)
  end)

  describe("judging an upstream", function()
    it("shows plugins the peer, and puts the request's phase back", function()
      start({
        judge = [[function P:upstream_verify(conf, chain)
          kong.log.notice(#chain, " of ", chain.peer.name, " ", chain.peer.sni, " ", chain.peer.ip,
            " ", chain.peer.port, " in ", ngx.get_phase())
        end
        function P:access() end]],
      }, { "judge" })
      world:run("access")
      assert.is_true((world:judge()))
      assert.matches("0 of up%.example nil 10%.0%.0%.1 8443 in upstream_verify", world:log())
      assert.equal(1, tonumber(world.request.phase))
      assert.equal(2, tonumber(world.proxy.counters.lua_phases))
    end)

    it("refuses with the plugin's words, cut to size", function()
      start({
        judge = [[function P:upstream_verify() return nil, ("x"):rep(1000) end]],
      }, { "judge" })
      local accepts, said = world:judge()
      assert.is_false(accepts)
      assert.matches("^refused by plugin 'judge': x+$", said)
      assert.equal(255, #said)
    end)

    it("refuses for a plugin that yields, or for none", function()
      start({
        judge = [[function P:upstream_verify() coroutine.yield(true) end]],
        other = "",
      }, { "judge" })
      assert.same({ false, "refused by plugin 'judge': it failed" }, { world:judge() })
      assert.matches("attempt to yield", world:log())
      assert.is_nil(world:adopt({ chain = { "other" } }))
      assert.same({ false, "no plugin answers for the policy" }, { world:judge() })
    end)

    it("leaves nothing of the request to plugins, whatever they call", function()
      start({
        judge = [[local abi = require("weir.abi")
        local C, ffi = abi.C, require("ffi")
        function P:upstream_verify()
          local out = ffi.new("struct weir_str")
          kong.log.notice("text ", C.weir_request_str(C.WEIR_REQUEST_PATH, out),
            " number ", tonumber(C.weir_request_number(C.WEIR_REQUEST_PORT)),
            " header ", C.weir_header_remove(C.WEIR_HEADERS_UPSTREAM, "x", 1),
            " body ", C.weir_request_body(out),
            " verify ", C.weir_service_set_verify(0), " ctx ", kong.ctx.shared,
            " ngx.ctx ", ngx.ctx, " var ", pcall(function() return ngx.var.host end))
        end]],
      }, { "judge" })
      assert.is_true((world:judge()), world:log())
      assert.matches("text %-1 number %-1 header %-1 body %-1 verify %-1 ctx nil "
        .. "ngx%.ctx nil var false.*API disabled in the context of upstream_verify",
        world:log())
    end)

    it("is over when it is over", function()
      start({
        judge = [[local kept
        function P:upstream_verify(_, chain) kept = chain end
        function P:access()
          kong.log.notice("chain ", require("weir.abi").C.weir_chain(
            require("ffi").new("struct weir_chain")))
        end]],
      }, { "judge" })
      world:judge()
      world:run("access")
      assert.matches("chain %-1", world:log())
    end)
  end)

  describe("waiting", function()
    local READER = [[function P:access()
      kong.ctx.plugin.mine = kong.request.get_header("X-Name")
      local body, err = kong.request.get_raw_body()
      kong.response.set_header("X-Body", tonumber(err) or body or err)
      kong.response.set_header("X-Mine", kong.ctx.plugin.mine)
    end]]

    local function with_body(r, name)
      r.head.framing = C.FRAMING_CHUNKED
      C.head_add(r.head, vm.str("X-Name"), vm.str(name))
      return r
    end

    local function receive(r, text)
      C.buf_append(r.body, text, #text)
      r.body_bytes = r.body_bytes + #text
    end

    it("for a body lets other requests run, and keeps what is the request's own", function()
      start({ reader = READER }, { "reader" })
      local first, second = with_body(world.request, "one"), with_body(world:another(), "two")
      assert.equal("wait", world:run("access", first))
      assert.is_true(first.body_wanted)
      assert.equal("wait", world:run("access", second))
      receive(second, "of the second")
      second.body_ended = true
      assert.equal("done", world:resume(second))
      receive(first, "of the first")
      first.body_ended = true
      assert.equal("done", world:resume(first))
      assert.equal("of the first", world:header("X-Body", first))
      assert.equal("one", world:header("X-Mine", first))
      assert.equal("of the second", world:header("X-Body", second))
      assert.equal("two", world:header("X-Mine", second))
    end)

    it("does not happen when the body is there", function()
      start({ reader = READER }, { "reader" })
      local r = with_body(world.request, "one")
      receive(r, "all of it")
      r.body_ended = true
      assert.equal("done", world:run("access"))
      assert.equal("all of it", world:header("X-Body"))
    end)

    it("ends with an error for a body that is too large", function()
      start({ reader = READER }, { "reader" })
      local r = with_body(world.request, "one")
      assert.equal("wait", world:run("access"))
      r.body_refused = true
      assert.equal("done", world:resume())
      assert.matches("did not fit into client body buffer", world:header("X-Body"))
    end)

    it("can be called off when the client goes away", function()
      start({ reader = READER }, { "reader" })
      local r = with_body(world.request, "one")
      assert.equal("wait", world:run("access"))
      world:release()
      assert.is_true(r.vm.scope == nil)
    end)

    it("is refused in later phases", function()
      start({ late = [[function P:log() require("weir.wait").sleep(1) end]] }, { "late" })
      assert.equal("error", world:run("log"))
      assert.matches("%[late%] log: [^\n]*API disabled in the context of log_by_lua%*", world:log())
    end)

    it("for nothing is an error that names plugin and phase", function()
      start({ idle = [[function P:header_filter() coroutine.yield() end]] }, { "idle" })
      assert.equal("error", world:run("header_filter"))
      assert.matches("%[idle%] header_filter: attempt to yield", world:log())
      assert.equal("done", world:run("access"))
    end)
  end)

  describe("ctx", function()
    local KEEPER = [[
      function P:access()
        kong.ctx.shared.n = (kong.ctx.shared.n or 0) + 1
        kong.ctx.plugin.n = (kong.ctx.plugin.n or 0) + 1
      end
      function P:log()
        kong.log.notice("shared ", kong.ctx.shared.n, " own ", kong.ctx.plugin.n)
      end]]

    it("is shared by the phases of a request, apart for each plugin instance", function()
      start({ keeper = KEEPER }, { "keeper", "keeper" })
      world:run("access")
      world:run("log")
      assert.matches("shared 2 own 1", world:log())
    end)

    it("is empty for the next request", function()
      start({ keeper = KEEPER }, { "keeper" })
      for _ = 1, 3 do
        world:run("access")
        world:run("log")
        world:release()
      end
      assert.is_nil(world:log():find("shared 2", 1, true))
      assert.is_true(world.request.vm.scope == nil)
    end)
  end)

  describe("a new configuration", function()
    local COUNTER = [[
      function P:init_worker() kong.log.notice("init_worker") end
      function P:configure(configs) kong.log.notice("configure ", configs and #configs) end
      function P:access(conf)
        conf.seen = (conf.seen or 0) + 1
        kong.log.notice("seen ", conf.seen, " ", conf.v)
      end]]

    it("keeps confs of equal content, and serves the old one while it is used", function()
      world = vm.new({
        plugins = { counter = handler(COUNTER) },
        chain = { "counter" }, confs = { { v = "old" } }, hashes = { "a" },
      })
      local old_view = ffi.new("struct view", { snapshot = world.view.snapshot })
      world:run("access")
      world:adopt({ chain = { "counter" }, confs = { { v = "same" } }, hashes = { "a" } })
      world:run("access")
      assert.matches("seen 2 old", world:log())
      world:adopt({ chain = { "counter" }, confs = { { v = "new" } }, hashes = { "b" } })
      world:run("access")
      assert.matches("seen 1 new", world:log())
      world.request.view = old_view
      world:run("access")
      assert.matches("seen 3 old", world:log())
      C.vm_retire(world.vm, old_view.snapshot)
    end)

    it("calls init_worker once, and configure each time, with nil for no confs", function()
      start({ counter = COUNTER }, { "counter" })
      world:adopt({ chain = {} })
      local log = world:log()
      assert.equal(1, select(2, log:gsub("init_worker\n", "")))
      assert.matches("configure 1\n.*configure nil\n", log)
    end)

    it("is in force although a plugin fails in init_worker or configure", function()
      start({
        broken = [[
          function P:init_worker() error("no") end
          function P:configure() error("nor this") end
          function P:access() kong.response.set_header("X-Ran", "1") end]],
      }, { "broken" })
      local log = world:log()
      assert.matches("%[broken%] init_worker: [^\n]*handler.lua:2: no\nstack traceback", log)
      assert.matches("%[broken%] configure: [^\n]*handler.lua:3: nor this\n", log)
      assert.equal("done", world:run("access"))
      assert.equal("1", world:header("X-Ran"))
    end)

    it("with a plugin that does not load changes nothing", function()
      start({
        fine = [[function P:access() kong.response.set_header("X-Fine", "1") end]],
      }, { "fine" })
      local why = world:adopt({ chain = { "missing" } })
      assert.matches("module 'kong.plugins.missing.handler' not found", why)
      world:run("access")
      assert.equal("1", world:header("X-Fine"))
    end)
  end)

  describe("a choice of verification", function()
    local CHOOSER = [[
      local abi = require("weir.abi")
      function P:rewrite() pcall(function() abi.C.weir_service_set_verify(0) end) end
      function P:access()
        if kong.request.get_header("X-Bad") then
          pcall(abi.C.weir_service_set_depth, 101)
        else
          assert(abi.C.weir_service_set_depth(3) == 0)
        end
      end]]

    it("begins with one that trusts nobody where the plan has no policy", function()
      start({ chooser = CHOOSER }, { "chooser" })
      assert.equal("done", world:run("access"))
      local choice = world.request.choice
      assert.is_true(choice.changed)
      assert.is_false(choice.failed)
      world.request.tls = true
      local out, why = ffi.new("struct policy *[1]"), ffi.new("char[256]")
      assert.is_true(C.choice_policy(world.request, out, why) == nil)
      local policy = ffi.gc(out[0], C.policy_unref)
      assert.equal(C.POLICY_VERIFY, tonumber(policy.desc.verify))
      assert.equal(3, policy.desc.depth)
      assert.equal(0, policy.desc.trust.count)
    end)

    it("fails the request when it cannot be made, although the plugin does not look", function()
      start({ chooser = CHOOSER }, { "chooser" })
      C.head_add(world.request.head, vm.str("X-Bad"), vm.str("1"))
      assert.equal("done", world:run("access"))
      assert.is_true(world.request.choice.failed)
    end)

    it("fails the request before the route is known", function()
      start({ chooser = CHOOSER }, { "chooser" })
      assert.equal("done", world:run("rewrite"))
      assert.is_true(world.request.choice.failed)
    end)
  end)

  it("collects garbage between turns", function()
    start({
      waster = [[function P:access() local t = {} for i = 1, 1000 do t[i] = { i } end end]],
    }, { "waster" })
    local most = 0
    for _ = 1, 2000 do
      world:run("access")
      most = math.max(most, tonumber(C.vm_collect(world.vm)))
    end
    assert.is_true(most < 32 * 1024 * 1024, ("%d bytes in use"):format(most))
  end)

  -- The FFI is eight times slower in interpreted code than in compiled code: the runner and what a
  -- plugin typically calls must end up in traces.
  it("has the runner and the PDK's accessors compiled", function()
    start({
      watch = [[
        local events, place, runs, reported_at = {}, nil, 0, {}
        jit.attach(function(what, _, func, pc)
          if what == "start" then
            place = require("jit.util").funcinfo(func, pc).loc or "?"
          elseif what ~= "flush" then
            local event = (what == "abort" and "abort " or "") .. place
            events[#events + 1] = { at = runs, event = event }
          end
        end, "trace")
        function P:access()
          runs = runs + 1
          if kong.request.get_header("X-Depth") == "9" then kong.response.set_header("X", "1") end
        end
        function P:log()
          local of_runs = {}
          reported_at[runs] = true
          for _, event in ipairs(events) do
            if not reported_at[event.at] then -- those are of a report like this one
              of_runs[#of_runs + 1] = event.event
            end
          end
          kong.log.notice("compiled: ", table.concat(of_runs, ", "))
        end]],
      other = [[function P:access() return kong.request.get_method() end]],
    }, { "watch", "other" })
    C.head_add(world.request.head, vm.str("X-Depth"), vm.str("3"))
    world.request.head.method = vm.str("GET")
    local function report(times)
      for _ = 1, times do
        assert(world:run("access") == "done")
      end
      world:run("log")
      return world:log():match(".*compiled: (.-), client")
    end
    -- What cannot be compiled is tried a few times, ever more seldom, and given up.
    local compiled = report(150000)
    assert.matches("worker%.lua", compiled)
    -- The traces hold: no guard of theirs fails again and again, and nothing is tried in vain.
    assert.equal(compiled, report(50000))
  end)

  it("lives on malloc's heap as well", function()
    local L = C.vm_new(vm.ROOT, "weir.worker", C.VM_HEAP_MALLOC)
    assert.is_true(L ~= nil)
    assert.is_true(tonumber(C.vm_collect(L)) > 0)
    C.vm_free(L)
  end)

  it("says what is wrong with a module that does not load", function()
    start({ one = "" }, { "one" })
    assert.is_true(C.vm_new(vm.ROOT, "weir.no_such_module", C.VM_HEAP_OWN) == nil)
    assert.matches("module 'weir.no_such_module' not found", world:log())
  end)
end)
