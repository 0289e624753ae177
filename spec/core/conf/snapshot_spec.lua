local ffi = require("ffi")
local cimport = require("spec.support.cimport")
local http = require("spec.support.http")
local pki = require("spec.fixtures.pki")
local tls = require("spec.support.tls")
local C, str, text = cimport("conf/snapshot.h"), http.str, http.text

describe("conf/snapshot", function()
  local s

  before_each(function()
    s = C.snapshot_new()
  end)

  after_each(function()
    C.snapshot_unref(s)
  end)

  local function add_plan(fields)
    local plan = ffi.new("struct plan", { upstream = -1 })
    for name, value in pairs(fields or {}) do
      plan[name] = type(value) == "string" and str(value) or value
    end
    return C.snapshot_add_plan(s, plan)
  end

  local function seal()
    local why = ffi.new("char[256]")
    local err = C.snapshot_seal(s, why)
    return err == nil or ffi.string(why)
  end

  it("gives dense indices, over many elements", function()
    for i = 0, 99 do
      local name = "up" .. i
      assert.equal(i, C.snapshot_add_upstream(s, str(name), str(""), false))
      assert.equal(i, add_plan({ route_name = name }))
      for port = 1, i % 40 do
        C.snapshot_add_target(s, i, str("t" .. port), port, port)
      end
    end
    for i = 0, 99 do
      assert.equal("up" .. i, text(s.upstreams[i].name))
      assert.equal("up" .. i, text(s.plans[i].route_name))
      assert.equal(i, s.plans[i].index)
      assert.equal(i % 40, s.upstreams[i].target_count)
      assert.equal(i, C.snapshot_find_upstream(s, str("up" .. i)))
    end
    assert.is_true(seal())
  end)

  it("copies what it is given", function()
    local bytes = ffi.new("char[8]", "one.test")
    C.snapshot_add_upstream(s, ffi.new("struct str", bytes, 8), str(""), false)
    ffi.fill(bytes, 8, 120)
    assert.equal("one.test", text(s.upstreams[0].name))
  end)

  it("puts the pieces of what workers look entities up in behind each other", function()
    local pieces = { "", "a", ("b"):rep(100000), "" }
    for _, piece in ipairs(pieces) do
      C.snapshot_add_entities(s, str(piece))
    end
    assert.equal(table.concat(pieces), ffi.string(s.entities, s.entities_size))
  end)

  it("knows addresses from names", function()
    C.snapshot_add_upstream(s, str("up"), str(""), false)
    for i, host in ipairs({ "192.0.2.1", "::1", "name.test" }) do
      C.snapshot_add_target(s, 0, str(host), 443, 100)
      assert.equal(host ~= "name.test", s.upstreams[0].targets[i - 1].ip)
    end
    assert.equal(443, C.addr_port(s.upstreams[0].targets[0].addr))
  end)

  it("finds upstreams by name, but not implicit ones", function()
    C.snapshot_add_upstream(s, str("implicit"), str(""), true)
    C.snapshot_add_upstream(s, str("named"), str(""), false)
    assert.equal(-1, C.snapshot_find_upstream(s, str("implicit")))
    assert.equal(1, C.snapshot_find_upstream(s, str("named")))
    assert.equal(-1, C.snapshot_find_upstream(s, str("other")))
  end)

  it("matches the routes that it was given", function()
    add_plan()
    local paths = ffi.new("struct str[1]", { str("/a") })
    C.snapshot_add_route(s, ffi.new("struct route_desc", {
      plan = add_plan(), id = str("r"), paths = paths, path_count = 1,
    }))
    paths[0] = str("/changed")
    assert.is_true(seal())
    local head, match = ffi.new("struct head"), ffi.new("struct route_match")
    local query = ffi.new("struct route_query", {
      head = head, host = str("h"), path = str("/a/b"),
    })
    assert.is_true(C.router_match(s.router, query, match))
    assert.equal(1, match.plan)
    query.path = str("/changed")
    assert.is_false(C.router_match(s.router, query, match))
  end)

  describe("is not sealed", function()
    it("without the plan for requests without a route", function()
      assert.matches("needs the plan", seal())
    end)

    it("with a TLS plan that has neither policy nor error", function()
      C.snapshot_add_upstream(s, str("up"), str(""), false)
      add_plan()
      add_plan({ upstream = 0, tls = true })
      assert.matches("neither one policy nor one error", seal())
    end)

    it("with a TLS plan that has both", function()
      C.snapshot_add_upstream(s, str("up"), str(""), false)
      add_plan({ upstream = 0, tls = true, policy = tls.policy({}), error = "broken" })
      assert.is_string(seal())
    end)

    it("with a policy for plain HTTP", function()
      add_plan({ policy = tls.policy({}) })
      assert.is_string(seal())
    end)

    it("with a target that has neither policy nor error, or both", function()
      for _, fields in ipairs({ {}, { policy = tls.policy({}), error = str("broken") } }) do
        s = C.snapshot_new()
        C.snapshot_add_upstream(s, str("up"), str(""), false)
        local targets = ffi.new("struct target_policy[1]", { fields })
        targets[0].host = str("t.test")
        add_plan({
          upstream = 0, tls = true, policy = tls.policy({}), targets = targets, target_count = 1,
        })
        assert.matches("neither one policy nor one error", seal())
      end
    end)

    it("with a target's policy for plain HTTP", function()
      local targets = ffi.new("struct target_policy[1]")
      targets[0].host, targets[0].policy = str("t.test"), tls.policy({})
      add_plan({ targets = targets, target_count = 1 })
      assert.is_string(seal())
    end)

    it("with a plan whose upstream there is not", function()
      add_plan({ upstream = 0 })
      assert.is_string(seal())
    end)

    it("with a route that does not compile", function()
      add_plan()
      local paths = ffi.new("struct str[1]", { str("~/(") })
      C.snapshot_add_route(s, ffi.new("struct route_desc", {
        id = str("bad-route"), paths = paths, path_count = 1,
      }))
      assert.matches("bad%-route", seal())
    end)
  end)

  it("is sealed with a TLS plan that has a policy, or an error", function()
    C.snapshot_add_upstream(s, str("up"), str(""), false)
    add_plan({ upstream = 0, tls = true, policy = tls.policy({}) })
    add_plan({ upstream = 0, tls = true, error = "broken" })
    assert.is_true(seal())
  end)

  it("puts what differs for targets on their indices", function()
    C.snapshot_add_upstream(s, str("up"), str(""), false)
    for port = 1, 3 do
      C.snapshot_add_target(s, 0, str("T.test"), port, 100)
    end
    local targets = ffi.new("struct target_policy[2]")
    for i, port in ipairs({ 3, 20 }) do
      targets[i - 1].host, targets[i - 1].port = str("t.test"), port
      targets[i - 1].policy = tls.policy({ depth = port })
    end
    add_plan({
      upstream = 0, tls = true, policy = tls.policy({}), targets = targets, target_count = 2,
    })
    add_plan({ upstream = 0, tls = true, policy = tls.policy({}) })
    assert.is_true(seal())
    local of = s.plans[0].of_target
    assert.is_true(of[0] == nil and of[1] == nil)
    assert.equal(3, of[2].policy.desc.depth)
    assert.is_true(s.plans[1].of_target == nil)
  end)

  it("holds its policies and certificates as long as it lives", function()
    local policy = tls.policy({ depth = 9 })
    add_plan({ tls = true, policy = policy })
    local own = tls.policy({ depth = 10 })
    local targets = ffi.new("struct target_policy[1]")
    targets[0].host, targets[0].policy = str("t.test"), own
    add_plan({ tls = true, policy = policy, targets = targets, target_count = 1 })
    local credential = tls.identity(pki.get("leaf"))
    C.snapshot_add_certificate(s, str("*"), credential)
    assert.equal(3, policy.refs)
    local other = C.snapshot_ref(s)
    C.snapshot_unref(other)
    assert.equal(3, policy.refs)
    C.snapshot_unref(s)
    assert.same({ 1, 1 }, { policy.refs, own.refs })
    s = C.snapshot_new()
    C.snapshot_unref(nil)
  end)
end)
