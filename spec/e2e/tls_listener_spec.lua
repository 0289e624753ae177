-- HTTPS from the client: certificates by server name, versions, and what plugins and upstreams see.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

describe("a TLS listener", function()
  local peer, gateway
  local root = pki.get("root").cert

  local function certificate(number, san)
    local identity = pki.issue("listener" .. number, {
      subject = "/CN=listener " .. number, san = san, issuer = pki.get("inter"),
    })
    return config.certificate(number, identity)
  end

  setup(function()
    peer = upstreams.peer({ main = {} })
    local certificates = {
      certificate(21, "DNS:one.example"),
      certificate(22, "DNS:*.two.example"),
      certificate(23, "DNS:default.example"),
    }
    certificates[1].snis = { { name = "one.example" } }
    certificates[2].snis = { { name = "*.two.example" } }
    certificates[3].snis = { { name = "*" } }
    gateway = helpers.gateway({
      tls = true,
      config = config.build({
        up = { port = peer.ports.main },
        secure = { port = peer.ports.main, route = { protocols = { "https" } } },
      }, { certificates = certificates }),
    })
  end)
  teardown(helpers.stop_all)

  local function get(name, path, ...)
    return client.curl({
      url = ("https://%s:%d%s"):format(name, gateway.tls_port, path),
      args = { "--cacert", root, "--resolve",
        ("%s:%d:127.0.0.1"):format(name, gateway.tls_port), ... },
    })
  end

  local function subject(name, ...)
    local argv = { "openssl", "s_client", "-connect", "127.0.0.1:" .. gateway.tls_port, ... }
    if name then
      argv[#argv + 1] = "-servername"
      argv[#argv + 1] = name
    else
      argv[#argv + 1] = "-noservername"
    end
    return helpers.run(argv).stdout:match("subject=CN ?= ?([^\n]+)")
  end

  it("serves the certificate of the name, with its chain", function()
    local response = get("one.example", "/up")
    assert.equal(200, response.status)
    local seen = cjson.decode(response.body)
    assert.equal("https", seen.headers["x-forwarded-proto"])
    assert.equal(tostring(gateway.tls_port), seen.headers["x-forwarded-port"])
    assert.equal(200, get("a.two.example", "/up").status)
  end)

  it("finds certificates: exact, by wildcard, by default", function()
    assert.equal("listener 21", subject("one.example"))
    assert.equal("listener 21", subject("ONE.example"))
    assert.equal("listener 22", subject("b.two.example"))
    assert.equal("listener 23", subject("unknown.example"))
    assert.equal("listener 23", subject(nil))
  end)

  it("speaks TLS 1.2 and 1.3, and nothing older", function()
    assert.equal(200, get("one.example", "/up", "--tls-max", "1.2").status)
    assert.equal(200, get("one.example", "/up", "--tlsv1.3").status)
    assert.not_equal(0, get("one.example", "/up", "--tls-max", "1.1").exit)
  end)

  it("serves https routes", function()
    assert.equal(200, get("one.example", "/secure").status)
    assert.equal(426, gateway:get({ path = "/secure", host = "x" }).status)
  end)

  it("keeps connections, and carries large bodies both ways", function()
    local response = client.curl({
      url = {
        ("https://one.example:%d/up"):format(gateway.tls_port),
        ("https://one.example:%d/up"):format(gateway.tls_port),
      },
      args = { "--cacert", root, "--resolve",
        ("one.example:%d:127.0.0.1"):format(gateway.tls_port) },
    })
    assert.equal(1, response.connects)
    assert.equal(5000000, #get("one.example", "/up/bytes/5000000").body)
    local body = helpers.write(helpers.directory() .. "/body", ("x"):rep(5000000))
    local up = get("one.example", "/up", "--data-binary", "@" .. body)
    assert.equal(5000000, cjson.decode(up.body).body.size)
  end)

  it("answers plain HTTP with 400", function()
    local response = client.exchange(gateway.tls_port, "GET /up HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.is_true(response == nil or response.status == 400)
  end)

  it("resumes sessions of its clients", function()
    local file = helpers.directory() .. "/session"
    local function connect(flag)
      return helpers.run({ "openssl", "s_client", "-tls1_2", "-connect",
        "127.0.0.1:" .. gateway.tls_port, "-servername", "one.example", flag, file }).stdout
    end
    assert.matches("New, TLSv1%.2", connect("-sess_out"))
    assert.matches("Reused, TLSv1%.2", connect("-sess_in"))
  end)
end)
