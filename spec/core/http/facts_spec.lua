-- The strict reading by itself, without llhttp in front of it: each rule holds alone.

local ffi = require("ffi")
local http = require("spec.support.http")
local C, str, text = http.C, http.str, http.text

local MAX_TARGET = 100

local function code(err)
  return err ~= nil and ffi.string(err.code) or nil
end

local function request(line, fields)
  local head = http.head(fields or { { "Host", "a" } }, http.arena())
  local err = C.facts_request_line(head, str(line), MAX_TARGET)
  if err == nil then
    err = C.facts_request(head)
  end
  return code(err), head
end

local function response(line, fields, to)
  local head, no_body = http.head(fields, http.arena()), ffi.new("bool[1]")
  local err = C.facts_status_line(head, str(line))
  if err == nil then
    err = C.facts_response(head, C.method_id(str(to or "GET")), no_body)
  end
  return code(err), head, no_body[0]
end

describe("facts of a request", function()
  it("splits the request line", function()
    local err, head = request("POST /a/b?c=d HTTP/1.0")
    assert.is_nil(err)
    assert.same({ "POST", "/a/b?c=d", "/a/b", "c=d", 0 },
      { text(head.method), text(head.target), text(head.path), text(head.query), head.minor })
  end)

  it("refuses every line that is not one", function()
    local good = "GET /a HTTP/1.1"
    for n = 0, #good - 1 do
      assert.is_truthy((request(good:sub(1, n))))
    end
    for at = 1, #good do
      for _, c in ipairs({ "\0", "\r", "\n", "\t", "\127", "\255", " " }) do
        if at > 3 and not (c == " " and at == 4) and not (c == " " and at == 7) then
          assert.is_truthy((request(good:sub(1, at - 1) .. c .. good:sub(at + 1))))
        end
      end
    end
  end)

  it("bounds the target", function()
    assert.is_nil((request("GET /" .. ("x"):rep(MAX_TARGET - 1) .. " HTTP/1.1")))
    assert.equal("uri_too_long", (request("GET /" .. ("x"):rep(MAX_TARGET) .. " HTTP/1.1")))
  end)

  it("lets the authority of the target replace Host", function()
    local err, head = request("GET http://b:1/x HTTP/1.1", { { "X", "1" }, { "Host", "a" } })
    assert.is_nil(err)
    assert.same({ "X: 1", "Host: b:1" }, http.fields(head))
    assert.equal("b:1", text(head.authority))
    err, head = request("GET http://b HTTP/1.0", {})
    assert.is_nil(err)
    assert.same({ "Host: b" }, http.fields(head))
  end)

  it("judges the framing", function()
    local CL, TE = "Content-Length", "Transfer-Encoding"
    local rows = {
      { nil, { CL, "0" } }, { nil, { CL, "4611686018427387904" } }, { nil, { TE, "chunked" } },
      { "bad_request", { CL, "1" }, { TE, "chunked" } }, { "bad_request", { CL, "" } },
      { "bad_request", { CL, "1,1" } }, { "bad_request", { CL, "9223372036854775808" } },
      { "bad_request", { CL, "18446744073709551617" } }, { "bad_request", { CL, "٣" } },
      { "bad_request", { TE, "" } }, { "bad_request", { TE, "," } },
      { "bad_request", { TE, "chunked, gzip" } }, { "bad_request", { TE, "chunked, chunked" } },
      { "bad_request", { TE, "gzip, chunked, chunked" } }, { "bad_request", { TE, "chunked\11" } },
      { "unsupported_coding", { TE, "gzip, chunked" } },
      { "bad_request", { "Connection", ("a,"):rep(33) } },
      { nil, { "Connection", ("a,"):rep(32) } },
      { "expectation", { "Expect", "" } }, { "expectation", { "Expect", "100-continues" } },
    }
    for _, row in ipairs(rows) do
      assert.equal(row[1], (request("POST / HTTP/1.1", { { "Host", "a" }, row[2], row[3] })))
    end
    assert.equal("bad_request",
      (request("POST / HTTP/1.0", { { "Host", "a" }, { TE, "chunked" } })))
  end)

  it("refuses TRACE", function()
    assert.equal("trace_method", (request("TRACE / HTTP/1.1", { { "Host", "a" } })))
    assert.is_nil((request("TRACER / HTTP/1.1", { { "Host", "a" } })))
  end)
end)

describe("facts of a response", function()
  it("splits the status line", function()
    local err, head = response("HTTP/1.0 404 Not here")
    assert.is_nil(err)
    assert.same({ 404, "Not here", 0 }, { head.status, text(head.reason), head.minor })
    for _, line in ipairs({
      "", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 20x", "HTTP/1.1\t200",
      "HTTP/1.1 200\tOK", "HTTP/1.1 -20", "HTTP/1.1 000", "HTTP/1.1 101", "http/1.1 200",
      "HTTP/1.2 200", "HTTP/0.9 200", "HTTP/2.0 200", "HTTP/1,1 200", " HTTP/1.1 200",
    }) do
      assert.equal("bad_response", (response(line)))
    end
  end)

  it("knows which framing describes a body that is not sent", function()
    local length = { { "Content-Length", "5" } }
    local rows = {
      { "200", "GET", length, C.FRAMING_LENGTH, false },
      { "200", "GET", {}, C.FRAMING_CLOSE, false },
      { "200", "HEAD", length, C.FRAMING_LENGTH, true },
      { "200", "HEAD", {}, C.FRAMING_NONE, true },
      { "304", "GET", length, C.FRAMING_LENGTH, true }, { "304", "GET", {}, C.FRAMING_NONE, true },
      { "204", "GET", length, C.FRAMING_NONE, false },
    }
    for _, row in ipairs(rows) do
      local err, head, no_body = response("HTTP/1.1 " .. row[1], row[3], row[2])
      assert.is_nil(err)
      assert.same({ tonumber(row[4]), row[5] }, { tonumber(head.framing), no_body })
      assert.equal(tonumber(row[4]) ~= tonumber(C.FRAMING_CLOSE), head.keep_alive)
    end
  end)
end)
