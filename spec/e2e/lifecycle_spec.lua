-- The life of the processes: signals, draining, and the supervisor that keeps the port open.

local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local process = require("spec.support.process")
local socket = require("socket")
local upstreams = require("spec.fixtures.upstreams")

describe("the gateway", function()
  local peer, document

  setup(function()
    peer = upstreams.peer({ main = {} })
    document = config.build({ up = { port = peer.ports.main } })
  end)
  teardown(helpers.stop_all)

  local function start(options)
    options = options or {}
    options.config = document
    return helpers.gateway(options)
  end

  -- One that has ended may be there until its parent has looked.
  local function alive(pid)
    local state = process.read("/proc/" .. pid .. "/stat"):match("%) (%a)")
    return state ~= nil and state ~= "Z"
  end

  for name, signal in pairs({ SIGTERM = process.SIGTERM, SIGINT = process.SIGINT }) do
    it("stops at once on " .. name .. ", with all its processes", function()
      local gateway = start()
      local child = gateway:worker_pid()
      local before = peer:count("request")
      local running = gateway:get_start({ path = "/up/hang", host = "x" })
      peer:wait("request", before + 1)
      local status = gateway:stop(signal)
      assert.equal(0, status.code, gateway:logs())
      assert.is_false(alive(child))
      assert.not_equal(200, running.finish().status)
    end)
  end

  it("gives no socket the number of a standard stream that was closed when it started", function()
    local file = helpers.write(helpers.directory() .. "/weir.yml", '_format_version: "3.0"\n')
    local listen = "127.0.0.1:" .. client.free_port()
    local started = helpers.start({
      "sh", "-c", 'exec "$@" <&- >&-', "sh", helpers.binary(), "run", file,
      "--proxy-listen", listen, "--admin-listen", "off", "--workers", "1",
    })
    helpers.eventually(function()
      return started:errors():find("ready", 1, true)
    end, "the gateway to be ready", 30, function() return started:errors() end)
    for _, pid in ipairs({ started.pid, unpack(process.children(started.pid)) }) do
      for fd = 0, 1 do
        local target = helpers.run({ "readlink", ("/proc/%d/fd/%d"):format(pid, fd) }).stdout
        assert.equal("/dev/null\n", target)
      end
    end
  end)

  it("drains on SIGQUIT: requests in flight finish, new ones are not taken", function()
    local gateway = start()
    local idle = gateway:connect()
    idle:send("GET /up HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(200, idle:response().status)
    local before = peer:count("request")
    local running = gateway:get_start({ path = "/up/delay/800", host = "x" })
    peer:wait("request", before + 1)
    gateway.process:signal(process.SIGQUIT)
    assert.is_true(idle:closed())
    idle:close()
    assert.is_nil(socket.connect("127.0.0.1", gateway.port))
    assert.equal(200, running.finish().status)
    assert.equal(0, assert(gateway.process:wait()).code, gateway:logs())
  end)

  it("stops cleanly while a refused client has not closed its connection yet", function()
    local gateway = start()
    local raw = gateway:connect()
    raw:send("nonsense\r\n\r\n")
    assert.equal(400, raw:response().status)
    assert.equal(0, gateway:stop().code, gateway:logs())
    raw:close()
  end)

  it("drains cleanly at whatever moment it is asked to", function()
    for i = 0, 15 do
      local gateway = start()
      local before = peer:count("request")
      local path = "/up/delay/" .. 15 * (i % 4)
      local running = gateway:get_start({ path = path, host = "x" })
      peer:wait("request", before + 1)
      gateway.process:signal(process.SIGQUIT)
      assert.equal(200, running.finish().status)
      assert.equal(0, assert(gateway.process:wait()).code, gateway:logs())
    end
  end)

  it("stops cleanly right after a reload, which then has nobody to tell how it went", function()
    for _ = 1, 10 do
      local gateway = start({ workers = 2 })
      gateway.process:signal(process.SIGHUP)
      assert.equal(0, gateway:stop().code, gateway:logs())
      assert.matches("reloading the configuration", gateway:logs())
    end
  end)

  it("is started again when it dies, and the port never closes", function()
    local gateway = start()
    local child = gateway:worker_pid()
    assert.is_true(process.kill(child, process.SIGKILL))
    local response = gateway:get({ path = "/up", host = "x" })
    assert.equal(200, response.status)
    assert.is_nil(gateway.process:ended())
    assert.not_equal(child, gateway:worker_pid())
    gateway:stop()
  end)

  it("ends with its supervisor, also while it loads something that never ends", function()
    local gateway = start()
    local child = gateway:worker_pid()
    assert.is_true(os.remove(gateway.file))
    helpers.run({ "mkfifo", gateway.file })
    gateway.process:signal(process.SIGHUP)
    gateway:wait_line("reloading the configuration")
    gateway:stop(process.SIGKILL)
    helpers.eventually(function() return not alive(child) end, "the gateway to end")
  end)

  it("survives a reload that is asked for while it starts again", function()
    local gateway = start()
    process.kill(gateway:worker_pid(), process.SIGKILL)
    for _ = 1, 50 do
      gateway.process:signal(process.SIGHUP)
      process.sleep(2)
    end
    assert.equal(200, gateway:get({ path = "/up", host = "x" }).status)
    assert.equal(0, #gateway:lines("exited on signal 1%f[%D]"), gateway:logs())
    gateway:stop()
  end)

  it("takes a reload also after it was started again", function()
    local gateway = start()
    process.kill(gateway:worker_pid(), process.SIGKILL)
    assert.equal(200, gateway:get({ path = "/up", host = "x" }).status)
    assert.is_true(gateway:reload(config.build({ other = { port = peer.ports.main } })))
    assert.equal(404, gateway:get({ path = "/up", host = "x" }).status)
    assert.equal(200, gateway:get({ path = "/other", host = "x" }).status)
    gateway:stop()
  end)

  it("takes no port that is taken, and says which", function()
    local gateway = start()
    local file = gateway.file
    local result = helpers.run({
      helpers.binary(), "run", file, "--proxy-listen", "127.0.0.1:" .. gateway.port,
      "--admin-listen", "off",
    })
    assert.not_equal(0, result.code)
    assert.matches(tostring(gateway.port), result.stderr)
    assert.matches("[Aa]ddress already in use", result.stderr)
    gateway:stop()
  end)

  it("serves with several workers and several listeners", function()
    local second = client.free_port()
    local gateway = start({ workers = 3, args = { "--proxy-listen", "127.0.0.1:" .. second } })
    for _ = 1, 10 do
      assert.equal(200, gateway:get({ path = "/up", host = "x" }).status)
      local url = ("http://127.0.0.1:%d/up"):format(second)
      assert.equal(200, client.curl({ url = url, host = "x" }).status)
    end
    gateway:stop()
  end)

  it("writes the access log soon, and keeps the two logs apart", function()
    local gateway = start()
    local id = gateway:get({ path = "/up", host = "x" }).headers["x-kong-request-id"]
    assert.matches('"GET /up HTTP/1.1" 200', gateway:access_line(id))
    assert.equal(0, #gateway:lines(id))
    gateway:stop()
  end)

  it("counts what it does with TLS on its status page", function()
    local gateway = start()
    local tls = gateway:tls()
    for _, name in ipairs({ "handshakes_full", "handshakes_resumed", "handshakes_failed",
      "handshakes_waiting", "verdict_hits", "connections_opened", "connections_reused" }) do
      assert.is_number(tls[name], name)
    end
    local other = client.curl({ url = ("http://127.0.0.1:%d/no"):format(gateway.admin_port) })
    assert.equal(404, other.status)
    gateway:stop()
  end)
end)
