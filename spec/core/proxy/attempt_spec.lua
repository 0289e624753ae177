-- What is chosen for one try is gone with the next.

local ffi = require("ffi")
local proxy = require("spec.support.proxy")
local C, str = proxy.C, proxy.str

jit.off(true, true)

local GET, OK = proxy.GET, proxy.OK

describe("proxy/attempt", function()
  local world

  after_each(function()
    world:free()
  end)

  -- Two targets, the first of which nobody listens on; what each try looked like.
  local function run(choose)
    local seen = {}
    world = proxy.new({
      balancer = function(r)
        seen[#seen + 1] = {
          failure = r.failure ~= nil and ffi.string(r.failure.code) or nil,
          changed = r.choice.changed, depth = r.choice.depth, verify = tonumber(r.choice.verify),
          moved = r.target_host.p ~= nil, upstream = r.upstream, tls = r.tls,
          host = r.out_host.p ~= nil,
        }
        return choose(r, #seen) or "done"
      end,
    })
    local server = world:listen()
    world:configure({ targets = { world.dead_port(), server.port }, plan = { retries = 3 } })
    local client = world:client()
    client:send(GET)
    return seen, client, server
  end

  local function answer(client, server)
    local peer = server:accept()
    peer:request()
    peer:send(OK)
    return client:response()
  end

  it("begins each where the first did", function()
    local seen, client, server = run(function(r, index)
      if index == 1 then
        C.choice_take_depth(r.choice, 5)
        C.choice_take_verify(r.choice, C.POLICY_NO_VERIFY)
      end
    end)
    assert.equal(200, answer(client, server).status)
    local first = { changed = false, depth = 0, verify = 0, moved = false, upstream = 0,
      tls = false, host = false }
    assert.same(first, seen[1])
    if seen[2] then
      first.failure = "refused"
      assert.same(first, seen[2])
    end
  end)

  it("asks again where the target that was chosen fails, and forgets that target", function()
    local seen, client, server = run(function(r, index)
      if index == 1 then
        r.target_host, r.target_port, r.upstream = str("127.0.0.1"), world.dead_port(), -2
        r.out_host = str("meant.example")   -- what its certificate would have to name
      end
    end)
    assert.equal(200, answer(client, server).status)
    assert.is_true(#seen > 1)
    for i = 2, #seen do
      assert.same({ false, 0, "refused", false },
        { seen[i].moved, seen[i].upstream, seen[i].failure, seen[i].host })
    end
  end)

  it("asks once for a try, though its target was exchanged", function()
    local port
    local seen, client, server = run(function(r)
      r.target_host, r.target_port, r.upstream = str("127.0.0.1"), port, -2
    end)
    port = server.port
    assert.equal(200, answer(client, server).status)
    assert.equal(1, #seen)
  end)

  it("ends the request when a plugin fails", function()
    local seen, client = run(function() return "error" end)
    assert.equal(500, client:response().status)
    assert.equal(1, #seen)
  end)
end)
