-- Plain proxying: what reaches the upstream, what comes back, on which connections.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("proxying", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {}, closing = { close = true } })
    local port = peer.ports.main
    gateway = helpers.gateway({ config = config.build({
      up = { port = port },
      plain = { port = port, preserve_host = false },
      kept = { port = port, route = { strip_path = false } },
      closing = { port = peer.ports.closing },
    }) })
  end)
  teardown(helpers.stop_all)

  local function get(path, more)
    local request = more or {}
    request.path = path
    request.host = request.host or "client.example"
    return gateway:get(request)
  end

  local function echoed(path, more)
    local response = get(path, more)
    assert.equal(200, response.status)
    return cjson.decode(response.body), response
  end

  describe("headers to the upstream", function()
    it("say who asked for what", function()
      local seen = echoed("/up/a?b=c%20d").headers
      assert.equal("client.example", seen.host)
      assert.equal("127.0.0.1", seen["x-real-ip"])
      assert.equal("127.0.0.1", seen["x-forwarded-for"])
      assert.equal("http", seen["x-forwarded-proto"])
      assert.equal("client.example", seen["x-forwarded-host"])
      assert.equal(tostring(gateway.port), seen["x-forwarded-port"])
      assert.equal("/up/a", seen["x-forwarded-path"])
      assert.equal("/up", seen["x-forwarded-prefix"])
      assert.matches("^1%.1 ", seen.via)
      assert.matches("^%x+$", seen["x-kong-request-id"])
      assert.equal(32, #seen["x-kong-request-id"])
    end)

    it("do not let the client speak for itself", function()
      local seen = echoed("/up", { headers = {
        ["X-Forwarded-For"] = "10.9.8.7", ["X-Forwarded-Proto"] = "https",
        ["X-Forwarded-Host"] = "evil.example", ["X-Real-IP"] = "10.9.8.7",
        ["X-Forwarded-Port"] = "1", ["X-Forwarded-Prefix"] = "/evil",
      } }).headers
      assert.equal("10.9.8.7, 127.0.0.1", seen["x-forwarded-for"])
      assert.equal("http", seen["x-forwarded-proto"])
      assert.equal("client.example", seen["x-forwarded-host"])
      assert.equal(tostring(gateway.port), seen["x-forwarded-port"])
      assert.equal("127.0.0.1", seen["x-real-ip"])
      assert.equal("/up", seen["x-forwarded-prefix"])
    end)

    it("pass on what is end to end and drop what is hop by hop", function()
      local seen = echoed("/up", { headers = {
        ["X-One"] = "1", ["Connection"] = "X-Secret", ["X-Secret"] = "s", ["Keep-Alive"] = "1",
        ["Proxy-Connection"] = "keep-alive", ["TE"] = "trailers, gzip", ["Upgrade"] = "h2c",
        ["X_Under_Score"] = "u", ["X-Empty"] = "",
      } }).headers
      assert.equal("1", seen["x-one"])
      assert.equal("u", seen["x_under_score"])
      assert.equal("", seen["x-empty"])
      for _, name in ipairs({ "x-secret", "keep-alive", "proxy-connection", "upgrade" }) do
        assert.is_nil(seen[name], name)
      end
      assert.is_true(seen.te == nil or seen.te == "trailers")
      assert.not_matches("[Xx]%-[Ss]ecret", seen.connection or "")
    end)

    it("carry the service's host without preserve_host", function()
      local port = peer.ports.main
      local host = echoed("/plain").headers.host
      assert.is_true(host == "127.0.0.1:" .. port or host == "plain.upstream", host)
    end)

    it("keep repeated headers in order", function()
      get("/up", { args = { "-H", "X-Twice: 1", "-H", "X-Twice: 2" } })
      local values = {}
      for _, pair in ipairs(peer:last("request").headers) do
        if pair[1] == "x-twice" then
          values[#values + 1] = pair[2]
        end
      end
      assert.same({ "1", "2" }, values)
    end)
  end)

  describe("headers to the client", function()
    it("tell latencies, via and request id", function()
      local seen, response = echoed("/up")
      assert.matches("^%d+$", response.headers["x-kong-upstream-latency"])
      assert.matches("^%d+$", response.headers["x-kong-proxy-latency"])
      assert.matches("^1%.1 ", response.headers.via)
      assert.equal(seen.headers["x-kong-request-id"], response.headers["x-kong-request-id"])
    end)

    it("drop what is hop by hop", function()
      local response = get("/up/hop")
      assert.equal("yes", response.headers["x-public"])
      assert.is_nil(response.headers["x-private"])
      assert.is_nil(response.headers["keep-alive"])
    end)

    it("keep repeated cookies apart", function()
      local count = 0
      for _, line in ipairs(get("/up/cookies").lines) do
        count = count + (line:lower():find("^set%-cookie:") and 1 or 0)
      end
      assert.equal(2, count)
    end)

    it("leave status and location alone", function()
      assert.equal(503, get("/up/status/503").status)
      assert.equal("status 503", get("/up/status/503").body)
      assert.equal("http://kong.example/elsewhere", get("/up/location").headers.location)
    end)
  end)

  describe("bodies", function()
    local text = ("0123456789abcdef"):rep(20000)

    it("of known length go up", function()
      local seen = echoed("/up", { body = text })
      assert.equal(#text, seen.body.size)
      assert.equal(tostring(#text), seen.headers["content-length"])
    end)

    it("of unknown length go up", function()
      local seen = echoed("/up", {
        body = text, headers = { ["Transfer-Encoding"] = "chunked" },
      })
      assert.equal(#text, seen.body.size)
    end)

    it("arrive unchanged", function()
      local sum = helpers.run({ "sha256sum", helpers.write(helpers.directory() .. "/b", text) })
      local seen = echoed("/up/slow-read", { body = text })
      assert.equal(sum.stdout:match("%x+"), seen.body.sha256)
    end)

    it("of known length come down", function()
      local response = get("/up/bytes/300000")
      assert.equal(300000, #response.body)
      assert.equal("300000", response.headers["content-length"])
    end)

    it("in chunks come down", function()
      local expected = {}
      for i = 1, 40 do
        expected[i] = (i .. ","):rep(i)
      end
      local response = get("/up/chunked/40")
      assert.equal(table.concat(expected), response.body)
      assert.equal("hello", get("/up/dribble").body)
    end)

    it("up to the end of the connection come down", function()
      local response = get("/up/close-delimited")
      assert.equal("to the end", response.body)
      assert.equal("old style", get("/up/http10").body)
    end)

    it("that are too short are not passed off as whole", function()
      assert.equal(18, get("/up/truncated").exit)
      assert.not_equal(0, get("/up/truncated-chunked").exit)
    end)

    it("absent ones stay absent", function()
      assert.equal("", get("/up/status/204").body)
      assert.equal(304, get("/up/status/304").status)
      local raw = gateway:connect()
      raw:send("HEAD /up HTTP/1.1\r\nHost: x\r\n\r\nGET /up HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.truthy(tonumber(raw:response("HEAD").headers["content-length"]) > 0)
      assert.equal("GET", cjson.decode(raw:response("GET").body).method)
      raw:close()
      local requests = peer:events("request")
      assert.equal("HEAD", requests[#requests - 1].method)
    end)

    it("of methods without one are not invented", function()
      local seen = echoed("/up", { method = "DELETE" })
      assert.is_nil(seen.headers["content-length"])
      assert.is_nil(seen.headers["transfer-encoding"])
    end)
  end)

  describe("Expect: 100-continue", function()
    it("is answered, and the body follows", function()
      local raw = gateway:connect()
      raw:send("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        .. "Expect: 100-continue\r\n\r\n")
      assert.equal(100, raw:response().status)
      raw:send("hello")
      local response = raw:response()
      assert.equal(200, response.status)
      assert.equal("hello", cjson.decode(response.body).body.text)
      raw:close()
    end)

    it("of another kind is refused", function()
      local response = gateway:exchange(
        "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: magic\r\n\r\n")
      assert.equal(417, response.status)
      response.raw:close()
    end)

    it("interim answers of the upstream do not confuse anybody", function()
      assert.equal(200, get("/up/interim").status)
      assert.equal(200, get("/up").status)
    end)
  end)

  it("refuses TRACE: nobody shall read in an answer what others have put into a request", function()
    local before = peer:count("request")
    local response = gateway:exchange("TRACE /up HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(405, response.status)
    response.raw:close()
    assert.equal(200, get("/up").status)
    assert.equal(before + 1, peer:count("request"))
  end)

  describe("client connections", function()
    it("are kept alive", function()
      local response = get({ "/up/1", "/up/2", "/up/3" })
      assert.equal(200, response.status)
      assert.equal(1, response.connects)
    end)

    it("are closed when the client wants that", function()
      local raw = gateway:connect()
      raw:send("GET /up HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      local response = raw:response()
      assert.equal(200, response.status)
      assert.matches("close", response.headers.connection)
      assert.is_true(raw:closed())
    end)

    it("of HTTP/1.0 are closed, or kept when asked", function()
      local response = gateway:exchange("GET /up HTTP/1.0\r\nHost: x\r\n\r\n")
      assert.equal(200, response.status)
      assert.is_true(response.raw:closed())
      response = gateway:exchange(
        "GET /up/chunked/2 HTTP/1.0\r\nHost: x\r\n\r\n")
      assert.is_nil(response.headers["transfer-encoding"])
      assert.equal("1,2,2,", response.body)
    end)

    it("take pipelined requests and answer in order", function()
      local raw = gateway:connect()
      local parts = {}
      for i = 1, 20 do
        local body = ("b"):rep(i)
        parts[i] = ("POST /up/n%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"):format(
          i, i, body)
      end
      raw:send(table.concat(parts))
      for i = 1, 20 do
        local seen = cjson.decode(raw:response().body)
        assert.equal("/n" .. i, seen.target)
        assert.equal(i, seen.body.size)
      end
      raw:close()
    end)

    it("that break off in a body do not reach the upstream as whole requests", function()
      local bodies = peer:count("body")
      local raw = gateway:connect()
      raw:send("POST /up/broken HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
      raw:close()
      assert.equal(200, get("/up").status)
      assert.equal(bodies + 1, peer:count("body"))
    end)
  end)

  describe("upstream connections", function()
    it("are used again", function()
      local first = echoed("/up").conn
      assert.equal(first, echoed("/up").conn)
    end)

    it("are not used again when the upstream closes them", function()
      local first = echoed("/closing").conn
      assert.not_equal(first, echoed("/closing").conn)
      for _ = 1, 5 do
        assert.equal(200, get("/up/then-close").status)
      end
      assert.equal(200, get("/up").status)
    end)

    it("that die under an idempotent request are replaced", function()
      for _ = 1, 4 do
        assert.equal(200, get("/up/close-on-reuse").status)
      end
    end)

    it("that say something unasked are not used again", function()
      assert.equal("solicited", get("/up/unsolicited").body)
      peer:wait("sent", 1)
      for _ = 1, 3 do
        assert.not_equal("poisoned", get("/up").body)
      end
      assert.equal("first", get("/up/glued").body)
      for _ = 1, 3 do
        assert.not_equal("poisoned", get("/up").body)
      end
    end)
  end)

  it("an answer before the body was sent reaches the client", function()
    local response = get("/up/refuse", { body = ("x"):rep(3000000) })
    assert.equal(413, response.status)
    assert.equal("too large", response.body)
  end)

  it("many requests at once all get their own answer", function()
    local running = {}
    for i = 1, 24 do
      running[i] = gateway:get_start({ path = "/up/delay/100?n=" .. i, host = "x" })
    end
    for i, request in ipairs(running) do
      local response = request.finish()
      assert.equal(200, response.status)
      assert.equal("/delay/100?n=" .. i, cjson.decode(response.body).target)
    end
  end)
end)
