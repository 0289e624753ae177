-- Plugins in the TLS handshake of clients.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

describe("the certificate phase", function()
  local gateway

  setup(function()
    local peer = upstreams.peer({ main = {} })
    local shown = config.certificate(21, "leaf")
    shown.snis = { { name = "*" } }
    local conf = {
      asked = "asked.example", fresh = "fresh.example", refused = "refused.example",
      misused = "misused.example", waiting = "waiting.example", hinted = "hinted.example",
      cas = pki.pem(pki.get("root")) .. pki.pem(pki.get("other_root")),
    }
    gateway = helpers.gateway({
      tls = true,
      config = config.build({
        up = { port = peer.ports.main,
          plugins = { { name = "greeter", config = { refused = "scoped.example" } } } },
      }, { certificates = { shown }, plugins = { { name = "greeter", config = conf } } }),
      settings = { plugins = "bundled,greeter", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  local function get(name, ...)
    return client.curl({
      url = ("https://%s:%d/up"):format(name, gateway.tls_port),
      args = { "-k", "--resolve", ("%s:%d:127.0.0.1"):format(name, gateway.tls_port), ... },
    })
  end

  local function chain_of(response)
    return cjson.decode(response.body).headers["x-client-chain"]
  end

  it("knows the name and the address before there is a request", function()
    assert.equal(200, get("plain.example").status)
    gateway:wait_line("%[greeter%] greeting plain.example from 127.0.0.1")
  end)

  it("asks a client for its certificates, which plugins see then", function()
    local own = pki.get("client")
    local identity = { "--cert", own.chain, "--key", own.key }
    assert.equal("2", chain_of(get("asked.example", unpack(identity))))
    assert.equal("0", chain_of(get("asked.example")))
    assert.equal("0", chain_of(get("plain.example", unpack(identity))))
  end)

  it("says by which CAs a client's certificate may be, where a plugin does", function()
    local function asked_for(name, version)
      return helpers.run({ "openssl", "s_client", version, "-connect",
        "127.0.0.1:" .. gateway.tls_port, "-servername", name }).stdout
    end
    for _, version in ipairs({ "-tls1_2", "-tls1_3" }) do
      local names = asked_for("hinted.example", version):match("certificate CA names\n(.-)\nReq")
      assert.matches("CN ?= ?weir test root", names)
      assert.matches("CN ?= ?weir other root", names)
      assert.matches("No client certificate CA names sent", asked_for("asked.example", version))
    end
  end)

  it("refuses a client when a plugin fails, and says which", function()
    for name, why in pairs({
      ["refused.example"] = "nobody by that name",
      ["misused.example"] = "function cannot be called in certificate phase",
      ["waiting.example"] = "API disabled in the context of ssl_certificate_by_lua%*",
    }) do
      assert.not_equal(0, get(name).exit)
      gateway:wait_line("%[greeter%] certificate: .*" .. why)
    end
    assert.equal(200, get("plain.example").status)
  end)

  it("is run for global configurations only", function()
    assert.equal(200, get("scoped.example").status)
  end)

  it("keeps sessions from being made and used", function()
    local file = helpers.directory() .. "/session"
    local function connect(name, flag)
      return helpers.run({ "openssl", "s_client", "-tls1_2", "-connect",
        "127.0.0.1:" .. gateway.tls_port, "-servername", name, flag, file }).stdout
    end
    assert.matches("Session%-ID: \n", connect("fresh.example", "-sess_out"))
    connect("plain.example", "-sess_out")
    assert.matches("Reused, TLSv1%.2", connect("plain.example", "-sess_in"))
    assert.matches("New, TLSv1%.2", connect("fresh.example", "-sess_in"))
  end)
end)
