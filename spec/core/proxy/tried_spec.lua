-- What a request remembers of its tries.

local ffi = require("ffi")
local proxy = require("spec.support.proxy")

jit.off(true, true)

local GET, OK = proxy.GET, proxy.OK
local NS = 1000000000

describe("proxy/tried", function()
  local world

  after_each(function()
    world:free()
  end)

  -- What r.tried says, as tables.
  local function read(r)
    local seen = {}
    for i = 0, r.tried.count - 1 do
      local one = r.tried.list[i]
      seen[i + 1] = {
        failure = one.failure ~= nil and ffi.string(one.failure.code) or nil,
        began = tonumber(one.began), chosen_in = tonumber(one.chosen_in),
        judged = one.verdict ~= nil,
      }
    end
    return seen
  end

  -- The client of a world with these targets, and what the log phase will have seen.
  local function start(targets)
    local seen = {}
    world = proxy.new({
      log = function(r)
        seen.tries = read(r)
        return "done"
      end,
    })
    world:configure({ targets = targets(world), plan = { retries = 5 } })
    local client = world:client()
    client:send(GET)
    return client, seen
  end

  it("is all of them, in their order, with their failures", function()
    -- The loop reads its clock once for a turn, so it may be a little behind.
    local from = (os.time() - 1) * NS
    local client, seen = start(function()
      return { world.dead_port(), world.dead_port(), world.dead_port() }
    end)
    assert.equal(502, client:response().status)
    local to = (os.time() + 1) * NS
    assert.equal(6, #seen.tries)
    local before = from
    for _, one in ipairs(seen.tries) do
      assert.equal("refused", one.failure)
      assert.is_true(one.began >= before and one.chosen_in >= 0)
      assert.is_true(one.began + one.chosen_in <= to)
      assert.is_false(one.judged)
      before = one.began
    end
  end)

  it("has no failure of one that did not fail", function()
    local server
    local client, seen = start(function()
      server = world:listen()
      return { server.port }
    end)
    local peer = server:accept()
    peer:request()
    peer:send(OK)
    assert.equal(200, client:response().status)
    assert.equal(1, #seen.tries)
    assert.is_nil(seen.tries[1].failure)
  end)

  it("is nothing where no plugin can ask", function()
    world = proxy.new()
    local server = world:listen()
    world:configure({ targets = { server.port } })
    local client = world:client()
    client:send(GET)
    local peer = server:accept()
    peer:request()
    assert.equal(1, world:request().tries)
    assert.equal(0, world:request().tried.count)
    peer:send(OK)
    assert.equal(200, client:response().status)
  end)
end)
