-- resty.http against a real server.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local PRELUDE = [[
local cjson = require("cjson")
local httpc = require("resty.http").new()
local function say(res, err)
  kong.response.exit(200, cjson.encode({ err = err, status = res and res.status,
    body = res and res.body, type = res and res.headers["content-type"], more = more }))
end
]]

describe("resty.http", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({
      plain = {}, tls = { tls = "leaf" }, close = { close = true },
      asking = { tls = "leaf", client_ca = pki.get("root").cert },
    })
    local function code(text)
      text = text:gsub("%$(%w+)", peer.ports)
      return { port = peer.ports.plain, plugins = {
        { name = "snippet", config = { access = PRELUDE .. text } },
      } }
    end
    gateway = helpers.gateway({
      settings = {
        plugins = "bundled,snippet", plugin_path = "spec/fixtures/plugins",
        lua_ssl_trusted_certificate = pki.get("root").cert,
      },
      config = config.build({
        get = code([[say(httpc:request_uri("http://127.0.0.1:$plain/a/b?c=d", {
          headers = { ["X-Own"] = "1" }, query = { e = "f g" } }))]]),
        post = code([[say(httpc:request_uri("http://127.0.0.1:$plain/", {
          method = "POST", body = { "one ", "two" } }))]]),
        pieces = code([[
          local left = { "three ", "four" }
          say(httpc:request_uri("http://127.0.0.1:$plain/", { method = "POST",
            body = function() return table.remove(left, 1) end }))]]),
        short = code([[
          local left = { "three" }
          say(httpc:request_uri("http://127.0.0.1:$plain/", { method = "POST",
            headers = { ["Content-Length"] = 9 },
            body = function() return table.remove(left, 1) end }))]]),
        kept = code([[
          httpc:request_uri("http://127.0.0.1:$plain/")
          httpc:connect({ scheme = "http", host = "127.0.0.1", port = $plain })
          say({ status = httpc:get_reused_times(), headers = {} })]]),
        closed = code([[
          httpc:connect({ scheme = "http", host = "127.0.0.1", port = $close })
          local res = httpc:request({ path = "/" })
          res.body = res.read_body()
          local number, text = httpc:set_keepalive()
          say(res, number .. " " .. text)]]),
        unread = code([[
          httpc:connect("127.0.0.1", $plain)
          httpc:request({ path = "/" })
          say(nil, (select(2, httpc:set_keepalive())))]]),
        streamed = code([[
          httpc:connect({ scheme = "http", host = "127.0.0.1", port = $plain })
          local res = httpc:request({ path = "/" })
          local pieces = {}
          for piece in function() return assert(res.body_reader(10)) end do
            pieces[#pieces + 1] = piece
            if #piece < 10 then break end
          end
          res.body = table.concat(pieces)
          say(res, res.body_reader() == nil and "over" or "not over")]]),
        tls = code([[say(httpc:request_uri("https://127.0.0.1:$tls/", {
          ssl_server_name = "kong.example", headers = { Host = "kong.example" } }))]]),
        wrong = code([[say(httpc:request_uri("https://127.0.0.1:$tls/"))]]),
        trusting = code([[
          say(httpc:request_uri("https://127.0.0.1:$tls/", { ssl_verify = false }))]]),
        ["end"] = code([[
          say(httpc:request_uri(kong.request.get_header("X-Uri"), {
            ssl_server_name = "kong.example" }))]]),
        injected = code([[say(httpc:request_uri("http://127.0.0.1:$plain/", {
          headers = { ["X-Own"] = "1\r\nX-Other: 2" } }))]]),
        split = code([[say(httpc:request_uri("http://127.0.0.1:$plain/", {
          path = "/ HTTP/1.1\r\nX: y" }))]]),
        lookalikes = code([[say(httpc:request_uri("http://127.0.0.1:$plain/", {
          method = "POST", body = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
          headers = { content_length = "3", Transfer_Encoding = "chunked", X_Own = "client",
                      ["X-Own"] = "plugin", ["x_own"] = "client", A_B = "as A-B" } }))]]),
        passed_on = code([[say(httpc:request_uri("http://127.0.0.1:$plain/", {
          headers = { ["Content-Length"] = "40", ["Transfer-Encoding"] = "chunked" } }))]]),
        lengths = code([[
          local problems = {}
          for i, length in ipairs({ { "5", "5" }, "0x5", "5 ", "-5", 5.5, false }) do
            local res, err = httpc:request_uri("http://127.0.0.1:$plain/", { method = "POST",
              headers = { ["Content-Length"] = length }, body = function() end })
            problems[i] = res and "sent" or err
          end
          say(nil, table.concat(problems, ","))]]),
        scheme = code([[
          say(nil, select(2, httpc:connect({ scheme = "HTTPS", host = "127.0.0.1",
            port = $plain })))]]),
        certificate = code(([[
          assert(httpc:request_uri("https://127.0.0.1:$asking/", { keepalive = false,
            ssl_server_name = "kong.example", ssl_client_cert = %q, ssl_client_priv_key = %q }))
          say(httpc:request_uri("https://127.0.0.1:$asking/", { keepalive = false,
            ssl_server_name = "kong.example" }))]]):format(pki.text(pki.get("client").chain),
          pki.text(pki.get("client").key))),
        refused = code([[say(httpc:request_uri("http://127.0.0.1:1/"))]]),
        bad = code([[say(httpc:request_uri("gopher://127.0.0.1/"))]]),
      }),
    })
  end)
  teardown(helpers.stop_all)

  local function answer(path, uri)
    local response = gateway:get({
      path = "/" .. path, host = "x.example", headers = { ["X-Uri"] = uri },
    })
    assert.equal(200, response.status, response.body .. gateway:logs():sub(-2000))
    return cjson.decode(response.body)
  end

  -- What the peer says that it got.
  local function seen(path)
    local got = answer(path)
    assert.equal(200, got.status, got.err)
    return cjson.decode(got.body)
  end

  it("asks for URIs", function()
    local request = seen("get")
    assert.same({ "/a/b?e=f%20g", "1", ("127.0.0.1:%d"):format(peer.ports.plain) },
      { request.target, request.headers["x-own"], request.headers.host })
    assert.matches("^weir/", request.headers["user-agent"])
  end)

  it("sends bodies, whole or in pieces", function()
    local whole, pieces = seen("post"), seen("pieces")
    assert.same({ "POST", "one two", "7" },
      { whole.method, whole.body.text, whole.headers["content-length"] })
    assert.same({ "POST", "three four", "chunked" },
      { pieces.method, pieces.body.text, pieces.headers["transfer-encoding"] })
    assert.equal("the body is not as long as its Content-Length", answer("short").err)
  end)

  it("keeps connections whose response was read, and no others", function()
    assert.is_true(answer("kept").status > 0)
    assert.equal("2 connection must be closed", answer("closed").err)
    assert.equal("connection must be closed", answer("unread").err)
  end)

  it("gives bodies in pieces", function()
    local got = answer("streamed")
    assert.equal("over", got.err)
    assert.equal("GET", cjson.decode(got.body).method)
  end)

  it("verifies https", function()
    assert.equal("kong.example", seen("tls").headers.host)
    assert.matches("^64: ", answer("wrong").err)
    assert.equal("GET", seen("trusting").method)
  end)

  it("knows where a body ends, and when it was cut", function()
    local function ends(scheme, listener, path)
      return answer("end", ("%s://127.0.0.1:%d/%s"):format(scheme, peer.ports[listener], path))
    end
    assert.equal(200, ends("http", "plain", "interim").status)
    assert.matches("^1,2,2,", ends("http", "plain", "chunked/5").body)
    assert.equal("to the end", ends("http", "plain", "close_delimited").body)
    assert.equal("closed", ends("http", "plain", "truncated").err)
    assert.equal("closed", ends("http", "plain", "truncated_chunked").err)
    -- Without close_notify nobody can tell the end from an attack.
    assert.equal("TLS connection truncated", ends("https", "tls", "close_delimited").err)
    assert.equal("TLS connection truncated", ends("https", "tls", "truncated").err)
  end)

  it("sends nothing that could be taken for more than it is", function()
    local before = peer:count("request", "plain")
    assert.matches("'X%-Own' has a line break", answer("injected").err)
    assert.matches("the path has a space", answer("split").err)
    assert.equal(before, peer:count("request", "plain"))
  end)

  it("says of a body what is true of it, whatever headers were passed on", function()
    local request = seen("lookalikes")
    assert.same({ "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "plugin", "as A-B" },
      { request.body.text, request.headers["x-own"], request.headers["a-b"] })
    assert.is_nil(request.headers["transfer-encoding"])
    assert.is_nil(request.headers.content_length)
    request = seen("passed_on")
    assert.is_nil(request.headers["content-length"])
    assert.is_nil(request.headers["transfer-encoding"])
    local before = peer:count("request", "plain")
    local problem = "Content-Length is not a number of bytes"
    assert.equal((problem .. ","):rep(5) .. problem, answer("lengths").err)
    assert.equal(before, peer:count("request", "plain"))
  end)

  it("takes no other scheme for http", function()
    assert.equal("'HTTPS' is not a scheme: http or https", answer("scheme").err)
  end)

  it("shows a certificate to nobody but whom it was named for", function()
    local before = peer:count("handshake", "asking")
    assert.equal(200, answer("certificate").status)
    local events = peer:wait("handshake", before + 2, "asking")
    assert.same({ "gateway client", cjson.null },
      { events[#events - 1].client, events[#events].client })
  end)

  it("says what went wrong", function()
    assert.equal("connection refused", answer("refused").err)
    assert.equal("bad uri: gopher://127.0.0.1/", answer("bad").err)
  end)
end)
