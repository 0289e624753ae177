-- Policies of single targets: each target of an upstream is judged by its own, in every try,
-- however a request comes to it.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT, OTHER = config.id(1), config.id(2)
local CA_TEXT = { [ROOT] = pki.pem(pki.get("root")), [OTHER] = pki.pem(pki.get("other_root")) }

local SETTINGS = {
  plugins = "bundled,tls-override,divert,judge", plugin_path = "spec/fixtures/plugins",
}

describe("a target", function()
  local peer, gateway

  -- What upstream-tls says for all requests, about `a` and about `b`.
  local function conf(a, b, common)
    local targets = {}
    for name, fields in pairs({ a = a, b = b }) do
      fields.target = "127.0.0.1:" .. peer.ports[name]
      targets[#targets + 1] = fields
    end
    local all = { mode = "enforce", names = { dns = { "kong.example" } }, targets = targets }
    for name, value in pairs(common or {}) do
      all[name] = value
    end
    return all
  end

  local function both()
    return { { target = "127.0.0.1:" .. peer.ports.a }, { target = "127.0.0.1:" .. peer.ports.b } }
  end

  local function service(fields, more)
    local plugins = { { name = "upstream-tls", config = fields }, { name = "divert" },
      { name = "tls-override", config = { choices = {
        depth = { depth = 9 }, shallow = { depth = 0 }, off = { verify = false },
        root = { cas = { CA_TEXT[ROOT] } },
      } } },
    }
    local made = { protocol = "https", targets = both(), plugins = plugins }
    for name, value in pairs(more or {}) do
      made[name] = value
    end
    return made
  end

  local function document(changes)
    local services = {
      own = service(conf({ ca_certificates = { ROOT } }, { ca_certificates = { OTHER } })),
      swapped = service(conf({ ca_certificates = { OTHER } }, { ca_certificates = { ROOT } })),
      one_wrong = service(conf({ ca_certificates = { OTHER } }, { ca_certificates = { OTHER } })),
      plain = service({
        mode = "enforce", names = { dns = { "kong.example" } }, ca_certificates = { ROOT },
      }),
      away = service(conf({ ca_certificates = { OTHER } }, { ca_certificates = { OTHER } },
        { ca_certificates = { ROOT } }), { targets = { { target = "127.0.0.1:9" } } }),
      broken = service(conf({ ca_certificates = { ROOT } }, {
        max_version = "TLSv1.2",
      }, { min_version = "TLSv1.3" })),
      broken_once = service(conf({ ca_certificates = { ROOT } }, {
        max_version = "TLSv1.2",
      }, { min_version = "TLSv1.3" }), { service = { retries = 0 } }),
      kept = service(conf({ ca_certificates = { ROOT }, tls_verify_depth = 8 },
        { ca_certificates = { OTHER }, tls_verify_depth = 8 })),
      judged = service(conf({ ca_certificates = { ROOT } }, { ca_certificates = { OTHER } })),
      idle = service(conf({ mode = "off" }, { mode = "report" }), { paths = { "/never" } }),
    }
    for name, value in pairs(changes or {}) do
      services[name] = value
    end
    table.insert(services.judged.plugins, {
      name = "judge", config = { refused = { pki.pin(pki.get("leaf"), "cert") } },
    })
    local made = config.build(services, {
      ca_certificates = { config.ca(1, "root"), config.ca(2, "other_root") },
    })
    for _, entity in ipairs(made.services) do
      if entity.name == "idle" then
        entity.routes = nil
      end
    end
    return made
  end

  setup(function()
    peer = upstreams.peer({ a = { tls = "leaf" }, b = { tls = "from_other_root" } })
    gateway = helpers.gateway({ config = document(), settings = SETTINGS })
  end)
  teardown(helpers.stop_all)

  local function request(name, headers)
    local response = gateway:get({ path = "/" .. name, host = "kong.example", headers = headers })
    if response.status == 200 then
      response.from = cjson.decode(response.body)
    end
    return response
  end

  -- Statuses, and listener -> connection, of as many requests as it takes to ask each target twice.
  local function ask(name, headers)
    local statuses, conns = {}, {}
    for i = 1, 4 do
      local response = request(name, headers)
      statuses[i] = response.status
      if response.from then
        conns[response.from.listener] = response.from.conn
      end
    end
    return statuses, conns
  end

  local function lines_of(response)
    return gateway:lines("%[error%]", response.headers["x-kong-request-id"])
  end

  it("is verified by its own CA", function()
    local statuses, conns = ask("own")
    assert.same({ 200, 200, 200, 200 }, statuses)
    assert.is_not_nil(conns.a)
    assert.is_not_nil(conns.b)
  end)

  it("is not verified by its neighbour's, also where that is the next one to be tried", function()
    local before = peer:count("request")
    for _ = 1, 2 do
      local response = request("swapped")
      assert.equal(502, response.status)
      local lines = lines_of(response)
      assert.equal(2, #lines)
      local bundles = {}
      for i, line in ipairs(lines) do
        assert.matches("code: untrusted_issuer", line)
        bundles[i] = line:match("bundle: (%x+)")
      end
      assert.not_equal(bundles[1], bundles[2])
    end
    assert.equal(before, peer:count("request"))
  end)

  it("that is refused leaves the request to one that its own policy accepts", function()
    local before, refused = peer:count("request", "a"), 0
    for _ = 1, 4 do
      local response = request("one_wrong")
      assert.equal(200, response.status)
      assert.equal("b", response.from.listener)
      local lines = lines_of(response)
      refused = refused + #lines
      for _, line in ipairs(lines) do
        assert.matches("127%.0%.0%.1:" .. peer.ports.a, line)
      end
    end
    assert.is_true(refused >= 1)
    assert.equal(before, peer:count("request", "a"))
  end)

  it("shares connections with whatever has the same policy, and nothing else", function()
    local _, own = ask("own")
    local _, kept = ask("kept")
    assert.not_equal(own.a, kept.a)
    assert.not_equal(own.b, kept.b)
    -- The service `plain` says of all its targets what `own` says of a.
    local statuses, plain = ask("plain")
    assert.same({ 200, 200, 200, 200 }, statuses)
    assert.equal(own.a, plain.a)
    assert.is_nil(plain.b)
    local _, wrong = ask("one_wrong")
    assert.equal(own.b, wrong.b)
  end)

  it("is judged by plugins, too, on connections of their own", function()
    local _, own = ask("own")
    local statuses, judged = ask("judged")
    assert.same({ 200, 200, 200, 200 }, statuses)
    assert.is_nil(judged.a)
    assert.is_not_nil(judged.b)
    assert.not_equal(own.b, judged.b)
    local lines = gateway:lines("%[error%]", "its certificate was withdrawn", "/judged")
    assert.is_true(#lines >= 1)
    for _, line in ipairs(lines) do
      assert.matches("127%.0%.0%.1:" .. peer.ports.a, line)
    end
  end)

  it("is judged anew when a reload changes its policy, and only it", function()
    local _, before = ask("kept")
    local kept = service(conf({ ca_certificates = { ROOT }, tls_verify_depth = 0 },
      { ca_certificates = { OTHER }, tls_verify_depth = 8 }))
    assert.is_true(gateway:reload(document({ kept = kept })))
    local statuses, during = ask("kept")
    assert.same({ 200, 200, 200, 200 }, statuses)
    assert.same({ b = before.b }, during)
    assert.is_true(#gateway:lines("%[error%]", "code: depth_exceeded", "/kept") >= 1)
    assert.is_true(gateway:reload(document()))
    local _, after = ask("kept")
    assert.equal(before.b, after.b)
    assert.is_not_nil(after.a)
    assert.not_equal(before.a, after.a)
  end)

  describe("where a plugin", function()
    it("chooses a field, has the rest of its own policy", function()
      local _, own = ask("own")
      local statuses, deep = ask("own", { ["X-Choice"] = "depth" })
      assert.same({ 200, 200, 200, 200 }, statuses)
      assert.not_equal(own.a, deep.a)
      assert.not_equal(own.b, deep.b)
      -- a has an intermediate, b has none.
      local _, shallow = ask("own", { ["X-Choice"] = "shallow" })
      assert.is_nil(shallow.a)
      assert.is_not_nil(shallow.b)
      assert.same({ 502, 502, 502, 502 }, (ask("swapped", { ["X-Choice"] = "depth" })))
      assert.same({ 200, 200, 200, 200 }, (ask("swapped", { ["X-Choice"] = "off" })))
    end)

    it("chooses CAs, is judged by these", function()
      local statuses, conns = ask("own", { ["X-Choice"] = "root" })
      assert.same({ 200, 200, 200, 200 }, statuses)
      assert.is_not_nil(conns.a)
      assert.is_nil(conns.b)
    end)

    it("sends requests to it by address or upstream, is judged by what is said about it", function()
      local a = { ["X-Target"] = "127.0.0.1:" .. peer.ports.a }
      local b = { ["X-Target"] = "127.0.0.1:" .. peer.ports.b }
      for _, name in ipairs({ "own", "away" }) do
        assert.equal("b", request(name, b).from.listener)
      end
      assert.equal("a", request("own", a).from.listener)
      local response = request("away", a)
      assert.equal(502, response.status)
      assert.matches("code: untrusted_issuer", lines_of(response)[1])
      local statuses, conns = ask("away", { ["X-Upstream"] = "own.upstream" })
      assert.same({ 200, 200, 200, 200 }, statuses)
      assert.is_nil(conns.a)
    end)

    it("sends requests where nothing is said, is judged by the route's policy", function()
      local response = request("plain", { ["X-Target"] = "127.0.0.1:" .. peer.ports.b })
      assert.equal(502, response.status)
      assert.equal(200, request("plain", { ["X-Target"] = "127.0.0.1:" .. peer.ports.a }).status)
    end)
  end)

  it("is passed over when its policy cannot be made, with a line in the log", function()
    local function no_policy(response)
      return #gateway:lines("%[crit%]", response.headers["x-kong-request-id"],
        "target 127.0.0.1:" .. peer.ports.b, "min_version TLSv1.3 is above max_version TLSv1.2")
    end
    local refused = 0
    for _ = 1, 4 do
      local response = request("broken")
      assert.same({ 200, "a" }, { response.status, response.from.listener })
      refused = refused + no_policy(response)
    end
    assert.is_true(refused >= 1)
    assert.is_true(#gateway:lines("cannot be proxied to at target", peer.ports.b) >= 1)
    local seen = {}
    for _ = 1, 4 do
      local response = request("broken_once")
      seen[response.status] = no_policy(response)
    end
    assert.same({ [200] = 0, [502] = 1 }, seen)
    assert.equal(502, request("broken", { ["X-Target"] = "127.0.0.1:" .. peer.ports.b }).status)
  end)

  local function shown(path)
    local response = client.curl({
      url = ("http://127.0.0.1:%d%s"):format(gateway.admin_port, path),
    })
    assert.equal(200, response.status)
    return cjson.decode(response.body)
  end

  local function by_target(plan)
    local found = {}
    for _, target in ipairs(plan.targets) do
      for _, field in ipairs(target.fields) do
        if field.name == "ca_certificates" then
          found[target.target] = { field.value, field.origin }
        end
      end
    end
    return found
  end

  it("is shown by the Admin API with its policy, where that differs", function()
    local a, b = "127.0.0.1:" .. peer.ports.a, "127.0.0.1:" .. peer.ports.b
    local plan = shown("/services/own/tls").data[1]
    assert.same({
      [a] = { { ROOT }, ("upstream-tls (service, target %s)"):format(a) },
      [b] = { { OTHER }, ("upstream-tls (service, target %s)"):format(b) },
    }, by_target(plan))
    assert.same(by_target(plan), by_target(shown("/routes/own/tls")))
    assert.same({}, shown("/services/away/tls").data[1].targets)
  end)

  it("is shown for a service that has no routes, too", function()
    local data = shown("/services/idle/tls").data
    assert.equal(1, #data)
    assert.equal(cjson.null, data[1].route)
    assert.equal("enforce", data[1].mode)
    local modes = {}
    for _, target in ipairs(data[1].targets) do
      modes[target.mode] = true
    end
    assert.same({ off = true, report = true }, modes)
  end)

  it("that there is not is warned of", function()
    assert.is_true(#gateway:lines("is no target of a service", "127.0.0.1:" .. peer.ports.a) >= 1)
  end)
end)
