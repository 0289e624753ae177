-- Every message is parsed whole, byte by byte and with a pause in each event: the result is the
-- same. Refusals are the larger part, for what one reader takes and another one skips is how
-- requests are smuggled.

local ffi = require("ffi")
local http = require("spec.support.http")
local C = http.C

local function copy(options, more)
  local all = {}
  for _, from in ipairs({ options or {}, more }) do
    for key, value in pairs(from) do
      all[key] = value
    end
  end
  return all
end

local WAYS = { { step = 1 }, { step = 2 }, { step = 7 }, { pause = true },
  { step = 1, pause = true } }

-- The result of feeding all at once, after checking that other ways of feeding come to the same.
-- What was consumed of a refused message, and which events came before, may differ.
local function parse(bytes, options)
  local whole = http.parse(bytes, options)
  for _, way in ipairs(WAYS) do
    local other = http.parse(bytes, copy(options, way))
    assert.equal(whole.err, other.err)
    if not whole.err then
      assert.same(
        { whole.head, whole.body, whole.log, whole.used, whole.ended, whole.idle },
        { other.head, other.body, other.log, other.used, other.ended, other.idle })
    end
  end
  return whole
end

local function refused(bytes, code, options)
  local result = parse(bytes, options)
  assert.equal(code, result.err)
  assert.is_false(result.ended)
end

local function request(fields, body, line)
  return (line or "POST /p HTTP/1.1") .. "\r\nHost: a\r\n" .. (fields or "") .. "\r\n"
    .. (body or "")
end

local function chunked(body)
  return request("Transfer-Encoding: chunked\r\n", body)
end

local function response(fields, body, line)
  return (line or "HTTP/1.1 200 OK") .. "\r\n" .. (fields or "") .. "\r\n" .. (body or "")
end

