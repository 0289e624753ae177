-- resty.redis against a real redis-server, over TCP, a Unix socket and TLS.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local PRELUDE = [[
local red = require("resty.redis"):new()
red:set_timeouts(1000, 1000, 1000)
local function say(...)
  local cjson = require("cjson")
  kong.response.exit(200, cjson.encode({ n = select("#", ...), list = { ... } }))
end
]]

local CONNECTED = PRELUDE .. "assert(red:connect('127.0.0.1', $port))\n"

describe("resty.redis", function()
  local gateway

  setup(function()
    local server = upstreams.redis()
    local function code(text, prelude)
      text = ((prelude or CONNECTED) .. text):gsub("%$([%l_]+)", server)
      return { port = server.port, plugins = { { name = "snippet", config = { access = text } } } }
    end
    gateway = helpers.gateway({
      settings = {
        plugins = "bundled,snippet", plugin_path = "spec/fixtures/plugins",
        lua_ssl_trusted_certificate = pki.get("root").cert,
      },
      config = config.build({
        values = code([[
          say(red:set("k", "v\r\n\0w") , red:get("k"), red:get("none") == ngx.null,
            red:incrby("n", 5), red:del("n"), (red:rpush("l", 1, 2)), red:lrange("l", 0, -1),
            (red:del("l")))]]),
        errors = code([[say(red:lpush("k2"), select(2, red:eval("return {err='mine'}", 0)))]]),
        hash = code([[
          red:hmset("h", { a = 1, b = "two" })
          red:hmset("h", "c", 3)
          say(red:array_to_hash(red:hgetall("h")))]]),
        scripts = code([[
          local sha = red:script("load", "return {KEYS[1], ARGV[1], {1, false}}")
          say(red:evalsha(sha, 1, "key", "value"))]]),
        databases = code([[
          red:select(1)
          red:set("only", "here")
          local here = red:get("only")
          red:select(0)
          say(here, red:get("only") == ngx.null)]]),
        auth = code([[say(red:auth("no such password"))]]),
        pipeline = code([[
          red:init_pipeline()
          local queued = red:set("p", 1)
          red:incr("p")
          red:lpush("p", 1)
          red:get("p")
          local replies = red:commit_pipeline()
          say(queued, replies, (red:commit_pipeline()))]]),
        cancelled = code([[
          red:init_pipeline()
          red:set("never", 1)
          red:cancel_pipeline()
          say(red:exists("never"))]]),
        channels = code([[
          local other = require("resty.redis"):new()
          other:connect("127.0.0.1", $port)
          local first = red:subscribe("news")
          local refused = select(2, red:get("k"))
          other:publish("news", "hello")
          local message = red:read_reply()
          red:set_timeouts(1000, 1000, 20)
          local silence = select(2, red:read_reply())
          local kept = select(2, red:set_keepalive())
          red:unsubscribe("news")
          say(first, refused, message, silence, kept, red:ping())]]),
        kept = code([[
          local times = red:get_reused_times()
          say(times, red:ping(), (red:set_keepalive(10000, 4)))]]),
        unix = code([[
          say(red:connect("unix:$path"), red:ping())]], PRELUDE),
        tls = code([[
          local ok, err = red:connect("127.0.0.1", $tls_port,
            { ssl = true, server_name = "kong.example" })
          say(ok, red:ping())]], PRELUDE),
        distrusted = code([[
          local ok, err = red:connect("127.0.0.1", $tls_port,
            { ssl = true, server_name = "other.example", ssl_verify = true })
          say(ok, err, select(2, red:ping()))]], PRELUDE),
        unreachable = code([[say(red:connect("127.0.0.1", 1))]], PRELUDE),
      }),
    })
  end)
  teardown(helpers.stop_all)

  local function said(path)
    local response = gateway:get({ path = "/" .. path, host = "x.example" })
    assert.equal(200, response.status, response.body .. gateway:logs():sub(-2000))
    local answer = cjson.decode(response.body)
    return unpack(answer.list, 1, answer.n)
  end

  it("has every command, with values of all kinds", function()
    assert.same({ "OK", "v\r\n\0w", true, 5, 1, 2, { "1", "2" }, 1 }, { said("values") })
  end)

  it("gives errors of redis as false and a text", function()
    local ok, first, second = said("errors")
    assert.is_false(ok)
    assert.is_nil(second)
    assert.matches("mine", first)
  end)

  it("has hashes as tables", function()
    assert.same({ a = "1", b = "two", c = "3" }, (said("hash")))
  end)

  it("runs scripts", function()
    assert.same({ "key", "value", { 1, cjson.null } }, (said("scripts")))
  end)

  it("selects databases, and authenticates", function()
    assert.same({ "here", true }, { said("databases") })
    local ok, err = said("auth")
    assert.is_false(ok)
    assert.matches("ERR AUTH", err)
  end)

  it("has pipelines", function()
    local queued, replies = said("pipeline")
    assert.equal("QUEUED", queued)
    assert.same({ "OK", 2, "2" }, { replies[1], replies[2], replies[4] })
    assert.is_false(replies[3][1])
    assert.matches("WRONGTYPE", replies[3][2])
    assert.equal(0, (said("cancelled")))
  end)

  it("listens to channels", function()
    local first, refused, message, silence, kept, pong = said("channels")
    assert.same({ "subscribe", "news", 1 }, first)
    assert.same({ "message", "news", "hello" }, message)
    assert.same({ "subscribed state", "timeout", "subscribed state", "PONG" },
      { refused, silence, kept, pong })
  end)

  it("keeps connections", function()
    said("kept")
    local times, pong, ok = said("kept")
    assert.is_true(times > 0)
    assert.same({ "PONG", 1 }, { pong, ok })
  end)

  it("connects to Unix sockets", function()
    assert.same({ 1, "PONG" }, { said("unix") })
  end)

  it("connects under TLS, verified", function()
    assert.same({ 1, "PONG" }, { said("tls") })
    local ok, err, ping = said("distrusted")
    assert.equal(cjson.null, ok)
    assert.equal("62: hostname mismatch", err)
    assert.equal("closed", ping)
  end)

  it("says why it could not connect", function()
    assert.same({ cjson.null, "connection refused" }, { said("unreachable") })
  end)
end)
