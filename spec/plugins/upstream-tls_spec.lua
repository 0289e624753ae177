-- upstream-tls: what follows from which fields, and that nothing falls back to anything.

local fake = require("spec.support.fake_abi").install()
local Fold = require("weir.compile.fold")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.upstream-tls.handler")
local schema = require("kong.plugins.upstream-tls.schema")

local CONFIG = {
  by_id = {
    ca_certificates = {
      one = { cert = "CA one" }, two = { cert = "CA two" }, broken = { cert = "bad" },
    },
    certificates = {
      mine = { cert = "C", key = "K" }, other = { cert = "C2", key = "K2" },
      broken = { cert = "C", key = "bad" },
    },
  },
}

-- The policy for a service with these fields, under a configuration of the plugin.
local function policy(service, conf, upstream)
  service.protocol = service.protocol or "https"
  local links = { { plugin = { name = "upstream-tls", handler = handler },
    entity = conf and { config = conf } } }
  local made, err = Fold.new(CONFIG):run({ service = service, upstream = upstream }, links)
  return fake.content_of(made), err
end

describe("upstream-tls", function()
  before_each(fake.install)

  it("decides before all others, and costs requests nothing", function()
    assert.is_true(handler.PRIORITY > 1000000)
    for _, phase in ipairs({ "rewrite", "access", "header_filter", "body_filter", "log" }) do
      assert.is_nil(handler[phase])
    end
  end)

  describe("from the service", function()
    it("does not verify what nobody asks to verify", function()
      assert.same({ verify = 2, depth = 100, trust = {} }, (policy({})))
      assert.same({ verify = 2, depth = 100, trust = {} }, (policy({ tls_verify = false })))
    end)

    it("trusts nobody without CA certificates", function()
      assert.same({ verify = 1, depth = 100, trust = {} }, (policy({ tls_verify = true })))
      assert.same({ verify = 1, depth = 100, trust = {} },
        (policy({ tls_verify = true, ca_certificates = {} })))
    end)

    it("trusts exactly its CA certificates", function()
      assert.same({ "CA one" },
        policy({ tls_verify = true, ca_certificates = { "one" } }).trust)
      assert.same({ "CA two", "CA one" },
        policy({ tls_verify = true, ca_certificates = { "two", "one" } }).trust)
    end)

    it("keeps what is said about verification while it is off", function()
      assert.same({ verify = 2, depth = 3, trust = { "CA one" } }, (policy({
        tls_verify = false, tls_verify_depth = 3, ca_certificates = { "one" },
      })))
    end)

    for _, depth in ipairs({ 0, 1, 64 }) do
      it("takes the depth " .. depth, function()
        assert.equal(depth, policy({ tls_verify = true, tls_verify_depth = depth }).depth)
      end)
    end

    it("shows its certificate, or that of the upstream", function()
      assert.same({ cert = "C", key = "K" },
        policy({ client_certificate = { id = "mine" } }).credential)
      assert.same({ cert = "C2", key = "K2" },
        policy({}, nil, { client_certificate = { id = "other" } }).credential)
      assert.same({ cert = "C", key = "K" }, policy({ client_certificate = { id = "mine" } }, nil,
        { client_certificate = { id = "other" } }).credential)
    end)

    it("says nothing about plain HTTP", function()
      local made, err = policy({ protocol = "http" }, { tls_verify = true })
      assert.is_nil(made)
      assert.is_nil(err)
    end)
  end)

  describe("from its configuration", function()
    local SERVICE = {
      tls_verify = true, tls_verify_depth = 1, ca_certificates = { "one" },
      client_certificate = { id = "mine" },
    }

    it("is as the service says where it says nothing", function()
      assert.same({
        verify = 1, depth = 1, trust = { "CA one" }, credential = { cert = "C", key = "K" },
      }, (policy(SERVICE, {})))
    end)

    it("wins field by field", function()
      assert.equal(2, policy(SERVICE, { tls_verify = false }).verify)
      assert.equal(0, policy(SERVICE, { tls_verify_depth = 0 }).depth)
      assert.same({ "CA two" }, policy(SERVICE, { ca_certificates = { "two" } }).trust)
      assert.same({}, policy(SERVICE, { ca_certificates = {} }).trust)
      assert.equal("C2", policy(SERVICE, { client_certificate = "other" }).credential.cert)
      assert.same({ "CA one" }, policy(SERVICE, { tls_verify = false }).trust)
    end)
  end)

  describe("fails closed", function()
    local cases = {
      { "a CA that does not exist", { ca_certificates = { "one", "gone" } },
        "CA Certificate 'gone' does not exist" },
      { "a CA that does not parse", { ca_certificates = { "broken" } }, "does not parse" },
      { "a client certificate that does not exist", { client_certificate = { id = "gone" } },
        "Certificate 'gone' does not exist" },
      { "a client certificate without its key", { client_certificate = { id = "broken" } },
        "certificate does not match key" },
      { "a depth that is none", { tls_verify_depth = 101 }, "no valid value" },
    }
    for _, case in ipairs(cases) do
      for _, verify in ipairs({ true, false }) do
        it(("with %s, tls_verify %s"):format(case[1], tostring(verify)), function()
          local service = { tls_verify = verify }
          for key, value in pairs(case[2]) do
            service[key] = value
          end
          local made, err = policy(service)
          assert.is_nil(made)
          assert.matches("^plugin 'upstream%-tls': ", err)
          assert.matches(case[3], err, 1, true)
        end)
      end
    end
  end)

  describe("schema", function()
    local function takes(config)
      return (plugin.configure(schema, config)) ~= nil
    end

    it("takes what a service takes", function()
      local id = "bf6e0f14-78cd-45ad-9325-87ec7ef7b891"
      assert.is_true(takes({}))
      assert.is_true(takes({
        tls_verify = true, tls_verify_depth = 64, ca_certificates = { id }, client_certificate = id,
      }))
    end)

    it("takes nothing else", function()
      assert.is_false(takes({ tls_verify = "yes" }))
      assert.is_false(takes({ tls_verify_depth = 65 }))
      assert.is_false(takes({ tls_verify_depth = -1 }))
      assert.is_false(takes({ ca_certificates = { "x" } }))
      assert.is_false(takes({ client_certificate = "x" }))
      assert.is_false(takes({ verify = true }))
    end)
  end)
end)
