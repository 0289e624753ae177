-- The policy of a try: what the configuration says about its target, and plugins over that.

local ffi = require("ffi")
local pki = require("spec.fixtures.pki")
local proxy = require("spec.support.proxy")
local tls = require("spec.support.tls")
local C, str = proxy.C, proxy.str

jit.off(true, true)

describe("proxy/choice", function()
  local root = tls.trust(pki.pem(pki.get("root")))
  local other = tls.trust(pki.pem(pki.get("other_root")))
  local OWN = tls.policy({ trust = root, depth = 7 })
  local FIRST = tls.policy({ trust = other, depth = 1 })
  local ANY_PORT = tls.policy({ trust = other, depth = 2 })
  local snapshot, view, request

  local function target(host, port, policy, problem)
    return { host = str(host), port = port, policy = policy, error = str(problem or "") }
  end

  -- A plan with two upstreams, the first of them its own.
  before_each(function()
    local why = ffi.new("char[256]")
    snapshot = C.snapshot_new()
    snapshot.settings.session_reuse = true
    for _, name in ipairs({ "own", "foreign" }) do
      local index = C.snapshot_add_upstream(snapshot, str(name), str(""), false)
      for port = 1, 3 do
        C.snapshot_add_target(snapshot, index, str(name .. ".test"), port, 100)
      end
    end
    local targets = ffi.new("struct target_policy[3]", {
      target("own.test", 1, FIRST), target("foreign.test", 0, ANY_PORT),
      target("own.test", 3, nil, "no such CA"),
    })
    C.snapshot_add_plan(snapshot, ffi.new("struct plan", {
      upstream = 0, tls = true, policy = OWN, targets = targets, target_count = 3,
    }))
    assert(C.snapshot_seal(snapshot, why) == nil, ffi.string(why))
    view = ffi.new("struct view", { snapshot = snapshot })
    request = ffi.new("struct request", {
      view = view, plan = snapshot.plans[0], upstream = 0, target = -1, tls = true,
    })
  end)
  after_each(function()
    C.choice_done(request.choice)
    C.snapshot_unref(snapshot)
  end)

  -- The next try goes to a target of an upstream, or to a host that is none's (upstream -2).
  local function pick(upstream, index, host, port)
    request.upstream, request.target = upstream, index
    local t = upstream >= 0 and snapshot.upstreams[upstream].targets[index]
    request.pick_host, request.pick_port = t and t.host or str(host), t and t.port or port
  end

  local function policy()
    local out, why = ffi.new("struct policy *[1]"), ffi.new("char[256]")
    if C.choice_policy(request, out, why) ~= nil then
      assert.is_true(out[0] == nil)
      return nil, ffi.string(why)
    end
    return out[0] ~= nil and ffi.gc(out[0], C.policy_unref) or "none"
  end

  it("is the target's, where the configuration says something about it, else the plan's", function()
    pick(0, 0)
    assert.is_true(policy() == FIRST)
    pick(0, 1)
    assert.is_true(policy() == OWN)
  end)

  it("is nobody's where the target's cannot be made", function()
    pick(0, 2)
    local made, why = policy()
    assert.is_nil(made)
    assert.equal("target own.test:3: no such CA", why)
    C.choice_take_depth(request.choice, 3)
    assert.is_nil(policy())
  end)

  it("is found by name where a plugin sent the request elsewhere", function()
    pick(1, 0)
    assert.is_true(policy() == ANY_PORT)
    pick(-2, -1, "OWN.test.", 1)
    assert.is_true(policy() == FIRST)
    pick(-2, -1, "own.test", 9)
    assert.is_true(policy() == OWN)
    pick(-2, -1, "own.test", 3)
    assert.is_nil(policy())
  end)

  it("has a plugin's fields over whatever the target's are", function()
    C.choice_take_depth(request.choice, 5)
    for index, trust in pairs({ [0] = other, [1] = root }) do
      pick(0, index)
      local made = policy()
      assert.equal(5, made.desc.depth)
      assert.is_true(made.desc.trust == trust)
    end
    C.choice_take_trust(request.choice, root)
    C.choice_take_verify(request.choice, C.POLICY_NO_VERIFY)
    pick(0, 0)
    local made = policy()
    assert.is_true(made.desc.trust == root)
    assert.equal(C.POLICY_NO_VERIFY, tonumber(made.desc.verify))
  end)

  it("is a plugin's whole policy for every target, and forgets what was chosen before", function()
    C.choice_take_depth(request.choice, 5)
    C.choice_take_policy(request.choice, ANY_PORT)
    for index = 0, 2 do
      pick(0, index)
      assert.is_true(policy() == ANY_PORT)
    end
    C.choice_take_depth(request.choice, 6)
    assert.equal(6, policy().desc.depth)
  end)

  it("keeps sessions as the settings say, whatever a plugin's policy does", function()
    snapshot.settings.session_reuse = false
    pick(0, 1)
    C.choice_take_policy(request.choice, ANY_PORT)
    assert.is_false(policy().desc.resume)
  end)

  it("trusts nobody where there is nothing to begin with", function()
    local bare = ffi.new("struct plan", { upstream = 0 })
    request.plan = bare
    pick(0, 0)
    assert.same({ nil, "the service has no TLS policy" }, { policy() })
    request.choice.changed = true
    local made = policy()
    assert.equal(C.POLICY_VERIFY, tonumber(made.desc.verify))
    assert.equal(0, made.desc.trust.count)
    request.tls = false
    assert.equal("none", policy())
  end)

  it("fails with a choice that failed", function()
    request.choice.failed = true
    pick(0, 1)
    assert.is_nil(policy())
    C.choice_done(request.choice)
    assert.is_true(request.choice.failed)
    request.tls = false
    assert.is_nil(policy())
  end)

  it("holds what was chosen until it is done", function()
    local depth = tls.policy({ depth = 40 })
    local trust = tls.trust(pki.pem(pki.get("inter")))
    local credential = tls.identity(pki.get("client"))
    local function refs()
      return { depth.refs, trust.refs, credential.refs }
    end
    local before = refs()
    for _ = 1, 3 do
      C.choice_take_policy(request.choice, depth)
      C.choice_take_trust(request.choice, trust)
      C.choice_take_credential(request.choice, credential)
    end
    assert.same({ before[1] + 1, before[2] + 1, before[3] + 1 }, refs())
    C.choice_done(request.choice)
    assert.same(before, refs())
    assert.is_false(request.choice.changed)
  end)
end)
