-- The command line as a user types it.

local client = require("spec.support.client")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local function weir(...)
  return helpers.run({ helpers.binary(), ... })
end

local EMPTY = '_format_version: "3.0"\n'

describe("weir", function()
  local file

  setup(function()
    file = helpers.write(helpers.directory() .. "/weir.yml", EMPTY)
  end)
  teardown(helpers.stop_all)

  it("version names itself and its libraries", function()
    local result = weir("version")
    assert.equal(0, result.code)
    for _, name in ipairs({ "weir", "LuaJIT", "OpenSSL", "libuv", "llhttp" }) do
      assert.matches(name, result.stdout)
    end
  end)

  it("--help explains each command", function()
    local result = weir("--help")
    assert.equal(0, result.code)
    for _, name in ipairs({ "run", "check", "echo", "version" }) do
      assert.matches(name, result.stdout)
      assert.equal(0, weir(name, "--help").code)
    end
  end)

  it("refuses what it does not know, with a hint", function()
    for _, argv in ipairs({ { "rum" }, { "run", file, "--wokers", "1" }, {} }) do
      local result = weir(unpack(argv))
      assert.is_true(result.code ~= 0)
      assert.is_true(#result.stderr > 0)
    end
  end)

  it("ends with status 74 when what it has to say cannot be written", function()
    for _, argv in ipairs({ { "check", file }, { "help", "settings" }, { "check", "--help" } }) do
      local command = table.concat({ helpers.binary(), unpack(argv) }, " ")
      local result = helpers.run({ "sh", "-c", command .. " >/dev/full" })
      assert.equal(74, result.code, command)
      assert.matches("cannot write to standard output", result.stderr, 1, true)
    end
  end)

  it("run refuses a listen flag that it does not have", function()
    local result = weir("run", file, "--proxy-listen", "127.0.0.1:0 http2")
    assert.not_equal(0, result.code)
    assert.matches("http2", result.stderr)
  end)

  it("run refuses settings that it does not know or cannot read", function()
    for setting, text in pairs({
      ["upstream_keepalive_pool_sise=1"] = "upstream_keepalive_pool_size",
      ["upstream_keepalive_pool_size=many"] = "upstream_keepalive_pool_size",
      ["log_level=loud"] = "log_level",
    }) do
      local result = weir("run", file, "--set", setting)
      assert.not_equal(0, result.code)
      assert.matches(text, result.stderr)
    end
  end)

  it("run refuses a file that is not valid, and says where", function()
    local bad = helpers.write(helpers.directory() .. "/bad.yml",
      EMPTY .. "services:\n- name: a\n  hots: b\n")
    local result = weir("run", bad, "--proxy-listen", "127.0.0.1:" .. client.free_port(),
      "--admin-listen", "off")
    assert.not_equal(0, result.code)
    assert.matches("bad%.yml:4:%d+: services%[0%]%.hots: unknown field", result.stderr)
  end)

  it("takes settings from file, environment and --set, the last wins", function()
    local ports = { client.free_port(), client.free_port(), client.free_port() }
    local conf = helpers.write(helpers.directory() .. "/weir.conf",
      ("# a comment\nproxy_listen = 127.0.0.1:%d\nadmin_listen = off\n"):format(ports[1]))
    local function listens_on(port, env, ...)
      local argv = { helpers.binary(), "run", file, "-c", conf, "--workers", "1", ... }
      argv.env = env
      local child = helpers.start(argv)
      upstreams.wait_port(port, child)
      assert.equal(404, client.curl({ url = ("http://127.0.0.1:%d/"):format(port) }).status)
      child:stop()
    end
    listens_on(ports[1])
    local env = { WEIR_PROXY_LISTEN = "127.0.0.1:" .. ports[2] }
    listens_on(ports[2], env)
    listens_on(ports[3], env, "--set", "proxy_listen=127.0.0.1:" .. ports[3])
  end)
end)

describe("weir echo", function()
  teardown(helpers.stop_all)

  local ENV = { NODE_NAME = "n", POD_NAME = "p", POD_NAMESPACE = "default", POD_IP = "10.1.2.3" }
  local TEXT = "Welcome, you are connected to node n.\nRunning on Pod p.\nIn namespace default.\n"
    .. "With IP address 10.1.2.3.\n"

  local function start(...)
    local port = client.free_port()
    local child = helpers.start({
      helpers.binary(), "echo", "--listen", "127.0.0.1:" .. port, env = ENV, ...,
    })
    upstreams.wait_port(port, child)
    return port
  end

  it("answers like go-echo over HTTP", function()
    local port = start()
    local response = client.curl({ url = ("http://127.0.0.1:%d/any?x"):format(port), body = "hi" })
    assert.equal(200, response.status)
    assert.equal(TEXT .. "hi\n", response.body)
  end)

  it("says so when the connection is HTTPS", function()
    local guide = pki.guide()
    local port = start("--tls-cert", guide.leaf.chain, "--tls-key", guide.leaf.key)
    local response = client.curl({
      url = ("https://kong.example:%d/"):format(port),
      args = { "--cacert", guide.root.cert, "--resolve",
        ("kong.example:%d:127.0.0.1"):format(port) },
    })
    assert.equal(200, response.status)
    assert.equal(TEXT .. "Through HTTPS connection.\n", response.body:sub(1, #TEXT + 26))
  end)

  it("is the upstream of the guide", function()
    local guide = pki.guide()
    local port = start("--tls-cert", guide.leaf.chain, "--tls-key", guide.leaf.key)
    local id = "bf6e0f14-78cd-45ad-9325-87ec7ef7b891"
    local gateway = helpers.gateway({ config = {
      _format_version = "3.0",
      services = { {
        name = "echo", url = ("https://127.0.0.1:%d"):format(port), tls_verify = true,
        ca_certificates = { id }, routes = { { paths = { "/echo" }, preserve_host = true } },
      } },
      ca_certificates = { { id = id, cert = pki.pem(guide.root) } },
    } })
    local response = gateway:get({ path = "/echo", host = "kong.example" })
    assert.equal(200, response.status)
    assert.matches("Through HTTPS connection%.", response.body)
  end)

  it("refuses one half of a key pair, and files that do not belong together", function()
    local guide = pki.guide()
    local function refused(...)
      local result = weir("echo", "--listen", "127.0.0.1:" .. client.free_port(), ...)
      assert.not_equal(0, result.code)
      assert.is_true(#result.stderr > 0)
    end
    refused("--tls-cert", guide.leaf.chain)
    refused("--tls-cert", guide.leaf.chain, "--tls-key", guide.root.key)
    refused("--tls-cert", "/no/such/file", "--tls-key", guide.leaf.key)
  end)
end)
