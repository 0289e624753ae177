-- The system calls of one proxied keep-alive request, counted with strace.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local process = require("spec.support.process")
local upstreams = require("spec.fixtures.upstreams")

local function can_trace()
  local probe = helpers.run({ "strace", "-f", "-o", "/dev/null", "true" })
  return probe.code == 0
end

local READS = { read = true, recvfrom = true, readv = true, recvmsg = true }
local WRITES = { write = true, sendto = true, writev = true, sendmsg = true }
local WAITS = { epoll_wait = true, epoll_pwait = true }

-- The proxy's share of the calls: those on sockets, not the log's nor the clock's.
local function count(file)
  local total = { reads = 0, writes = 0, waits = 0, other = {} }
  for line in process.read(file):gmatch("[^\n]+") do
    local name, fd = line:match("^%d+%s+([%w_]+)%((%d*)")
    if name and READS[name] then
      total.reads = total.reads + 1
    elseif name and WRITES[name] and tonumber(fd) > 2 then
      total.writes = total.writes + 1
    elseif name and WAITS[name] then
      total.waits = total.waits + 1
    elseif name then
      total.other[name] = (total.other[name] or 0) + 1
    end
  end
  return total
end

describe("one proxied request", function()
  local nginx, gateway
  local REQUESTS = 400

  setup(function()
    nginx = upstreams.nginx({ tls = "leaf", extra = "keepalive_requests 1000000;" })
    gateway = helpers.gateway({
      settings = { proxy_access_log = "off" },
      config = config.build({
        up = { protocol = "https", port = nginx.port, service = {
          tls_verify = true, ca_certificates = { config.id(1) },
        } },
      }, { ca_certificates = { config.ca(1, "root") } }),
    })
  end)
  teardown(helpers.stop_all)

  local function load(connections, requests)
    local result = helpers.run({
      "h2load", "--h1", "--clients", tostring(connections), "--requests", tostring(requests),
      "--header", ":authority: kong.example", gateway:url("/up"),
    })
    assert.equal(0, result.code, result.stderr)
    assert.matches(requests .. " succeeded", result.stdout)
  end

  local function traced(connections)
    load(connections, REQUESTS)
    local file = helpers.directory() .. "/trace"
    local tracer = helpers.start({
      "strace", "-f", "-o", file, "-p", tostring(gateway:worker_pid()),
      "-e", "trace=read,recvfrom,readv,recvmsg,write,sendto,writev,sendmsg,epoll_wait,"
        .. "epoll_pwait,epoll_ctl",
    })
    helpers.eventually(function()
      assert(not tracer:ended(), tracer:errors())
      return tracer:errors():find("attached", 1, true)
    end, "strace to attach")
    load(connections, REQUESTS)
    tracer:stop(process.SIGINT)
    return count(file)
  end

  -- Two a request, and a few for opening and closing the client connections.
  local function budget(connections)
    return 2 * REQUESTS + 4 * connections + 8
  end

  local TICKS = 60 -- waits that the clock ends, while strace starts and stops

  for _, connections in ipairs({ 1, 32 }) do
    it(("on %d connection(s) takes two reads, two writes and at most two waits"):format(
      connections), function()
      if not can_trace() then
        pending("ptrace is not permitted here")
        return
      end
      local total = traced(connections)
      local text = ("%d reads, %d writes, %d waits for %d requests"):format(
        total.reads, total.writes, total.waits, REQUESTS)
      assert.is_true(total.reads <= budget(connections), text)
      assert.is_true(total.writes <= budget(connections), text)
      assert.is_true(total.waits > 0 and total.waits <= budget(connections) + TICKS, text)
      assert.is_true((total.other.epoll_ctl or 0) <= 8 * connections + 8,
        ("%d epoll_ctl"):format(total.other.epoll_ctl or 0))
      if connections > 1 then
        assert.is_true(total.waits < 1.9 * REQUESTS, text)
      end
    end)
  end
end)
