-- hmac-auth in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local hmac = require("spec.support.hmac")
local upstreams = require("spec.fixtures.upstreams")

describe("hmac-auth", function()
  local gateway

  setup(function()
    local port = upstreams.peer({ main = {} }).ports.main
    gateway = helpers.gateway({ config = config.build({
      one = { port = port, plugins = { { name = "hmac-auth", config = {
        enforce_headers = { "date", "@request-target", "digest" }, hide_credentials = true,
        validate_request_body = true, algorithms = { "hmac-sha256" },
      } } } },
    }, { consumers = {
      { username = "ann", hmacauth_credentials = { { username = "ann", secret = "secret" } } },
    } }) })
  end)
  teardown(helpers.stop_all)

  -- Header fields of a request that is signed as the route wants it.
  local function signed(target, body, age)
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() - (age or 0))
    local digest = hmac.digest(body)
    return { Date = date, Digest = digest, Authorization = hmac.authorization(
      "date @request-target digest",
      ("date: %s\n@request-target: post %s\ndigest: %s"):format(date, target, digest)) }
  end

  local function ask(path, headers, body)
    return gateway:get({ path = path, method = "POST", headers = headers, body = body })
  end

  it("tells the service who has signed a request", function()
    local response = ask("/one/a?b=c", signed("/one/a?b=c", "hello"), "hello")
    assert.equal(200, response.status)
    local headers = cjson.decode(response.body).headers
    assert.equal("ann", headers["x-consumer-username"])
    assert.is_nil(headers.authorization)
  end)

  it("refuses requests that are not what was signed", function()
    for _, case in ipairs({
      { "/one/b", signed("/one/a", "hello"), "hello", "HMAC signature does not match" },
      { "/one/a", signed("/one/a", "hello"), "jello", "HMAC signature does not match" },
      { "/one/a", signed("/one/a", "hello", 1000), "hello", "HMAC signature cannot be verified, "
        .. "a valid date or x-date header is required for HMAC Authentication" },
      { "/one/a", {}, "hello", "Unauthorized" },
    }) do
      local response = ask(case[1], case[2], case[3])
      assert.equal(401, response.status)
      assert.equal("hmac", response.headers["www-authenticate"])
      assert.equal(case[4], cjson.decode(response.body).message)
    end
  end)
end)
