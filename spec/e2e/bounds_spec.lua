-- What plugins do to the gateway, and that it goes on: the process is the same, others' requests
-- are answered, the log says which plugin it was, where and how, and no client takes a part of an
-- answer for the whole.

local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local FOLDER = "spec/fixtures/plugins"

-- Larger than what a worker has of its own, small enough to be filled in no time.
local MEMORY = "64m"

-- What the log says of a deed.
local SAID = {
  loop = "the time limit is over: Lua ran for 0%.1 s without a pause %(lua_time_limit%)",
  memory = "not enough memory: the Lua state has %d+ bytes in use; lua_memory_limit is 67108864",
  recursion = "stack overflow",
  callbacks = "stack overflow",
  ["nil"] = "error object of type nil",
  table = "error object of type table",
  cdata = "error object of type cdata",
  text = "error object of type table",
  slow_text = "error object of type table",
  huge_text = "x+%.%.%. %(10000000 bytes%)",
}

-- What ends by the clock, and what must not.
local TIMED = { loop = true, slow_text = true }

-- When: the phase that the log names, and what the client gets.
local TIMES = {
  rewrite = { "rewrite", "error" },
  access = { "access", "error" },
  thread = { "thread", "whole" },
  resumed = { "access", "error" },
  balancer = { "balancer", "error" },
  response = { "response", "error", "hostile-whole", "/held" },
  header_filter = { "header_filter", "error" },
  body_filter = { "body_filter", "error or cut" },
  body_end = { "body_filter", "error or cut" },
  log = { "log", "whole" },
  timer = { "timer", "whole" },
}

local SIZE = 300000

local function is_error(response)
  return response.status == 500
    and response.body:find('^{%s*"message":"An unexpected error occurred"') ~= nil
end

local OUTCOMES = {
  ["error"] = is_error,
  whole = function(response)
    return response.status == 200 and response.exit == 0 and #response.body == SIZE
  end,
  ["error or cut"] = function(response)
    return response.exit ~= 0 or is_error(response)
  end,
}

local function sorted(set)
  local keys = {}
  for key in pairs(set) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

describe("a hostile plugin", function()
  local peer
  local gateways = {}

  -- One with a short time limit, and one without any, where nothing else can end by the clock.
  local function start(timed)
    local certificate = config.certificate(21, "leaf")
    certificate.snis = { { name = "*" } }
    return helpers.gateway({
      tls = true,
      config = config.build({
        up = { port = peer.ports.main },
        held = { port = peer.ports.main, plugins = { { name = "hostile-whole" } } },
        tls = { protocol = "https", port = peer.ports.tls, service = { tls_verify = false } },
      }, { certificates = { certificate }, plugins = { { name = "hostile" } } }),
      settings = {
        plugins = "bundled,hostile,hostile-whole", plugin_path = FOLDER,
        lua_time_limit = timed and "0.1" or 0, lua_memory_limit = MEMORY,
      },
    })
  end

  setup(function()
    peer = upstreams.peer({ main = {}, tls = { tls = "leaf", close = true, tickets = 0 } })
    for _, timed in ipairs({ true, false }) do
      gateways[timed] = start(timed)
      gateways[timed].pid = gateways[timed]:worker_pid()
    end
  end)
  teardown(helpers.stop_all)

  local function assert_well(gateway)
    local response = gateway:get({ path = "/up/bytes/" .. SIZE, host = "x.example" })
    assert.same({ 200, 0, SIZE }, { response.status, response.exit, #response.body })
    assert.equal(gateway.pid, gateway:worker_pid())
  end

  -- The line that names plugin, phase and what it was, and the traceback beneath it: LuaJIT has
  -- none to give where compiled code runs out of stack.
  local function assert_logged(gateway, from, plugin, phase, deed)
    gateway:wait_line(("%%[error%%] .*%%[%s%%] %s: .*%s"):format((plugin:gsub("%-", "%%-")), phase,
      SAID[deed]), from)
    if deed ~= "recursion" then
      assert.matches("stack traceback:.*deeds%.lua:%d+: in function", gateway:logs():sub(from))
    end
  end

  for _, time in ipairs(sorted(TIMES)) do
    for _, deed in ipairs(sorted(SAID)) do
      it(("is kept within bounds: %s, %s"):format(time, deed), function()
        local phase, outcome, plugin, path = unpack(TIMES[time])
        local gateway = gateways[TIMED[deed] or false]
        local from = #gateway:logs() + 1
        local response = gateway:get({
          path = (path or "/up") .. "/bytes/" .. SIZE, host = "x.example",
          headers = { ["X-Deed"] = time .. " " .. deed },
        })
        assert.is_true(OUTCOMES[outcome](response),
          ("%s, exit %d: %s"):format(response.status, response.exit, response.body:sub(1, 200)))
        assert_logged(gateway, from, plugin or "hostile", phase, deed)
        assert_well(gateway)
      end)
    end
  end

  for _, deed in ipairs(sorted(SAID)) do
    it("is kept within bounds: certificate, " .. deed, function()
      local gateway = gateways[TIMED[deed] or false]
      local from = #gateway:logs() + 1
      local name = deed .. ".hostile.example"
      local response = client.curl({
        url = ("https://%s:%d/up"):format(name, gateway.tls_port),
        args = { "-k", "--resolve", ("%s:%d:127.0.0.1"):format(name, gateway.tls_port) },
      })
      assert.is_nil(response.status)
      assert_logged(gateway, from, "hostile", "certificate", deed)
      assert_well(gateway)
    end)

    it("is kept within bounds: upstream_verify, " .. deed, function()
      local gateway = gateways[TIMED[deed] or false]
      local from = #gateway:logs() + 1
      local response = gateway:get({ path = "/tls", host = deed .. ".hostile.example" })
      assert.equal(502, response.status)
      assert_logged(gateway, from, "hostile", "upstream_verify", deed)
      gateway:wait_line("refused by plugin 'hostile': it failed", from)
      assert_well(gateway)
    end)
  end
end)
