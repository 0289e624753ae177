-- Requests that take turns on a worker's VM: whatever they wait for, however they end, each finds
-- what is its own, and nothing else. The order is drawn from a seed, which a failure names.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local SEED = tonumber(os.getenv("WEIR_SPEC_SEED")) or 20261123
local ROUNDS, AT_ONCE, CONSUMERS = 25, 24, 7

local STEPS = { "wait", "turn", "thread" }
local ENDS = { "", "", "", "fail", "exit", "abort" }

-- A generator of its own, so that nobody else's draws change the order.
local function generator(seed)
  local state = seed
  return function(n)
    state = (state * 16807) % 2147483647
    return state % n + 1
  end
end

local function draw(random, id)
  local steps = {}
  for i = 1, random(4) - 1 do
    steps[i] = STEPS[random(#STEPS)]
  end
  local ending = ENDS[random(#ENDS)]
  steps[#steps + 1] = ending ~= "abort" and ending or nil
  return { id = id, ending = ending, steps = table.concat(steps, ","),
    own = "consumer-" .. random(CONSUMERS) }
end

local function text_of(request)
  return table.concat({
    "GET /up HTTP/1.1", "Host: x.example", "X-Id: " .. request.id, "X-Own: " .. request.own,
    "apikey: key-of-" .. request.own, "X-Steps: " .. request.steps, "", "",
  }, "\r\n")
end

describe("requests that take turns", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    local consumers = {}
    for i = 1, CONSUMERS do
      local name = "consumer-" .. i
      consumers[i] = { username = name, keyauth_credentials = { { key = "key-of-" .. name } } }
    end
    gateway = helpers.gateway({
      config = config.build({ up = { port = peer.ports.main } }, {
        consumers = consumers, plugins = { { name = "key-auth" }, { name = "tenant" } },
      }),
      settings = { plugins = "bundled,tenant", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  local EXPECTED = { [""] = 200, fail = 500, exit = 418 }

  local function check(request, response)
    assert.equal(EXPECTED[request.ending], response.status, request.steps)
    assert.equal(request.id, response.headers["x-id"])
    if request.ending == "" then
      local seen = cjson.decode(response.body).headers
      assert.same({ request.id, request.id, request.own },
        { seen["x-id"], seen["x-seen"], seen["x-consumer-username"] })
    end
  end

  -- Sends one request on each connection before any answer is read. Those that are given up leave
  -- while they run, and another connection takes their place.
  local function play_round(random, connections, round)
    local requests = {}
    for i = 1, AT_ONCE do
      requests[i] = draw(random, ("r%d-%d"):format(round, i))
      connections[i] = connections[i] or gateway:connect()
      assert.is_true(connections[i]:send(text_of(requests[i])))
    end
    for i, request in ipairs(requests) do
      if request.ending == "abort" then
        connections[i]:close()
        connections[i] = nil
      end
    end
    for i, request in ipairs(requests) do
      if request.ending ~= "abort" then
        check(request, assert(connections[i]:response("GET")))
      end
    end
    return requests
  end

  it("find what is their own, seed " .. SEED, function()
    local random, connections, pid = generator(SEED), {}, gateway:worker_pid()
    local ids = {}
    for round = 1, ROUNDS do
      for _, request in ipairs(play_round(random, connections, round)) do
        ids[#ids + 1] = request
      end
    end
    for _, request in ipairs(ids) do
      if request.ending ~= "abort" then
        gateway:wait_line("over: " .. request.id:gsub("%-", "%%-") .. "%f[^%w%-]")
      end
    end
    assert.same({}, gateway:lines("LEAK"))
    assert.equal(pid, gateway:worker_pid())
    for _, connection in pairs(connections) do
      connection:close()
    end
  end)
end)