describe("h1 request", function()
  it("reads a request without a body", function()
    local bytes = "GET /a%20b/?x=1&y HTTP/1.1\r\nHost: Example.com:80\r\nX-Empty:\r\n"
      .. "accept:  */* \t\r\n\r\n"
    local r = parse(bytes)
    assert.same({
      fields = { "Host: Example.com:80", "X-Empty: ", "accept: */*" },
      method = "GET", target = "/a%20b/?x=1&y", path = "/a%20b/", query = "x=1&y",
      authority = "Example.com:80", minor = 1, framing = "none", length = 0, keep_alive = true,
      expect_continue = false, upgrade = false,
    }, r.head)
    assert.equal("head end", r.log)
    assert.equal(#bytes, r.used)
  end)

  it("leaves a pipelined request to the caller", function()
    local first = request("Content-Length: 5\r\n", "hello")
    local r = parse(first .. "GET / HTTP/1.1\r\n\r\n")
    assert.equal("head body end", r.log)
    assert.equal("hello", r.body)
    assert.equal(#first, r.used)
    assert.equal("length", r.head.framing)
  end)

  it("knows an empty body of length 0", function()
    local r = parse(request("Content-Length: 0\r\n"))
    assert.equal("head end", r.log)
    assert.equal("length", r.head.framing)
  end)

  it("decodes chunks and drops extensions and trailers", function()
    local bytes = chunked("5\r\nhello\r\n001;a=\"b;c\";d\r\n \r\nA\r\n0123456789\r\n"
      .. "0\r\nX-Sum: 1\r\nY: 2\r\n\r\n")
    local r = parse(bytes .. "GET")
    assert.equal("hello 0123456789", r.body)
    assert.equal("head body end", r.log)
    assert.equal(#bytes, r.used)
    assert.same({ "Host: a", "Transfer-Encoding: chunked" }, r.head.fields)
  end)

  it("takes an empty line before the request line, but one only", function()
    assert.equal("head end", parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").log)
    assert.is_true(parse("\r\n").idle)
    refused("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_request")
    refused("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_request")
    refused("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_request")
  end)

  it("waits for the rest", function()
    local bytes = request("Content-Length: 5\r\n", "hello")
    for n = 1, #bytes - 1 do
      local r = http.parse(bytes:sub(1, n), { eof = true })
      assert.is_false(r.ended)
      assert.equal("closed", r.err)
    end
    assert.is_nil(http.parse("", { eof = true }).err)
    assert.is_true(http.parse("").idle)
  end)

  it("follows keep-alive", function()
    local rows = {
      { "HTTP/1.1", "", true },
      { "HTTP/1.1", "Connection: close\r\n", false },
      { "HTTP/1.1", "Connection: x, CLOSE\r\n", false },
      { "HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false },
      { "HTTP/1.1", "Connection: closed\r\n", true },
      { "HTTP/1.0", "", false },
      { "HTTP/1.0", "Connection: Keep-Alive\r\n", true },
      { "HTTP/1.0", "Connection: keep-alive, close\r\n", false },
    }
    for _, row in ipairs(rows) do
      assert.equal(row[3], parse(request(row[2], "", "GET / " .. row[1])).head.keep_alive)
    end
  end)

  it("tells an upgrade and reads on as if there were none", function()
    local r = parse(request("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n",
      "hi"))
    assert.is_true(r.head.upgrade)
    assert.equal("hi", r.body)
    assert.is_true(parse(request("Connection: Upgrade\r\nUpgrade: h2c\r\n")).ended)
    assert.is_false(parse(request("Upgrade: websocket\r\n")).head.upgrade)
  end)

  it("knows one expectation", function()
    assert.is_true(parse(request("Expect: 100-Continue\r\nContent-Length: 1\r\n",
      "x")).head.expect_continue)
    refused(request("Expect: 100-continue, x\r\n"), "expectation")
    refused(request("Expect: 200-ok\r\n"), "expectation")
    assert.is_false(parse(request("Expect: what\r\n", "", "GET / HTTP/1.0")).head.expect_continue)
  end)

  it("takes HTTP/1.0 without Host", function()
    local r = parse("GET / HTTP/1.0\r\n\r\n")
    assert.equal("", r.head.authority)
    assert.is_true(r.ended)
  end)

  it("takes other methods that llhttp knows", function()
    assert.equal("PROPFIND", parse(request("", "", "PROPFIND / HTTP/1.1")).head.method)
    refused(request("", "", "CONNECT a:443 HTTP/1.1"), "bad_request")
    refused(request("", "", "get / HTTP/1.1"), "bad_request")
    refused(request("", "", "NOSUCH / HTTP/1.1"), "bad_request")
  end)
end)

describe("h1 target", function()
  local forms = {
    { "GET http://b.example:81/x?y HTTP/1.1", "/x?y", "b.example:81", "y" },
    { "GET HTTPS://b HTTP/1.1", "/", "b" },
    { "GET http://b?q HTTP/1.1", "/?q", "b", "q" },
    { "GET http://[::1]:80/ HTTP/1.1", "/", "[::1]:80" },
    { "OPTIONS * HTTP/1.1", "*", "a" },
    { "GET /? HTTP/1.1", "/?", "a", "" },
    { "GET //b/c HTTP/1.1", "//b/c", "a" },
    { "GET /a?b?c HTTP/1.1", "/a?b?c", "a", "b?c" },
  }
  for _, form in ipairs(forms) do
    it("takes " .. form[1], function()
      local head = parse(request("", "", form[1])).head
      assert.equal(form[2], head.target)
      assert.equal(form[3], head.authority)
      assert.equal(form[4], head.query)
      assert.equal("Host: " .. form[3], head.fields[1])
    end)
  end

  local bad = {
    "GET * HTTP/1.1", "GET a HTTP/1.1", "GET ftp://a/ HTTP/1.1", "GET http:// HTTP/1.1",
    "GET http:///x HTTP/1.1",
    "GET http://u@a/ HTTP/1.1", "GET http://a,b/ HTTP/1.1", "GET http://a:b/ HTTP/1.1",
    "GET http:/a HTTP/1.1",
    "GET http://a:99999/ HTTP/1.1", "GET /#x HTTP/1.1", "GET /\1 HTTP/1.1", "GET /\127 HTTP/1.1",
    "GET /\195\164 HTTP/1.1", "GET /a b HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
    "GET /\tHTTP/1.1",
    "GET\t/ HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET /\0 HTTP/1.1", "GET /", "GET",
    "GET / HTTP/1.x",
    "GET / http/1.1", "GET / HTTP/01.1", "GET / HTTP/1.10", "GET / RTSP/1.0", "GET / HTTP /1.1",
    "SOURCE / ICE/1.0",
    "GET/ HTTP/1.1", " HTTP/1.1",
  }
  for _, line in ipairs(bad) do
    it(("refuses %q"):format(line), function()
      refused(request("", "", line), "bad_request")
    end)
  end

  it("refuses other versions", function()
    for _, version in ipairs({ "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/3.1" }) do
      refused(request("", "", "GET / " .. version), "http_version")
    end
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http_version")
  end)

  it("refuses what is not HTTP at its first byte", function()
    refused("\22\3\1\2\0\1\0\1\252\3\3", "bad_request")
    refused("\0", "bad_request")
    refused("HTP/1.1 200 OK\r\n\r\n", "bad_response", { response = true })
    refused("\21\3\3\0\2\2\40", "bad_response", { response = true })
  end)
end)

describe("h1 host", function()
  it("refuses a missing, double or invalid one", function()
    local heads = {
      "", "Host:\r\n", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n", "Host: a b\r\n",
      "Host: a/b\r\n",
      "Host: a,b\r\n", "Host: u@a\r\n", "Host: a:b\r\n", "Host: a:65536\r\n", "Host: a:-1\r\n",
      "Host: [::1\r\n",
      "Host: []\r\n", "Host: [g]\r\n", "Host: a:1:2\r\n", "Host: %61\r\n", "Host: a\0b\r\n",
      "Host: \195\164\r\n",
      "Host: :80\r\n", "Host: a#b\r\n", "Host: a?b\r\n", "Host: a\\b\r\n",
      "Host: a:1111111111111111111\r\n",
    }
    for _, fields in ipairs(heads) do
      refused("GET / HTTP/1.1\r\n" .. fields .. "\r\n", "bad_request")
    end
    refused("GET http://a/ HTTP/1.1\r\n\r\n", "bad_request")
  end)

  it("takes names, addresses and ports", function()
    local good = { "a", "a.b.", "a_b:8080", "127.0.0.1",
      "[::1]", "[::1]:1", "a:", "xn--bcher-kva.example" }
    for _, host in ipairs(good) do
      assert.equal(host, parse("GET / HTTP/1.1\r\nHost: " .. host .. "\r\n\r\n").head.authority)
    end
  end)
end)

describe("h1 framing of requests", function()
  local bad = {
    ["CL.TE"] = "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    ["TE.CL"] = "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    ["two lengths"] = "Content-Length: 6\r\nContent-Length: 6\r\n",
    ["two lengths that differ"] = "Content-Length: 6\r\ncontent-length: 7\r\n",
    ["a list of lengths"] = "Content-Length: 6, 6\r\n",
    ["a plus"] = "Content-Length: +6\r\n",
    ["a minus"] = "Content-Length: -6\r\n",
    ["no length"] = "Content-Length:\r\n",
    ["a hexadecimal length"] = "Content-Length: 0x6\r\n",
    ["a length with a space"] = "Content-Length: 6 6\r\n",
    ["a length with an exponent"] = "Content-Length: 6e1\r\n",
    ["a length of 2^64"] = "Content-Length: 18446744073709551616\r\n",
    ["a length of 2^64 + 6"] = "Content-Length: 18446744073709551622\r\n",
    ["a length of 2^63"] = "Content-Length: 9223372036854775808\r\n",
    ["a length in a folded line"] = "Content-Length:\r\n 6\r\n",
    ["two codings in two lines"] = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ["a second coding behind"] = "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ["chunked twice"] = "Transfer-Encoding: chunked, chunked\r\n",
    ["chunked not last"] = "Transfer-Encoding: chunked, gzip\r\n",
    ["no chunked"] = "Transfer-Encoding: gzip\r\n",
    ["identity"] = "Transfer-Encoding: identity\r\n",
    ["an empty coding"] = "Transfer-Encoding:\r\n",
    ["xchunked"] = "Transfer-Encoding: xchunked\r\n",
    ["chunkedx"] = "Transfer-Encoding: chunkedx\r\n",
    ["chunked with a parameter"] = "Transfer-Encoding: chunked;q=1\r\n",
    ["chunked in quotes"] = 'Transfer-Encoding: "chunked"\r\n',
    ["chunked behind a vertical tab"] = "Transfer-Encoding: \11chunked\r\n",
    ["chunked before a vertical tab"] = "Transfer-Encoding: chunked\11\r\n",
    ["chunked behind a NUL"] = "Transfer-Encoding: \0chunked\r\n",
    ["a folded coding"] = "Transfer-Encoding:\r\n chunked\r\n",
    ["a folded line before"] = "X: y\r\n Transfer-Encoding: chunked\r\n",
    ["a space before the colon"] = "Transfer-Encoding : chunked\r\n",
    ["a tab before the colon"] = "Transfer-Encoding\t: chunked\r\n",
    ["a space before the name"] = " Transfer-Encoding: chunked\r\n",
    ["a space in a name"] = "Transfer Encoding: chunked\r\n",
    ["a control character in a name"] = "Transfer-Encoding\1: chunked\r\n",
    ["a NUL in a name"] = "X\0Y: chunked\r\n",
    ["a NUL in a value"] = "X: y\0z\r\n",
    ["a control character in a value"] = "X: y\1z\r\n",
    ["a DEL in a value"] = "X: y\127z\r\n",
    ["an empty name"] = ": x\r\n",
    ["a line without a colon"] = "Transfer-Encoding\r\n",
    ["a bare LF at a line's end"] = "X: y\nTransfer-Encoding: chunked\r\n",
    ["a bare LF in front"] = "X: y\r\n\nTransfer-Encoding: chunked\r\n",
    ["a bare CR"] = "X: y\rTransfer-Encoding: chunked\r\n",
    ["a bare CR in a value"] = "X: y\rz\r\n",
    ["CR CR LF"] = "X: y\r\r\n",
    ["a bare CR at a line's start"] = "\rX: y\r\n",
    ["two of Content-Type"] = "Content-Type: a/b\r\nContent-Type: a/b\r\n",
    ["two of Authorization"] = "Authorization: x\r\nAuthorization: y\r\n",
    ["two of Expect"] = "Expect: 100-continue\r\nExpect: 100-continue\r\n",
    ["33 options of a connection"] = "Connection: " .. ("x,"):rep(33) .. "\r\n",
  }
  for name, fields in pairs(bad) do
    it("refuses " .. name, function()
      refused(request(fields, "0\r\n\r\nx"), "bad_request")
    end)
  end

  it("refuses lines that end in a bare LF throughout", function()
    refused("GET / HTTP/1.1\nHost: a\n\n", "bad_request")
    refused("GET / HTTP/1.1\r\nHost: a\r\n\n", "bad_request")
    refused("GET / HTTP/1.1\r\nHost: a\n\r\n", "bad_request")
  end)

  it("refuses chunks in HTTP/1.0", function()
    refused(request("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "POST / HTTP/1.0"),
      "bad_request")
  end)

  it("does not have other codings", function()
    refused(request("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "unsupported_coding")
  end)

  it("takes chunked in any case, with spaces around", function()
    for _, value in ipairs({ "Chunked", "  chunked ", "CHUNKED", "\tchunked" }) do
      assert.equal("chunked",
        parse(request("Transfer-Encoding:" .. value .. "\r\n", "0\r\n\r\n")).head.framing)
    end
  end)

  it("takes a large length", function()
    assert.equal("length",
      parse(request("Content-Length: 1152921504606846976\r\n", "x")).head.framing)
    assert.equal(7, parse(request("Content-Length: 0000000007\r\n", "1234567")).head.length)
  end)
end)

describe("h1 chunks", function()
  local bad = {
    ["no digits"] = "\r\nhello\r\n",
    ["no hexadecimal digits"] = "g\r\n",
    ["0x"] = "0x5\r\nhello\r\n",
    ["a plus"] = "+5\r\nhello\r\n",
    ["a minus"] = "-5\r\nhello\r\n",
    ["a space before"] = " 5\r\nhello\r\n",
    ["a bare LF after the size"] = "5\nhello\r\n",
    ["a bare CR after the size"] = "5\rhello\r\n",
    ["no CRLF after the data"] = "5\r\nhello0\r\n",
    ["a bare LF after the data"] = "5\r\nhello\n0\r\n\r\n",
    ["a bare CR after the data"] = "5\r\nhello\r0\r\n\r\n",
    ["other bytes after the data"] = "5\r\nhelloXX0\r\n\r\n",
    ["a size of 2^64"] = "10000000000000000\r\n",
    ["a size of 2^64 + 5"] = "10000000000000005\r\nhello\r\n",
    ["a size of 17 digits"] = "fffffffffffffffff\r\nhello\r\n",
    ["a NUL in an extension"] = "5;a\0\r\nhello\r\n",
    ["a bare LF in an extension"] = "5;a\nhello\r\n",
    ["a bare CR in an extension"] = "5;a\rb\r\nhello\r\n",
    ["a CR in a quoted extension"] = '5;a="\r\n"\r\nhello\r\n',
    ["a bare LF after the last size"] = "0\n\r\n",
    ["a bare LF at the end"] = "0\r\n\n",
    ["a bare LF in trailers"] = "0\r\nX: y\n\r\n",
    ["a bare CR in trailers"] = "0\r\nX: y\rZ: a\r\n\r\n",
    ["a folded trailer"] = "0\r\nX: y\r\n z\r\n\r\n",
    ["a trailer without a colon"] = "0\r\nGET / HTTP/1.1\r\n\r\n",
    ["a space before a trailer's colon"] = "0\r\nX : y\r\n\r\n",
  }
  for name, body in pairs(bad) do
    it("refuses " .. name, function()
      refused(chunked(body), "bad_request")
      refused(response("Transfer-Encoding: chunked\r\n", body), "bad_response", { response = true })
    end)
  end

  it("counts extensions", function()
    assert.is_true(parse(chunked("5;a=" .. ("x"):rep(4000) .. "\r\nhello\r\n0\r\n\r\n")).ended)
    refused(chunked("5;a=" .. ("x"):rep(5000) .. "\r\nhello\r\n0\r\n\r\n"), "bad_request")
    refused(chunked("5;" .. (";"):rep(5000) .. "\r\nhello\r\n0\r\n\r\n"), "bad_request")
    refused(chunked(("0"):rep(5000) .. "5\r\nhello\r\n0\r\n\r\n"), "bad_request")
    refused(chunked(("1;a=" .. ("b"):rep(100) .. "\r\nx\r\n"):rep(60)), "bad_request")
    assert.equal(1000, #parse(chunked(("1\r\nx\r\n"):rep(1000) .. "0\r\n\r\n")).body)
  end)

  it("counts trailers as part of the head", function()
    refused(chunked("0\r\n" .. ("X: y\r\n"):rep(8000) .. "\r\n"), "head_too_large")
    refused(chunked("0\r\nX: " .. ("y"):rep(40000)), "head_too_large")
  end)

  it("gives out a large size as it comes", function()
    local r = parse(chunked("7fffffffffffffff\r\nhello"))
    assert.equal("hello", r.body)
    assert.is_false(r.ended)
  end)
end)

describe("h1 limits", function()
  local function target(n)
    return request("", "", "GET /" .. ("x"):rep(n - 1) .. " HTTP/1.1")
  end

  it("bounds the target", function()
    assert.is_true(http.parse(target(8192)).ended)
    assert.equal("uri_too_long", http.parse(target(8193)).err)
    refused("GET /" .. ("x"):rep(10000), "uri_too_long")
    refused(("X"):rep(40000), "uri_too_long")
  end)

  it("bounds the head", function()
    local room = 32 * 1024 - #request("X: \r\n")
    assert.is_true(http.parse(request("X: " .. ("y"):rep(room) .. "\r\n")).ended)
    assert.equal("head_too_large", http.parse(request("X: " .. ("y"):rep(room + 1) .. "\r\n")).err)
    assert.equal("head_too_large",
      http.parse(request("X: " .. ("y"):rep(room + 1) .. "\r\n"), { step = 1 }).err)
    assert.equal("response_head_too_large",
      http.parse(response("X: " .. ("y"):rep(40000)), { response = true, step = 1000 }).err)
  end)

  it("bounds the number of fields", function()
    assert.is_true(http.parse(request(("X: y\r\n"):rep(499))).ended)
    refused(request(("X: y\r\n"):rep(500)), "head_too_large")
  end)

  it("bounds the memory of a head that comes in bytes", function()
    local arena = http.arena()
    local head, h, err = http.head(nil, arena), ffi.new("struct h1"), ffi.new("err_t[1]")
    C.h1_init_request(h, nil, nil, head)
    local bytes = "GET / HTTP/1.1\r\nX: " .. ("y"):rep(32000)
    for i = 1, #bytes do
      C.h1_feed(h, bytes:sub(i, i), 1, err)
      C.arena_printf(arena, "x")
    end
    assert.is_true(err[0] == nil)
    assert.is_true(tonumber(arena.used) < 4 * 32 * 1024 + 16 * #bytes)
  end)
end)

describe("h1 response", function()
  local function read(bytes, options)
    return parse(bytes, copy(options, { response = true }))
  end

  it("reads a response of known length", function()
    local bytes = response("Content-Length: 2\r\nServer: x\r\n", "hi")
    local r = read(bytes .. "HTTP/1.1 200 OK\r\n")
    assert.same({
      fields = { "Content-Length: 2", "Server: x" }, status = 200, reason = "OK", minor = 1,
      framing = "length",
      length = 2, keep_alive = true,
    }, r.head)
    assert.equal("head body end", r.log)
    assert.equal(#bytes, r.used)
  end)

  it("reads chunks", function()
    local r = read(response("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"))
    assert.equal("hi", r.body)
    assert.is_true(r.ended)
  end)

  it("reads to the end of the connection", function()
    local r = read(response("", "hi there"), { eof = true })
    assert.equal("hi there", r.body)
    assert.equal("head body end", r.log)
    assert.equal("close", r.head.framing)
    assert.is_false(r.head.keep_alive)
    assert.is_nil(r.err)
    assert.equal("head end", read(response(""), { eof = true }).log)
  end)

  it("notices a truncated one", function()
    local cut = {
      response("Content-Length: 3\r\n", "hi"),
      response("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n"),
      response("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n"), "HTTP/1.1 200",
      "HTTP/1.1 100 Continue\r\n\r\n",
    }
    for _, bytes in ipairs(cut) do
      assert.equal("response_truncated", read(bytes, { eof = true }).err)
    end
    assert.is_nil(read("", { eof = true }).err)
  end)

  it("has no body where there can be none", function()
    local head = read(response("Content-Length: 5\r\n", "HTTP/1.1"), { to = "HEAD" })
    assert.equal("head end", head.log)
    assert.equal(5, head.head.length)
    assert.is_true(head.no_body)
    assert.equal("head end",
      read(response("Transfer-Encoding: chunked\r\n", "x"), { to = "HEAD" }).log)
    assert.is_true(read(response(""), { to = "HEAD" }).head.keep_alive)
    local same = read(response("Content-Length: 5\r\n", "x", "HTTP/1.1 304 Not Modified"))
    assert.equal("head end", same.log)
    assert.equal("length", same.head.framing)
    local empty = read(response("Content-Length: 5\r\n", "x", "HTTP/1.1 204 No Content"))
    assert.equal("head end", empty.log)
    assert.equal("none", empty.head.framing)
    assert.is_true(empty.head.keep_alive)
  end)

  it("passes interim responses over", function()
    local r = read("HTTP/1.1 100 Continue\r\n\r\n"
      .. "HTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 9\r\n\r\n"
      .. response("Content-Length: 2\r\n", "hi"))
    assert.equal("head body end", r.log)
    assert.same({ "Content-Length: 2" }, r.head.fields)
    assert.equal(200, r.head.status)
    refused(("HTTP/1.1 100 Continue\r\n\r\n"):rep(2000), "response_head_too_large",
      { response = true })
    assert.is_false(read("HTTP/1.1 100 Continue\r\n\r\n").idle)
  end)

  it("follows keep-alive", function()
    assert.is_false(read(response("Content-Length: 0\r\nConnection: close\r\n")).head.keep_alive)
    assert.is_false(read(response("Content-Length: 0\r\n", "", "HTTP/1.0 200 OK")).head.keep_alive)
    assert.is_true(
      read(response("Content-Length: 0\r\nConnection: keep-alive\r\n", "",
        "HTTP/1.0 200 OK")).head.keep_alive)
  end)

  it("takes a status line without a reason, and any reason", function()
    assert.equal("", read(response("", "", "HTTP/1.1 200")).head.reason)
    assert.equal("", read(response("", "", "HTTP/1.1 200 ")).head.reason)
    assert.equal("Not so good", read(response("", "", "HTTP/1.1 599 Not so good")).head.reason)
  end)

  local bad = {
    ["an upgrade"] = response("Connection: upgrade\r\nUpgrade: x\r\n", "",
      "HTTP/1.1 101 Switching Protocols"),
    ["two digits"] = response("", "", "HTTP/1.1 20 OK"),
    ["four digits"] = response("", "", "HTTP/1.1 2000 OK"),
    ["status 99"] = response("", "", "HTTP/1.1 099 OK"),
    ["another version"] = response("", "", "HTTP/2.0 200 OK"),
    ["another protocol"] = response("", "", "ICY 200 OK"),
    ["RTSP"] = response("", "", "RTSP/1.0 200 OK"),
    ["HTTP/0.9"] = "hello",
    ["two spaces"] = response("", "", "HTTP/1.1  200 OK"),
    ["an empty line before"] = "\r\n" .. response(""),
    ["both framings"] = response("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "0\r\n\r\n"),
    ["both framings, for HEAD"] = response("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    ["two lengths"] = response("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    ["a list of lengths"] = response("Content-Length: 5, 5\r\n", "hello"),
    ["a signed length"] = response("Content-Length: +5\r\n", "hello"),
    ["another coding"] = response("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    ["a coding without chunks"] = response("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"),
    ["chunks in HTTP/1.0"] = response("Transfer-Encoding: chunked\r\n", "0\r\n\r\n",
      "HTTP/1.0 200 OK"),
    ["a bare LF"] = "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    ["a bare CR in a value"] = response("X: y\rz\r\n"),
    ["a folded line"] = response("X: y\r\n z\r\n"),
    ["a space before the colon"] = response("Content-Length : 5\r\n", "hello"),
    ["a NUL"] = response("X: \0\r\n"),
    ["an empty name"] = response(": x\r\n"),
  }
  for name, bytes in pairs(bad) do
    it("refuses " .. name, function()
      refused(bytes, "bad_response",
        { response = true, to = name:find("HEAD") and "HEAD" or "GET" })
    end)
  end
end)

describe("h1 chunk line", function()
  it("writes the size in hexadecimal", function()
    local out = ffi.new("char[20]")
    for size,
      line in pairs({ [1] = "1", [15] = "f", [16] = "10", [65536] = "10000",
        [2 ^ 52] = "10000000000000" }) do
      assert.equal(line .. "\r\n", http.text(C.h1_chunk_line(size, out)))
    end
    assert.equal("ffffffffffffffff\r\n", http.text(C.h1_chunk_line(0xffffffffffffffffULL, out)))
  end)
end)
