-- One strict reading of every request: what could be read in two ways is refused with 400, and
-- nothing of it reaches the upstream.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local H = "Host: x\r\n"

local function get(headers)
  return "GET /up HTTP/1.1\r\n" .. headers .. "\r\n"
end

local function post(headers, body)
  return "POST /up HTTP/1.1\r\n" .. H .. headers .. "\r\n" .. (body or "")
end

local CHUNKED = "Transfer-Encoding: chunked\r\n"

local REFUSED = {
  ["both length and chunked"] = post("Content-Length: 5\r\n" .. CHUNKED, "0\r\n\r\n"),
  ["chunked, then length"] = post(CHUNKED .. "Content-Length: 5\r\n", "0\r\n\r\n"),
  ["two lengths that differ"] = post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"),
  ["two lengths that agree"] = post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"),
  ["a list of lengths"] = post("Content-Length: 1, 1\r\n", "a"),
  ["a signed length"] = post("Content-Length: +1\r\n", "a"),
  ["a negative length"] = post("Content-Length: -1\r\n", "a"),
  ["a hexadecimal length"] = post("Content-Length: 0x1\r\n", "a"),
  ["a length with a blank in it"] = post("Content-Length: 1 1\r\n", "a"),
  ["an empty length"] = post("Content-Length:\r\n", "a"),
  ["a length beyond 64 bits"] = post("Content-Length: 18446744073709551617\r\n", "a"),
  ["a blank before the colon"] = post("Content-Length : 1\r\n", "a"),
  ["a tab before the colon"] = post("Content-Length\t: 1\r\n", "a"),
  ["chunked twice"] = post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
  ["chunked twice in two fields"] = post(CHUNKED .. CHUNKED, "0\r\n\r\n"),
  ["chunked that is not last"] = post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
  ["identity"] = post("Transfer-Encoding: identity\r\nContent-Length: 1\r\n", "a"),
  ["chunked with a vertical tab"] = post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"),
  ["chunked in HTTP/1.0"] = "POST /up HTTP/1.0\r\n" .. H .. CHUNKED .. "\r\n0\r\n\r\n",
  ["a folded line"] = post("X-A: b\r\n c\r\n"),
  ["a folded transfer encoding"] = post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
  ["lines that end in LF alone"] = "GET /up HTTP/1.1\nHost: x\n\n",
  ["one line that ends in LF alone"] = get(H .. "X-A: b\nX-B: c\r\n"),
  ["a bare CR in a value"] = get(H .. "X-A: b\rX-B: c\r\n"),
  ["a NUL in a value"] = get(H .. "X-A: b\0c\r\n"),
  ["a NUL in a name"] = get(H .. "X\0A: b\r\n"),
  ["a field without a colon"] = get(H .. "nonsense\r\n"),
  ["an empty field name"] = get(H .. ": x\r\n"),
  ["a blank in a name"] = get(H .. "X A: b\r\n"),
  ["no Host"] = get(""),
  ["two Hosts"] = get("Host: x\r\nHost: y\r\n"),
  ["a Host with a blank"] = get("Host: x y\r\n"),
  ["a Host with a slash"] = get("Host: x/y\r\n"),
  ["a Host with user information"] = get("Host: a@x\r\n"),
  ["a blank before the first field"] = "GET /up HTTP/1.1\r\n Host: x\r\n\r\n",
  ["a method with a colon"] = "GE:T /up HTTP/1.1\r\n" .. H .. "\r\n",
  ["a target with a control character"] = "GET /up\1 HTTP/1.1\r\n" .. H .. "\r\n",
  ["a target without a slash"] = "GET up HTTP/1.1\r\n" .. H .. "\r\n",
  ["a target in two words"] = "GET /up x HTTP/1.1\r\n" .. H .. "\r\n",
  ["an unknown protocol"] = "GET /up HTCPCP/1.0\r\n" .. H .. "\r\n",
  ["no version"] = "GET /up\r\n\r\n",
  ["a TLS hello on a plain port"] = "\22\3\1\2\0\1\0\1\252\3\3" .. ("x"):rep(600),
}

