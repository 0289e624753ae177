-- The answers weir makes itself: status, text, form, request id, and what the logs say.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local MESSAGES = {
  [400] = "Bad request",
  [408] = "Request timeout",
  [413] = "Payload too large",
  [414] = "URI too long",
  [417] = "Expectation failed",
  [494] = "Request header or cookie too large",
  [502] = "An invalid response was received from the upstream server",
  [504] = "The upstream server is timing out",
}

describe("an error", function()
  local peer, gateway

  local FAST = { connect_timeout = 300, read_timeout = 300, write_timeout = 300, retries = 0 }

  setup(function()
    peer = upstreams.peer({
      main = {}, tls = { tls = "leaf" }, silent = { tls = "leaf", mode = "silent" },
      close = { mode = "close" }, reset = { mode = "reset" },
      garbage = { mode = "garbage" }, early = { tls = "leaf", mode = "plaintext-first" },
    })
    local https = { tls_verify = false, connect_timeout = 300, retries = 0 }
    gateway = helpers.gateway({
      settings = { nginx_http_client_max_body_size = "100k" },
      config = config.build({
        up = { port = peer.ports.main, service = { retries = 0 } },
        fast = { port = peer.ports.main, service = FAST },
        dead = { port = client.free_port(), service = { retries = 0 } },
        silent = { protocol = "https", port = peer.ports.silent, service = https },
        close = { port = peer.ports.close, service = { retries = 0 } },
        reset = { port = peer.ports.reset, service = { retries = 0 } },
        garbage = { port = peer.ports.garbage, service = { retries = 0 } },
        ["no-tls"] = { protocol = "https", port = peer.ports.garbage, service = https },
        early = { protocol = "https", port = peer.ports.early, service = https },
        unresolved = { host = "no-such-host.invalid", service = { retries = 0 } },
      }),
    })
  end)
  teardown(helpers.stop_all)

  local function failing(path, status, request)
    request = request or {}
    request.path, request.host = path, "x.example"
    local response = gateway:get(request)
    assert.equal(status, response.status)
    if MESSAGES[status] then
      assert.equal(MESSAGES[status], cjson.decode(response.body).message)
    end
    local id = response.headers["x-kong-request-id"]
    assert.equal(id, cjson.decode(response.body).request_id)
    assert.matches(" " .. status .. " ", gateway:access_line(id))
    return response, gateway:lines("%[error%]", id)
  end

  describe("of the upstream", function()
    local cases = {
      { "that nobody listens on", "/dead", 502, "connect" },
      { "that closes at once", "/close", 502, "upstream" },
      { "that resets at once", "/reset", 502, "upstream" },
      { "that does not speak HTTP", "/garbage", 502, "upstream" },
      { "that closes without an answer", "/up/no-answer", 502, "upstream" },
      { "that resets instead of an answer", "/up/reset", 502, "reset" },
      { "that does not answer in time", "/fast/hang", 504, "timed out" },
      { "that does not shake hands in time", "/silent", 504, "timed out" },
      { "that does not speak TLS", "/no-tls", 502, "SSL handshaking" },
      { "that speaks before it has shaken hands", "/early", 502, "SSL handshaking" },
      { "whose name is not known", "/unresolved", 503, "no%-such%-host" },
    }
    for _, case in ipairs(cases) do
      it(("%s is %d"):format(case[1], case[3]), function()
        local _, lines = failing(case[2], case[3])
        assert.equal(1, #lines)
        assert.matches(case[4], lines[1])
        assert.matches("client: 127%.0%.0%.1, ", lines[1])
        assert.truthy(lines[1]:find('request: "GET ' .. case[2] .. ' HTTP/1.1"', 1, true))
      end)
    end

    for _, kind in ipairs({ "two_lengths", "length_and_chunked", "negative_length", "huge_length",
      "te_unknown", "garbage", "http09", "status", "space_in_name", "space_before_colon", "nul",
      "folded", "upgrade" }) do
      it("whose answer is malformed is 502: " .. kind, function()
        local _, lines = failing("/up/bad/" .. kind, 502)
        assert.equal(1, #lines)
      end)
    end

    for _, kind in ipairs({ "chunk_size", "huge_chunk" }) do
      it("whose chunks are malformed never looks complete: " .. kind, function()
        local response = gateway:get({ path = "/up/bad/" .. kind, host = "x" })
        assert.is_true(response.status == 502 or response.exit ~= 0)
      end)
    end

    it("whose head is too large is 502", function()
      failing("/up/large-head/200000", 502)
      assert.equal(200, gateway:get({ path = "/up/large-head/6000", host = "x" }).status)
    end)

    it("that stalls in its body ends the connection", function()
      local response = gateway:get({ path = "/fast/stall", host = "x" })
      assert.equal(18, response.exit)
      assert.equal("some", response.body)
    end)

    it("that does not take the request in time is 504", function()
      failing("/fast/deaf", 504, { body = ("x"):rep(90000) })
    end)
  end)

  it("is logged by the gateway, which goes on serving", function()
    assert.equal(200, gateway:get({ path = "/up", host = "x" }).status)
  end)

  describe("is answered in the form that the client accepts:", function()
    local json = '^{\n  "message":"MESSAGE",\n  "request_id":"(%x+)"\n}$'
    local html = "<h1>Error</h1>.*<p>MESSAGE%.</p>.*<p>request_id: (%x+)</p>"
    local forms = {
      { "*/*", "application/json", json },
      { "application/json", "application/json", json },
      { "application/vnd.x+json", "application/json", json },
      { "text/plain", "text/plain", "^MESSAGE\nrequest_id: (%x+)\n$" },
      { "text/html", "text/html", html },
      { "application/xml", "application/xml",
        "<message>MESSAGE</message>\n  <requestid>(%x+)</requestid>" },
      { "text/html;q=0.5, application/json;q=0.9", "application/json", json },
      { "text/*", "text/plain", "MESSAGE\nrequest_id: (%x+)" },
      { "image/png", "application/json", json },
      { "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html", html },
    }
    for _, path in ipairs({ "/dead", "/nowhere" }) do
      for _, form in ipairs(forms) do
        it(path .. " as " .. form[1], function()
          local response = gateway:get({ path = path, host = "x", headers = { Accept = form[1] } })
          assert.equal(form[2] .. "; charset=utf-8", response.headers["content-type"])
          assert.equal(#response.body, tonumber(response.headers["content-length"]))
          local text = path == "/dead" and MESSAGES[502] or "no Route matched with those values"
          local pattern = form[3]:gsub("MESSAGE", text)
          assert.equal(response.headers["x-kong-request-id"], response.body:match(pattern))
        end)
      end
    end

    it("without Accept as plain text where nginx would answer", function()
      local raw = "GET /dead HTTP/1.1\r\nHost: x\r\n\r\n"
      local response = gateway:exchange(raw)
      assert.equal("text/plain; charset=utf-8", response.headers["content-type"])
      response.raw:close()
    end)

    it("without Accept as JSON where Kong would answer", function()
      local raw = gateway:connect()
      raw:send("GET /nowhere HTTP/1.1\r\nHost: x\r\nContent-Type: text/html\r\n\r\n")
      local response = raw:response()
      assert.equal("application/json; charset=utf-8", response.headers["content-type"])
      assert.matches('"message":"no Route matched with those values"', response.body, 1, true)
      raw:close()
    end)

    it("to HEAD without a body", function()
      local raw = gateway:connect()
      raw:send("HEAD /dead HTTP/1.1\r\nHost: x\r\n\r\nGET /up HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(502, raw:response("HEAD").status)
      assert.equal(200, raw:response("GET").status)
      raw:close()
    end)
  end)

  it("has the headers of an answer that was not proxied", function()
    local response = failing("/dead", 502)
    assert.matches("^[%w-]+/", response.headers.server)
    assert.matches("^%d+$", response.headers["x-kong-response-latency"])
    assert.is_nil(response.headers["x-kong-proxy-latency"])
  end)

  it("keeps the connection where the request was understood", function()
    local raw = gateway:connect()
    for _ = 1, 3 do
      raw:send("GET /dead HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(502, raw:response().status)
    end
    raw:close()
  end)

  it("404 for what no route matches", function()
    local response = failing("/nowhere", 404)
    assert.equal("no Route matched with those values", cjson.decode(response.body).message)
  end)

  it("413 for a body that is announced too large", function()
    failing("/up", 413, { body = ("x"):rep(200000) })
  end)

  it("413 for a body that turns out too large", function()
    failing("/up", 413, {
      body = ("x"):rep(200000), headers = { ["Transfer-Encoding"] = "chunked" },
    })
  end)
end)
