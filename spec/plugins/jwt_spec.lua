-- jwt: where tokens are found, which signatures are good, which claims hold.

local fake = require("spec.support.fake_abi").install()
require("spec.support.fake_core").install()
local cjson = require("cjson")
local base64 = require("ngx.base64")
local current = require("weir.pdk.current")
local keys = require("spec.support.keys")
local mac = require("resty.openssl.mac")
local pdk = require("weir.pdk")
local pkey = require("resty.openssl.pkey")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.jwt.handler")
local schema = require("kong.plugins.jwt.schema")

local ANN = "11111111-1111-4111-8111-111111111111"
local NOW = 1700000000
local PSS = pkey.PADDINGS.RSA_PKCS1_PSS_PADDING

-- algorithm -> name of a key, digest, padding, options
local ASYMMETRIC = {
  RS256 = { "rsa", "sha256" }, RS384 = { "rsa", "sha384" }, RS512 = { "rsa", "sha512" },
  PS256 = { "rsa", "sha256", PSS }, PS384 = { "rsa", "sha384", PSS },
  PS512 = { "rsa", "sha512", PSS },
  ES256 = { "p256", "sha256", nil, { ecdsa_use_raw = true } },
  ES512 = { "p521", "sha512", nil, { ecdsa_use_raw = true } },
  EdDSA = { "ed25519" },
}
-- Algorithms with keys that are not theirs.
local MISTAKEN = { RS256 = "p256", PS256 = "p521", ES256 = "p521", ES512 = "p256",
  ES384 = "rsa", EdDSA = "rsa", RS512 = "ed25519" }
local HMAC = { HS256 = "sha256", HS384 = "sha384", HS512 = "sha512" }

local function sign(alg, text, secret)
  if HMAC[alg] then
    return mac.new(secret or "secret", "HMAC", nil, HMAC[alg]):final(text)
  end
  local how = ASYMMETRIC[alg] or alg
  local private = pkey.new(keys.get(how[1]).private)
  return assert(private:sign(text, how[2], how[3], how[4]))
end

local function part(object)
  return base64.encode_base64url(type(object) == "string" and object or cjson.encode(object))
end

-- A token; `as` is the algorithm that it is signed with, if that is not what its header says.
local function token(claims, header, secret, as)
  header = header or { typ = "JWT", alg = "HS256" }
  local text = part(header) .. "." .. part(claims)
  return text .. "." .. base64.encode_base64url(sign(as or header.alg, text, secret))
end

