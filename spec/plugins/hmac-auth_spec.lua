-- hmac-auth: which signatures are good, of what and when; whose they are, what the service sees.

local fake = require("spec.support.fake_abi").install()
require("spec.support.fake_core").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local declarative = require("weir.declarative")
local hmac = require("spec.support.hmac")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.hmac-auth.handler")
local schema = require("kong.plugins.hmac-auth.schema")

local ANN = "11111111-1111-4111-8111-111111111111"
local GUEST = "22222222-2222-4222-8222-222222222222"
local NOW = 1700000000 -- of the stand-in for the core

local ENTITIES = ([[
consumers:
- id: %s
  username: ann
  hmacauth_credentials: [{username: ann, secret: secret}, {username: unsaid}]
- {id: %s, username: guest}
]]):format(ANN, GUEST)

local NOT_VERIFIED = "HMAC signature cannot be verified"
local NOT_IN_TIME = NOT_VERIFIED
  .. ", a valid date or x-date header is required for HMAC Authentication"
local NOT_SAME = "HMAC signature does not match"

describe("hmac-auth", function()
  local DATE, GOOD

  setup(function()
    fake.install()
    pdk.install({})
    DATE = ngx.http_time(NOW)
    GOOD = hmac.authorization("date", "date: " .. DATE)
  end)
  before_each(function() plugin.begin(fake, "hmac-auth", ENTITIES) end)
  after_each(plugin.finish)

  -- Runs access; returns status and message of the answer, if there was one.
  local function run(config, headers, body)
    current.release(1)
    fake.request = fake.new_request({ phase = "access", headers = headers, body = body,
      texts = { REQUEST_METHOD = "POST", REQUEST_TARGET = "/a%20b?c=D" },
      numbers = { REQUEST_MINOR_VERSION = 1 } })
    fake.run(handler.access, handler, assert(plugin.configure(schema, config)))
    local failure = fake.request.failure
    if failure then
      return failure.status, failure.message
    end
  end

  local function passes(config, headers, body)
    assert.is_nil((select(2, run(config, headers, body))))
    assert.equal(ANN, kong.client.get_consumer().id)
  end

  local function refused(message, config, headers, body)
    assert.same({ 401, message }, { run(config, headers, body) })
    assert.is_nil(kong.client.get_consumer())
  end

  -- Header fields with a signature of a text.
  local function signed(names, text, more, other)
    local headers = { Date = DATE, Authorization = hmac.authorization(names, text, other) }
    for name, value in pairs(more or {}) do
      headers[name] = value
    end
    return headers
  end

  local function upstream(name)
    return fake.header("UPSTREAM", name)[1]
  end

  it("runs between basic-auth and acl", function()
    assert.equal(1030, handler.PRIORITY)
  end)

  describe("hmacauth_credentials", function()
    it("are found by their names; a secret is made up where there is none", function()
      local credential = kong.db.hmacauth_credentials:select_by_username("ann")
      assert.same({ "secret", ANN }, { credential.secret, credential.consumer.id })
      local made = kong.db.hmacauth_credentials:select_by_username("unsaid").secret
      assert.equal(32, #made)
      passes({}, signed("date", "date: " .. DATE, {}, { username = "unsaid", secret = made }))
    end)

    local function mistake(fields)
      local _, findings = declarative.load('_format_version: "3.0"\nconsumers:\n'
        .. "- {username: ann, hmacauth_credentials: [{username: ann}]}\n"
        .. ("- {username: bob, hmacauth_credentials: [%s]}\n"):format(fields),
        { plugins = { "hmac-auth" } })
      return findings.errors[1] and findings.errors[1].message
    end

    it("have names, of which there is one each, and secrets", function()
      assert.is_nil(mistake("{username: bob}"))
      assert.matches("required field missing", mistake("{secret: s}"))
      assert.matches("ann", mistake("{username: ann}"))
      assert.matches("length must be at least 1", mistake('{username: bob, secret: ""}'))
    end)
  end)

  describe("takes signatures", function()
    it("and tells the service whose they are", function()
      passes({}, { Date = DATE, Authorization = GOOD, ["X-Consumer-ID"] = GUEST })
      assert.equal("ann", kong.client.get_credential().username)
      assert.same({ ANN, "ann", GOOD }, { upstream("X-Consumer-ID"),
        upstream("X-Credential-Identifier"), upstream("Authorization") })
    end)

    for _, digest in ipairs({ "sha1", "sha224", "sha256", "sha384", "sha512" }) do
      it("by " .. digest, function()
        local headers = signed("date", "date: " .. DATE, {}, { digest = digest })
        passes({ algorithms = { "hmac-" .. digest } }, headers)
        refused(NOT_VERIFIED, { algorithms = digest == "sha1" and { "hmac-sha256" }
          or { "hmac-sha1" } }, headers)
      end)
    end

    it("of the request's first line", function()
      passes({}, signed("@request-target date", "@request-target: post /a%20b?c=D\ndate: " .. DATE))
      passes({}, signed("date request-line", "date: " .. DATE .. "\nPOST /a%20b?c=D HTTP/1.1"))
      refused(NOT_SAME, {}, signed("@request-target", "@request-target: post /a%20b"))
      refused(NOT_SAME, {}, signed("request-line", "GET /a%20b?c=D HTTP/1.1"))
      refused(NOT_SAME, {}, signed("request-line", "request-line: x", { ["Request-Line"] = "x" }))
    end)

    it("of any field, all its values, and of its absence", function()
      passes({}, signed("host x-none", "host: a.test\nx-none:", { Host = "a.test" }))
      passes({}, signed("x-a", "x-a: 1, 2", { ["X-A"] = { "1", "2" } }))
      refused(NOT_SAME, {}, signed("x-a", "x-a: 1", { ["X-A"] = { "1", "2" } }))
      refused(NOT_SAME, {}, signed("x-a", "x-a:", { ["X-A"] = "1" }))
    end)

    it("of names as the client writes them", function()
      passes({}, signed("Host X-None", "Host: a.test\nX-None:", { Host = "a.test" }))
      refused(NOT_SAME, {}, signed("Host", "host: a.test", { Host = "a.test" }))
      -- What stands for the first line never stands for a field.
      refused(NOT_SAME, {}, signed("Request-Line", "Request-Line: x", { ["Request-Line"] = "x" }))
      passes({}, signed("Request-Line", "POST /a%20b?c=D HTTP/1.1"))
    end)

    it("in Proxy-Authorization, too, with the parameters in any order", function()
      passes({}, { Date = DATE, ["Proxy-Authorization"] = GOOD, Authorization = "Bearer t" })
      passes({}, { Date = DATE, ["Proxy-Authorization"] = "Basic eA==", Authorization = GOOD })
      local username, rest = GOOD:match("^hmac (.-), (.+)$")
      passes({}, { Date = DATE, Authorization = "HMAC " .. rest .. "," .. username })
    end)
  end)

  describe("refuses", function()
    it("requests without a signature, and says what it wants", function()
      refused("Unauthorized", {}, { Date = DATE })
      assert.same({ "hmac" }, fake.header("RESPONSE", "WWW-Authenticate"))
      refused("Unauthorized", { realm = "r" }, {})
      assert.same({ 'hmac realm="r"' }, fake.header("RESPONSE", "WWW-Authenticate"))
    end)

    it("what is no whole statement of a signature", function()
      local wrong = { "Basic YTpi", "hmac", "hmac ann", GOOD:sub(6), "x" .. GOOD,
        (GOOD:gsub('headers="date"', 'headers=" "')) }
      for _, name in ipairs({ "username", "algorithm", "headers", "signature" }) do
        table.insert(wrong, (GOOD:gsub(name .. '=".-",? ?', "")))
        table.insert(wrong, (GOOD:gsub(name .. '=".-"', name .. '=""')))
      end
      for _, value in ipairs(wrong) do
        refused(NOT_VERIFIED, {}, { Date = DATE, Authorization = value })
      end
    end)

    it("names that nobody has, and secrets that are not theirs", function()
      refused(NOT_VERIFIED, {}, signed("date", "date: " .. DATE, {}, { username = "bob" }))
      refused(NOT_SAME, {}, signed("date", "date: " .. DATE, {}, { secret = "other" }))
      refused(NOT_SAME, {}, signed("date", "date: " .. DATE, {}, { username = "unsaid" }))
      refused(NOT_SAME, {}, { Date = DATE, Authorization = GOOD:gsub('signature="', '%0!') })
    end)

    it("algorithms that are none", function()
      refused(NOT_VERIFIED, {}, { Date = DATE, Authorization = GOOD:gsub("sha256", "md5") })
      assert.is_nil((plugin.configure(schema, { algorithms = { "hmac-md5" } })))
    end)

    it("signatures of less than it wants", function()
      local config = { enforce_headers = { "Date", "@request-target" } }
      refused(NOT_VERIFIED, config, { Date = DATE, Authorization = GOOD })
      passes(config,
        signed("@request-target date", "@request-target: post /a%20b?c=D\ndate: " .. DATE))
    end)
  end)

  describe("wants a date", function()
    local function at(offset, config)
      local date = ngx.http_time(NOW + offset)
      return config or {}, { Date = date, Authorization = hmac.authorization("date",
        "date: " .. date) }
    end

    it("of now", function()
      for _, offset in ipairs({ -300, 300 }) do
        passes(at(offset))
        refused(NOT_IN_TIME, at(offset, { clock_skew = 299 }))
      end
      refused(NOT_IN_TIME, {}, { Authorization = GOOD })
      refused(NOT_IN_TIME, {}, { Authorization = GOOD, Date = "now" })
      refused(NOT_IN_TIME, {}, { Authorization = GOOD, Date = { DATE, DATE } })
      refused(NOT_IN_TIME, {}, { Authorization = "Basic eA==" })
      assert.is_nil((plugin.configure(schema, { clock_skew = 0 })))
    end)

    it("in X-Date as well", function()
      local old = ngx.http_time(NOW - 1000)
      passes({}, signed("x-date", "x-date: " .. DATE, { Date = old, ["X-Date"] = DATE }))
      passes({}, signed("host", "host: a", { Host = "a", Date = old, ["X-Date"] = DATE }))
    end)

    it("that is the signed one, if one is", function()
      local old = ngx.http_time(NOW - 1000)
      refused(NOT_IN_TIME, {}, signed("date", "date: " .. old, { Date = old, ["X-Date"] = DATE }))
      refused(NOT_IN_TIME, {}, signed("x-date", "x-date: " .. old, { ["X-Date"] = old }))
    end)
  end)

  describe("with validate_request_body", function()
    local config = { validate_request_body = true }

    local function with_digest(digest)
      return signed("date digest", ("date: %s\ndigest: %s"):format(DATE, digest),
        { Digest = digest })
    end

    it("takes bodies that are those of their digest", function()
      local headers = with_digest(hmac.digest("a body"))
      passes(config, headers, "a body")
      refused(NOT_SAME, config, headers, "another body")
      refused(NOT_SAME, config, headers, "")
      passes({}, headers, "another body")
      refused(NOT_SAME, config, with_digest("SHA-256=AAAA"), "a body")
    end)

    it("takes requests with neither", function()
      passes(config, { Date = DATE, Authorization = GOOD })
      refused(NOT_SAME, config, { Date = DATE, Authorization = GOOD }, "a body")
    end)

    it("refuses bodies that it cannot read", function()
      refused(NOT_SAME, config, with_digest(hmac.digest("a body")), "too large")
      assert.matches("could not read the body", fake.log[1].text)
    end)
  end)

  it("hides what it has understood, if told so", function()
    passes({ hide_credentials = true },
      { Date = DATE, ["Proxy-Authorization"] = "Bearer t", Authorization = GOOD })
    assert.is_nil(upstream("Authorization"))
    assert.equal("Bearer t", upstream("Proxy-Authorization"))
  end)

  it("lets others pass as the anonymous consumer", function()
    local config = { anonymous = "guest" }
    assert.is_nil((run(config, { Date = DATE, Authorization = "hmac" })))
    assert.same({ GUEST, "true" }, { upstream("X-Consumer-ID"), upstream("X-Anonymous-Consumer") })
    passes(config, { Date = DATE, Authorization = GOOD })
    assert.equal(500, (run({ anonymous = "eve" }, {})))
  end)

  it("answers 500 where credentials cannot be looked for", function()
    local real = kong.cache.get
    kong.cache.get = function() return nil, "out of order" end
    finally(function() kong.cache.get = real end)
    assert.equal(500, (run({ anonymous = "guest" }, { Date = DATE, Authorization = GOOD })))
    assert.matches("out of order", fake.log[1].text)
  end)
end)
