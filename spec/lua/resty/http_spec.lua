-- Framing, as resty.http reads and writes it; its connections are spec/e2e/resty_http_spec.lua's.

local bodies = require("weir.http.body")
local headers = require("resty.http_headers")
local inputs = require("weir.ngx.socket.input")
local requests = require("weir.http.request")
local responses = require("weir.http.response")
local uris = require("weir.http.uri")

describe("resty.http_headers", function()
  it("finds a field in any case, and keeps the case that it first had", function()
    local fields = headers.new()
    fields["Content-Type"] = "a"
    fields["content_type"] = "b"
    assert.equal("b", fields["CONTENT-TYPE"])
    local names = {}
    for name in pairs(fields) do
      names[#names + 1] = name
    end
    assert.same({ "Content-Type" }, names)
    fields["Content-Type"] = nil
    fields["content-type"] = "c"
    assert.equal("c", rawget(fields, "content-type"))
  end)

  it("keeps no name with an underscore: it would be another field for everybody else", function()
    local fields = headers.new()
    fields.content_length = "3"
    fields["Content-Length"] = 35
    assert.equal("GET / HTTP/1.1\r\ncontent-length: 35\r\n\r\n",
      requests.head({ method = "GET", path = "/", version = 1.1 }, fields))
  end)
end)

describe("weir.http.uri", function()
  it("takes URIs apart", function()
    for text, want in pairs({
      ["http://a.example"] = { "http", "a.example", 80, "/", "" },
      ["HTTPS://a.example:8443/p/q?x=1&y#f"] = { "https", "a.example", 8443, "/p/q", "x=1&y" },
      ["http://[::1]:81/"] = { "http", "[::1]", 81, "/", "" },
      ["https://a?b"] = { "https", "a", 443, "/", "b" },
    }) do
      local got = assert(uris.parse(text))
      assert.same(want, { got.scheme, got.host, got.port, got.path, got.query })
    end
  end)

  it("refuses what it cannot tell apart", function()
    for _, text in ipairs({ "a.example", "ftp://a", "http://", "http://u:p@a/", "http://a:b/",
                            "http://a:70000/", "http://a b/", "http://a\r\nX: y/" }) do
      assert.same({ nil, "bad uri: " .. text }, { uris.parse(text) })
    end
  end)

  it("knows the Host field", function()
    assert.equal("a", uris.authority("https", "a", 443))
    assert.equal("a:443", uris.authority("http", "a", 443))
    assert.equal("localhost", uris.authority("http", "unix:/x"))
  end)
end)

describe("weir.http.request", function()
  local GET = { method = "GET", path = "/a", version = 1.1 }

  it("writes heads", function()
    assert.equal("GET /a HTTP/1.1\r\nX: 1\r\nX: 2\r\n\r\n", requests.head(GET, { X = { 1, 2 } }))
    assert.equal("GET /a?b=c HTTP/1.0\r\n\r\n",
      requests.head({ method = "GET", path = "/a", query = "b=c", version = 1.0 }, {}))
    assert.equal("GET /a?b=c%20d HTTP/1.1\r\n\r\n",
      requests.head({ method = "GET", path = "/a", query = { b = "c d" }, version = 1.1 }, {}))
  end)

  it("refuses what would end a line, or is no name", function()
    for _, fields in ipairs({ { X = "a\nb" }, { X = "a\0" }, { ["X Y"] = "1" }, { ["X:"] = "1" },
                              { X = { "1", "2\r\n" } }, { "1" } }) do
      assert.is_nil(requests.head(GET, fields))
    end
    assert.is_nil(requests.head({ method = "GET /", path = "/", version = 1.1 }, {}))
    assert.is_nil(requests.head({ method = "GET", path = "/\127", version = 1.1 }, {}))
  end)
end)

describe("weir.http.response", function()
  -- A socket that receives the text in pieces of a few bytes.
  local function receiving(text, size)
    local at = 1
    local input = inputs.new(function()
      local piece = text:sub(at, at + (size or 7) - 1)
      at = at + #piece
      if piece == "" then
        return nil, "closed"
      end
      return piece
    end)
    return { input = input, receiveany = function(_, most) return input:any(most) end }
  end

  local function read(text, method, size)
    local sock = receiving(text, size)
    local head, err = responses.head(sock, method or "GET")
    if not head then
      return nil, err
    end
    local ended
    local body, why = bodies.all(bodies.reader(sock, head, function() ended = true end))
    return head, body or why, ended
  end

  it("reads a head and a body of known length, whatever the pieces", function()
    for size = 1, 60, 7 do
      local head, body, ended = read("HTTP/1.1 200 Fine thing\r\nX-A: 1\r\nx-a:2 \r\n"
        .. "Content-Length: 5\r\n\r\nhello", nil, size)
      assert.same({ 200, "Fine thing", { "1", "2" }, "length", true },
        { head.status, head.reason, head.headers["X-A"], head.framing, head.kept })
      assert.equal("hello", body)
      assert.is_true(ended)
    end
  end)

  it("reads chunks with extensions and trailers", function()
    local head, body, ended = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
      .. "5;x=y\r\nhello\r\n6 \r\n world\r\n0\r\nX-Sum: 7\r\n\r\n")
    assert.equal("hello world", body)
    assert.is_true(ended)
    assert.equal("7", head.trailers["x-sum"])
  end)

  it("reads to the end where nothing says how long", function()
    local head, body, ended = read("HTTP/1.0 200 OK\r\n\r\nall of it")
    assert.same({ "all of it", true, false }, { body, ended, head.kept })
  end)

  it("knows what has no body", function()
    for _, case in ipairs({ { "HEAD", 200 }, { "GET", 204 }, { "GET", 304 } }) do
      local head, body = read(("HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n"):format(case[2]),
        case[1])
      assert.same({ "none", "" }, { head.framing, body })
    end
  end)

  it("says that a body was cut", function()
    assert.equal("closed", select(2, read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")))
    assert.equal("closed", select(2, read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "5\r\nhello\r\n")))
  end)

  it("closes when the other side wants to", function()
    local function kept(line, connection)
      local head = ("%s\r\nConnection: %s\r\nContent-Length: 0\r\n\r\n"):format(line, connection)
      return (read(head)).kept
    end
    assert.is_false(kept("HTTP/1.1 200 OK", "x, Close"))
    assert.is_true(kept("HTTP/1.0 200 OK", "keep-alive"))
    assert.is_false(kept("HTTP/1.0 200 OK", "x"))
  end)

  local REFUSED = {
    ["both lengths"] = "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ["two lengths"] = "Content-Length: 5\r\nContent-Length: 6\r\n",
    ["a length with a sign"] = "Content-Length: +5\r\n",
    ["what is taken for a length"] = "Content_Length: 1\r\n",
    ["what is taken for a coding"] = "transfer_Encoding: chunked\r\n",
    ["a list of lengths"] = "Content-Length: 5, 5\r\n",
    ["an endless length"] = "Content-Length: 99999999999999999\r\n",
    ["another coding"] = "Transfer-Encoding: gzip, chunked\r\n",
    ["two codings"] = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ["a folded line"] = "X-A: 1\r\n 2\r\n",
    ["a space before the colon"] = "X-A : 1\r\n",
    ["a field without a colon"] = "nonsense\r\n",
    ["a carriage return within a value"] = "Content-Length: 1\r0\r\n",
    ["a NUL"] = "X-A: a\0b\r\n",
    ["too many fields"] = ("X: y\r\n"):rep(300),
    ["too long a line"] = "X: " .. ("y"):rep(70000) .. "\r\n",
  }
  for what, text in pairs(REFUSED) do
    it("refuses " .. what, function()
      local head, err = read("HTTP/1.1 200 OK\r\n" .. text .. "\r\nhello", nil, 4096)
      assert.is_nil(head)
      assert.is_string(err)
    end)
  end

  it("refuses what is no status line", function()
    for _, line in ipairs({ "HTTP/2 200", "HTTP/1.1 20 OK", "HTTP/1.1  200 OK", "ICY 200 OK",
                            "HTTP/1.1 2000 OK" }) do
      assert.same({ nil, "couldn't parse HTTP response" }, { read(line .. "\r\n\r\n") })
    end
  end)

  it("refuses chunks that are none", function()
    for _, chunk in ipairs({ "x\r\nhello\r\n", "-5\r\nhello\r\n", "5\r\nhelloworld\r\n",
                             "0x5\r\nhello\r\n", "fffffffffffff\r\nhello\r\n" }) do
      local head, err, ended = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunk
        .. "0\r\n\r\n")
      assert.is_table(head)
      assert.matches("chunk", err)
      assert.is_nil(ended)
    end
  end)
end)