describe("jwt", function()
  setup(function()
    fake.install()
    pdk.install({})
    local credentials = { { key = "hs", secret = "secret" }, { key = "b64", secret = "-_+/" } }
    for name in pairs(HMAC) do
      table.insert(credentials, { key = name, secret = "secret", algorithm = name })
    end
    for name, how in pairs(ASYMMETRIC) do
      table.insert(credentials,
        { key = name, algorithm = name, rsa_public_key = keys.get(how[1]).public })
    end
    for name, key in pairs(MISTAKEN) do
      table.insert(credentials, { key = name .. " with " .. key, algorithm = name,
        rsa_public_key = keys.get(key).public })
    end
    plugin.use({ "jwt" }, "consumers: " .. cjson.encode({
      { id = ANN, username = "ann", jwt_secrets = credentials }, { username = "guest" },
    }))
  end)
  teardown(function()
    current.generation = nil
  end)
  before_each(function()
    current.slot, current.plugin = 1, { name = "jwt" }
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  -- Runs access; returns the status and the message, or the body, of the answer.
  local function run(config, want)
    current.release(1)
    fake.request = fake.new_request({ phase = "access", headers = want.headers,
      texts = { REQUEST_METHOD = want.method or "GET", REQUEST_QUERY = want.query } })
    fake.run(handler.access, handler, assert(plugin.configure(schema, config)))
    local failure, exit = fake.request.failure, fake.request.exit
    if failure then
      return failure.status, failure.message
    end
    return exit and exit.status, exit and exit.body
  end

  local function bearer(text)
    return { headers = { Authorization = "Bearer " .. text } }
  end

  -- A message is JSON, whatever the client accepts; what is wrong with claims is said by claim.
  local function refused(message, config, want)
    local body = message:sub(1, 1) == "{" and message or cjson.encode({ message = message })
    assert.same({ 401, body }, { run(config, want) })
    assert.is_nil(kong.client.get_consumer())
  end

  local GOOD = token({ iss = "hs" })

  describe("finds tokens", function()
    local places = {
      ["a header"] = { {}, { headers = { Authorization = "bEARER   " .. GOOD } } },
      ["another header"] = { { header_names = { "X-Token" } },
        { headers = { ["X-Token"] = "Bearer " .. GOOD } } },
      ["the query"] = { {}, { query = "a=1&jwt=" .. GOOD } },
      ["a cookie"] = { { cookie_names = { "sid", "tok" } },
        { headers = { Cookie = "a=1; tok=" .. GOOD .. "; b=2" } } },
      ["several places, the same"] = { {}, { query = "jwt=" .. GOOD,
        headers = { Authorization = "Bearer " .. GOOD } } },
    }
    for name, case in pairs(places) do
      it("in " .. name, function()
        assert.is_nil(run(case[1], case[2]))
        assert.equal(ANN, kong.client.get_consumer().id)
        assert.equal(GOOD, kong.ctx.shared.authenticated_jwt_token)
        assert.equal("hs", fake.header("UPSTREAM", "X-Credential-Identifier")[1])
      end)
    end

    it("nowhere else", function()
      refused("Unauthorized", {}, {})
      assert.same({ "Bearer" }, fake.header("RESPONSE", "WWW-Authenticate"))
      refused("Unauthorized", {}, { headers = { Authorization = GOOD } })
      refused("Unauthorized", {}, { headers = { Authorization = "Basic " .. GOOD } })
      refused("Unauthorized", {}, { headers = { Cookie = "jwt=" .. GOOD } })
      refused("Unauthorized", { uri_param_names = {} }, { query = "jwt=" .. GOOD })
      refused("Unauthorized", {}, { query = "jwt=&jwt" })
    end)

    it("but not two", function()
      refused("Multiple tokens provided", { realm = "r" }, { query = "jwt=" .. GOOD .. "&jwt=x" })
      assert.same({ 'Bearer realm="r" error="invalid_token"' },
        fake.header("RESPONSE", "WWW-Authenticate"))
      refused("Multiple tokens provided", {}, { query = "jwt=x",
        headers = { Authorization = "Bearer " .. GOOD } })
    end)
  end)

  describe("refuses", function()
    local bad = {
      ["invalid JSON"] = { "x", "a.b", "a..b", "e30..", "!.e30.e30", "e30x.e30.e30",
        part("7") .. ".e30.e30", part({ alg = "HS256" }) .. ".e30x.e30" },
      ["invalid alg"] = { part({ alg = "none" }) .. ".e30.", part({ alg = "none" }) .. ".e30.e30",
        part({ alg = "hs256" }) .. ".e30.e30", "e30.e30.e30" },
      ["invalid claims"] = { token("7") },
      ["invalid signature"] = { part({ alg = "HS256" }) .. ".e30.!", GOOD .. ".x" },
      ["crit is not supported"] = { token({ iss = "hs" }, { alg = "HS256", crit = { "exp" } }) },
    }
    for message, texts in pairs(bad) do
      it("tokens: " .. message, function()
        for _, text in ipairs(texts) do
          refused("Bad token; " .. message, {}, bearer(text))
          assert.same({ 'Bearer error="invalid_token"' },
            fake.header("RESPONSE", "WWW-Authenticate"))
        end
      end)
    end

    it("tokens whose key it does not know", function()
      refused("No mandatory 'iss' in claims", {}, bearer(token({ sub = "hs" })))
      for _, value in ipairs({ "", 7, true }) do
        refused("Invalid 'iss' in claims", {}, bearer(token({ iss = value })))
      end
      refused("No credentials found for given 'iss'", {}, bearer(token({ iss = "other" })))
      refused("No mandatory 'kid' in claims", { key_claim_name = "kid" }, bearer(GOOD))
    end)

    it("tokens signed with another secret, or changed", function()
      refused("Invalid signature", {}, bearer(token({ iss = "hs" }, nil, "Secret")))
      refused("Invalid signature", {}, bearer((GOOD:gsub("[^.]+$", ""))))
      local header, _, signature = GOOD:match("^(.*)%.(.*)%.(.*)$")
      refused("Invalid signature", {},
        bearer(("%s.%s.%s"):format(header, part({ iss = "hs", admin = true }), signature)))
    end)

    it("tokens that choose the algorithm", function()
      local public = keys.get("rsa").public
      refused("Invalid algorithm", {},
        bearer(token({ iss = "RS256" }, { alg = "HS256" }, public)))
      refused("Invalid algorithm", {}, bearer(token({ iss = "hs" }, { alg = "HS512" })))
      refused("Invalid algorithm", {}, bearer(token({ iss = "ES256" }, { alg = "RS256" })))
    end)
  end)

  it("takes tokens of any type", function()
    for _, typ in ipairs({ "at+jwt", "JWT", "x", 7 }) do
      assert.is_nil(run({}, bearer(token({ iss = "hs" }, { typ = typ, alg = "HS256" }))))
      assert.equal(ANN, kong.client.get_consumer().id)
    end
  end)

  it("takes the key from the token's header, too", function()
    local text = token({}, { alg = "HS256", kid = "hs" })
    assert.is_nil(run({ key_claim_name = "kid" }, bearer(text)))
  end)

  it("takes secrets in base64, in either alphabet", function()
    local text = token({ iss = "b64" }, nil, base64.decode_base64url("-_-_"))
    assert.is_nil(run({ secret_is_base64 = true }, bearer(text)))
    refused("Invalid signature", {}, bearer(text))
  end)

  for name in pairs(HMAC) do
    it("verifies " .. name, function()
      assert.is_nil(run({}, bearer(token({ iss = name }, { alg = name }))))
      refused("Invalid signature", {}, bearer(token({ iss = name }, { alg = name }, "other")))
    end)
  end
  for name in pairs(ASYMMETRIC) do
    it("verifies " .. name, function()
      assert.is_nil(run({}, bearer(token({ iss = name }, { alg = name }))))
      refused("Invalid signature", {},
        bearer(token({ iss = name }, { alg = name }, keys.get("rsa").public, "HS256")))
    end)
  end

  for name, key in pairs(MISTAKEN) do
    it(("takes nothing for %s from a key for another algorithm (%s)"):format(name, key), function()
      local digest = key ~= "ed25519" and "sha" .. (name:match("%d+") or "256") or nil
      for _, raw in ipairs({ true, false }) do
        refused("Invalid signature", {}, bearer(token({ iss = name .. " with " .. key },
          { alg = name }, nil, { key, digest, nil, { ecdsa_use_raw = raw } })))
      end
    end)
  end

  describe("claims", function()
    local both = { claims_to_verify = { "exp", "nbf" } }
    local function with(exp, nbf)
      return bearer(token({ iss = "hs", exp = exp, nbf = nbf }))
    end

    it("count only when they are to be verified", function()
      assert.is_nil(run({}, with(NOW - 1, NOW + 9)))
    end)

    it("have to hold now", function()
      assert.is_nil(run(both, with(NOW + 1, NOW)))
      refused('{"exp":"token expired"}', both, with(NOW, NOW))
      refused('{"nbf":"token not valid yet"}', both, with(NOW + 9, NOW + 1))
      refused('{"exp":"must be a number"}', { claims_to_verify = { "exp" } }, with())
      refused('{"exp":"must be a number"}', { claims_to_verify = { "exp" } }, with("9999999999"))
      assert.same({ 'Bearer error="invalid_token"' }, fake.header("RESPONSE", "WWW-Authenticate"))
    end)

    it("may not be good for too long", function()
      local config = { claims_to_verify = { "exp" }, maximum_expiration = 100 }
      assert.is_nil(run(config, with(NOW + 100)))
      refused('{"exp":"exceeds maximum allowed expiration"}', config, with(NOW + 101))
    end)
  end)

  it("lets others pass as the anonymous consumer", function()
    assert.is_nil(run({ anonymous = "guest" }, bearer(token({ iss = "hs" }, nil, "wrong"))))
    assert.equal("guest", fake.header("UPSTREAM", "X-Consumer-Username")[1])
    assert.is_nil(kong.ctx.shared.authenticated_jwt_token)
  end)

  it("lets preflight requests pass if told so", function()
    assert.is_nil(run({ run_on_preflight = false }, { method = "OPTIONS" }))
    refused("Unauthorized", {}, { method = "OPTIONS" })
  end)

  describe("tokens as objects", function()
    local Parser = require("kong.plugins.jwt.jwt_parser")

    local function parsed(...)
      return assert(Parser:new(token(...)))
    end

    it("have their parts", function()
      local text = token({ iss = "a" }, { alg = "HS256" })
      local object = assert(Parser:new(text))
      assert.same({ { alg = "HS256" }, { iss = "a" }, text },
        { object.header, object.claims, object.token })
      assert.equal(text, table.concat({ object.header_64, object.claims_64, object.signature_64 },
        "."))
      assert.equal(object.signature, object:b64_decode(object.signature_64))
      assert.is_nil(object:b64_decode("*"))
    end)

    it("say what is wrong with what is none", function()
      assert.same({ nil, "invalid JSON" }, { Parser:new("x") })
      assert.has_error(function() Parser:new(nil) end, "Token must be a string, got nil")
    end)

    it("know their signatures", function()
      local public = keys.get("rsa").public
      assert.is_true(parsed({}):verify_signature("secret"))
      assert.is_false(parsed({}):verify_signature("other"))
      assert.is_true(parsed({}, { alg = "RS256" }):verify_signature(public))
      assert.is_false(parsed({}, { alg = "RS256" }):verify_signature(keys.get("p256").public))
    end)

    it("take no public key for a secret", function()
      local public = keys.get("rsa").public
      local der = base64.decode_base64url((public:gsub("%-%-[^\n]*\n", ""):gsub("[+/\n=]",
        { ["+"] = "-", ["/"] = "_", ["\n"] = "", ["="] = "" })))
      assert.is_table(pkey.new(der))
      for _, key in ipairs({ public, der }) do
        assert.is_false(parsed({}, nil, key):verify_signature(key))
      end
    end)

    it("check claims about time", function()
      local object = parsed({ exp = ngx.time() + 100, nbf = ngx.time() + 50 })
      assert.same({ true }, { object:verify_registered_claims({ "exp" }) })
      assert.same({ true }, { object:verify_registered_claims() })
      assert.same({ false, { nbf = "token not valid yet" } },
        { object:verify_registered_claims({ "exp", "nbf" }) })
      assert.same({ true }, { object:check_maximum_expiration(0) })
      assert.same({ false, { exp = "exceeds maximum allowed expiration" } },
        { object:check_maximum_expiration(9) })
    end)
  end)

  describe("schema", function()
    it("wants exp to be verified where it is limited", function()
      local config = { maximum_expiration = 9 }
      assert.same({ nil, "required field missing" }, { plugin.configure(schema, config) })
      config.claims_to_verify = { "nbf" }
      assert.is_nil((plugin.configure(schema, config)))
      config.claims_to_verify = { "nbf", "exp" }
      assert.is_table((plugin.configure(schema, config)))
    end)

    it("wants public keys, and that they are keys", function()
      for credential, message in pairs({
        ["{key: k, algorithm: ES256}"] = "required field missing",
        ["{key: k, algorithm: RS256, rsa_public_key: x}"] = "invalid key",
        ["{key: k, algorithm: none}"] = "expected one of: HS256",
      }) do
        assert.error_matches(function()
          plugin.use({ "jwt" },
            ("consumers: [{username: a, jwt_secrets: [%s]}]"):format(credential))
        end, message, 1, true)
      end
    end)
  end)
end)
