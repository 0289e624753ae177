-- jwt in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local keys = require("spec.support.keys")
local upstreams = require("spec.fixtures.upstreams")

-- Of a token that never ends: HS256, issuer "hs". Signatures are made with other tools than weir's.
local HEADER, CLAIMS = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJpc3MiOiJocyJ9"

local function base64url(bytes)
  return (bytes:gsub("\n", ""):gsub("+", "-"):gsub("/", "_"):gsub("=", ""))
end

-- What a shell command prints, in base64url.
local function printed(command)
  local pipe = assert(io.popen(command .. " | base64"))
  local text = pipe:read("*a")
  pipe:close()
  return base64url(text)
end

describe("jwt", function()
  local gateway, hs256, rs256

  setup(function()
    local port = upstreams.peer({ main = {} }).ports.main
    local directory = helpers.directory()
    local signed = HEADER .. "." .. CLAIMS
    hs256 = signed .. "." .. printed(("printf %s | openssl dgst -sha256 -hmac secret -binary")
      :format(signed))
    helpers.write(directory .. "/key", keys.get("rsa").private)
    signed = printed([[printf '{"alg":"RS256"}']]) .. "." .. printed([[printf '{"iss":"rs"}']])
    rs256 = signed .. "." .. printed(("printf %s | openssl dgst -sha256 -sign %s/key -binary")
      :format(signed, directory))
    gateway = helpers.gateway({ config = config.build({
      one = { port = port, plugins = { { name = "jwt" } } },
      timed = { port = port, plugins = {
        { name = "jwt", config = { claims_to_verify = { "exp" } } },
      } },
    }, { consumers = {
      { username = "ann", jwt_secrets = { { key = "hs", secret = "secret" } } },
      { username = "bob", jwt_secrets = {
        { key = "rs", algorithm = "RS256", rsa_public_key = keys.get("rsa").public },
      } },
    } }) })
  end)
  teardown(helpers.stop_all)

  local function ask(path, token)
    return gateway:get({ path = path, headers = { Authorization = token and "Bearer " .. token } })
  end

  local function consumer(token)
    return cjson.decode(ask("/one", token).body).headers["x-consumer-username"]
  end

  it("knows who has signed a token", function()
    assert.equal("ann", consumer(hs256))
    assert.equal("bob", consumer(rs256))
  end)

  it("refuses requests without a token, and those that it does not believe", function()
    local response = ask("/one")
    assert.equal(401, response.status)
    assert.equal("Bearer", response.headers["www-authenticate"])
    assert.equal("Unauthorized", cjson.decode(response.body).message)
    response = ask("/one", hs256:sub(1, -3) .. "AA")
    assert.equal(401, response.status)
    assert.equal("Invalid signature", cjson.decode(response.body).message)
    assert.equal('Bearer error="invalid_token"', response.headers["www-authenticate"])
  end)

  it("names the claims that do not hold", function()
    local response = ask("/timed", hs256)
    assert.equal(401, response.status)
    assert.same({ exp = "must be a number" }, cjson.decode(response.body))
  end)
end)