-- Bodies whose framing breaks after the head was fine.
local BROKEN_CHUNKS = {
  ["no size"] = "\r\nabc\r\n0\r\n\r\n",
  ["a size that is no number"] = "zz\r\nabc\r\n0\r\n\r\n",
  ["a size with a sign"] = "+3\r\nabc\r\n0\r\n\r\n",
  ["a size with 0x"] = "0x3\r\nabc\r\n0\r\n\r\n",
  ["a size beyond 64 bits"] = "10000000000000003\r\nabc\r\n0\r\n\r\n",
  ["a size line that ends in LF alone"] = "3\nabc\r\n0\r\n\r\n",
  ["data longer than its size"] = "3\r\nabcdef\r\n0\r\n\r\n",
  ["data that ends in LF alone"] = "3\r\nabc\n0\r\n\r\n",
}

local SMUGGLED = "GET /up/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

describe("an ambiguous request", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    gateway = helpers.gateway({ config = config.build({ up = { port = peer.ports.main } }) })
  end)
  teardown(helpers.stop_all)

  local function smuggled()
    for _, event in ipairs(peer:events("request")) do
      if event.target:find("smuggled", 1, true) or event.raw:find("smuggled", 1, true) then
        return true
      end
    end
    return false
  end

  for name, bytes in pairs(REFUSED) do
    it("is refused: " .. name, function()
      local before = peer:count("request")
      local raw = gateway:connect()
      raw:send(bytes .. SMUGGLED)
      local response = assert(raw:response())
      assert.is_true(response.status == 400 or response.status == 501 or response.status == 505,
        tostring(response.status))
      assert.equal("close", response.headers.connection)
      assert.equal("", raw:rest())
      raw:close()
      assert.equal(before, peer:count("request"))
    end)
  end

  for name, body in pairs(BROKEN_CHUNKS) do
    it("in chunks never looks complete: " .. name, function()
      local bodies = peer:count("body")
      local raw = gateway:connect()
      raw:send(post(CHUNKED, body) .. SMUGGLED)
      local response = raw:response()
      assert.is_true(not response or response.status == 400, response and response.status)
      raw:rest()
      raw:close()
      assert.equal(200, gateway:get({ path = "/up", host = "x" }).status)
      assert.equal(bodies + 1, peer:count("body"))
      assert.is_false(smuggled())
    end)
  end

  it("with another coding is not guessed at", function()
    local response = gateway:exchange(post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"))
    assert.is_true(response.status == 501 or response.status == 400)
    response.raw:close()
  end)

  it("CONNECT and other targets do not pass", function()
    for _, line in ipairs({ "CONNECT x:443 HTTP/1.1", "OPTIONS * HTTP/1.1" }) do
      local response = gateway:exchange(line .. "\r\n" .. H .. "\r\n")
      assert.is_true(response.status >= 400 and response.status < 500)
      response.raw:close()
    end
  end)
end)

describe("an unusual but clear request", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    gateway = helpers.gateway({ config = config.build({ up = { port = peer.ports.main } }) })
  end)
  teardown(helpers.stop_all)

  local function passes(bytes)
    local response = assert(gateway:exchange(bytes))
    assert.equal(200, response.status)
    response.raw:close()
    return peer:last("request")
  end

  it("in absolute form is routed by its own host", function()
    local seen = passes("GET http://other.example/up/a?b HTTP/1.1\r\nHost: other.example\r\n\r\n")
    assert.equal("/a?b", seen.target)
  end)

  it("after an empty line is read", function()
    passes("\r\n" .. get(H))
  end)

  it("with CHUNKED in capitals and extensions is read and framed anew", function()
    local seen = passes(post("Transfer-Encoding: Chunked\r\n", "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"))
    assert.not_matches("a=b", seen.raw)
    assert.equal("abc", peer:last("body").text)
  end)

  it("arriving byte by byte is read", function()
    local raw = gateway:connect()
    for byte in post("Content-Length: 3\r\n", "abc"):gmatch(".") do
      raw:send(byte)
    end
    assert.equal(200, raw:response().status)
    raw:close()
  end)

  it("with high bytes in a value passes them on", function()
    local seen = passes(get(H .. "X-High: caf\195\169\r\n"))
    assert.matches("X%-High: caf", seen.raw)
  end)
end)
