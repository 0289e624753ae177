local ffi = require("ffi")
local http = require("spec.support.http")
local C, str, text = http.C, http.str, http.text

local FACTS = { HOP = 1, ONCE = 2, FRAME = 4 }

-- The rows of names.def: { id, name, facts }.
local function known()
  local rows = {}
  for line in io.lines("core/http/names.def") do
    local id, name, facts = line:match('^HEADER%(([%w_]+), "([^"]+)", (.*)%)$')
    if id then
      rows[#rows + 1] = { id = C["HEADER_" .. id], name = name, facts = facts }
    end
  end
  return rows
end

local function lines(bytes)
  local all = {}
  for line in bytes:gmatch("(.-)\r\n") do
    all[#all + 1] = line
  end
  return all
end

describe("header names", function()
  it("are found in any case, and nothing else is", function()
    assert.is_true(#known() > 30)
    for _, row in ipairs(known()) do
      for _, name in ipairs({ row.name, row.name:lower(), row.name:upper() }) do
        assert.equal(row.id, tonumber(C.header_id(str(name))))
      end
      assert.equal(row.name, text(C.header_name(row.id)))
      for i = 1, #row.name do
        for _, other in ipairs({ "x", "_", "1", "" }) do
          local near = row.name:sub(1, i - 1) .. other .. row.name:sub(i + 1)
          if near:lower() ~= row.name:lower() then
            local id = tonumber(C.header_id(str(near)))
            assert.is_true(id == 0 or text(C.header_name(id)):lower() == near:lower())
          end
        end
      end
      assert.equal(0, tonumber(C.header_id(str(row.name .. "x"))))
    end
    assert.equal(0, tonumber(C.header_id(str(""))))
    assert.equal(0, tonumber(C.header_id(str(("x"):rep(100)))))
  end)

  it("have the facts of their line", function()
    for _, row in ipairs(known()) do
      local facts = 0
      for fact in row.facts:gmatch("%u+") do
        facts = facts + FACTS[fact]
      end
      assert.equal(facts, C.header_facts(row.id))
    end
  end)

  it("are tokens, and values have no line ends", function()
    assert.is_true(C.header_valid(str("X-a_b.c!#$%&'*+^`|~9"), str("any \t\195\164")))
    for _, name in ipairs({ "", "a b", "a:", "a\r", "\195\164", "a(b", "a\0", "a,b", "a/b" }) do
      assert.is_false(C.header_valid(str(name), str("x")))
    end
    for _, value in ipairs({ "a\rb", "a\n", "\0" }) do
      assert.is_false(C.header_valid(str("X"), str(value)))
    end
  end)

  it("finds what may not be in a value, wherever in it that is", function()
    for n = 1, 20 do
      for at = 0, n - 1 do
        for _, byte in ipairs({ "\r", "\n", "\0", "\t" }) do
          local value = ("x"):rep(at) .. byte .. ("\255"):rep(n - 1 - at)
          assert.equal(byte == "\t", C.header_valid(str("X"), str(value)), ("%q"):format(value))
        end
      end
    end
  end)

  it("methods are matched exactly", function()
    for id,
      name in pairs({ "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
        "CONNECT" }) do
      assert.equal(id, tonumber(C.method_id(str(name))))
    end
    for _, name in ipairs({ "", "get", "GETS", "GE", "PROPFIND" }) do
      assert.equal(0, tonumber(C.method_id(str(name))))
    end
  end)
end)

describe("head", function()
  local arena, head

  before_each(function()
    arena = http.arena()
    head = http.head({
      { "Host", "a" }, { "X-One", "1" }, { "Accept", "x" }, { "x-one", "2" }, { "ACCEPT", "y" },
    }, arena)
  end)

  local function value(name)
    local field = C.head_find(head, str(name))
    return field ~= nil and text(field.value) or nil
  end

  it("finds the first field of a name", function()
    assert.equal("a", value("HOST"))
    assert.equal("1", value("X-ONE"))
    assert.equal("x", text(C.head_get(head, C.HEADER_ACCEPT).value))
    assert.is_nil(value("X-Two"))
    assert.is_true(C.head_get(head, C.HEADER_COOKIE) == nil)
  end)

  it("sets in the place of the first", function()
    C.head_set(head, str("accept"), str("z"))
    C.head_set(head, str("X-ONE"), str("3"))
    C.head_set(head, str("X-Two"), str("4"))
    C.head_set_id(head, C.HEADER_VIA, str("5"))
    assert.same({ "Host: a", "X-ONE: 3", "accept: z", "X-Two: 4", "Via: 5" }, http.fields(head))
  end)

  it("removes all of a name", function()
    C.head_remove(head, str("x-ONE"))
    C.head_remove(head, str("Accept"))
    C.head_remove_id(head, C.HEADER_COOKIE)
    assert.same({ "Host: a" }, http.fields(head))
    assert.is_nil(value("Accept"))
    C.head_add(head, str("Accept"), str("again"))
    assert.equal("again", value("accept"))
  end)

  it("grows", function()
    for i = 1, 300 do
      C.head_add(head, str("X-" .. i), str("v" .. i))
    end
    assert.equal("v300", value("x-300"))
    assert.equal("v1", value("x-1"))
    assert.equal(305, #http.fields(head))
  end)

  it("tells unknown names apart that look alike, in copies, too", function()
    -- Of equal length and with equal ends.
    for i = 1, 9 do
      C.head_set(head, str(("X-%d-A"):format(i)), str("v" .. i))
    end
    C.head_set(head, str("x-5-a"), str("again"))
    local copy = ffi.new("struct head")
    C.head_copy(copy, head, 1)
    for _, one in ipairs({ head, copy }) do
      assert.equal(14, #http.fields(one))
      assert.equal("again", text(C.head_find(one, str("X-5-A")).value))
      assert.equal("v9", text(C.head_find(one, str("x-9-A")).value))
      for _, absent in ipairs({ "X-0-A", "X-1-B", "A", "" }) do
        assert.is_true(C.head_find(one, str(absent)) == nil)
      end
    end
  end)

  it("looks into lists", function()
    head = http.head({ { "Connection", "close, X" }, { "Connection", " ,Upgrade ,," } }, arena)
    for _, token in ipairs({ "close", "CLOSE", "x", "upgrade" }) do
      assert.is_true(C.head_has_token(head, C.HEADER_CONNECTION, str(token)))
    end
    for _, token in ipairs({ "clos", "", "close, X", "y" }) do
      assert.is_false(C.head_has_token(head, C.HEADER_CONNECTION, str(token)))
    end
    assert.is_false(C.head_has_token(head, C.HEADER_VIA, str("x")))
  end)

  it("drops what is hop-by-hop or named by Connection, but never Host or the framing", function()
    head = http.head({
      { "Host", "a" }, { "Connection", "X-Secret, host, content-length, x-real-ip" },
      { "X-Secret", "1" },
      { "Connection", "connection, other" }, { "Content-Length", "5" }, { "Keep-Alive", "x" },
      { "TE", "trailers" },
      { "x-secret", "2" }, { "Upgrade", "h2c" }, { "X-Real-IP", "6.6.6.6" }, { "Other", "x" },
      { "Proxy", "x" },
      { "Transfer-Encoding", "chunked" }, { "Trailer", "x" }, { "Stays", "x" },
    }, arena)
    C.head_strip_hop_by_hop(head)
    assert.same({ "Host: a", "Content-Length: 5", "Stays: x" }, http.fields(head))
    assert.is_true(C.head_get(head, C.HEADER_CONNECTION) == nil)
    assert.is_true(C.head_get(head, C.HEADER_UPGRADE) == nil)
  end)

  it("writes a request", function()
    head.method, head.target = str("POST"), str("/a?b")
    head.framing, head.content_length = C.FRAMING_LENGTH, 18446744073709551615ULL
    C.head_add(head, str("content-length"), str("666"))
    C.head_add(head, str("Transfer-Encoding"), str("chunked"))
    C.head_add(head, str("Connection"), str("close"))
    C.head_remove(head, str("Accept"))
    local bytes = text(C.head_write_request(head, arena, str("keep-alive")))
    assert.same({
      "POST /a?b HTTP/1.1", "Host: a", "X-One: 1", "x-one: 2",
      "Content-Length: 18446744073709551615",
      "Connection: keep-alive", "",
    }, lines(bytes))
    head.framing = C.FRAMING_NONE
    assert.same({ "POST /a?b HTTP/1.1", "Host: a", "X-One: 1", "x-one: 2", "" },
      lines(text(C.head_write_request(head, arena, str("")))))
  end)

  it("writes a response", function()
    head.status, head.framing = 502, C.FRAMING_CHUNKED
    assert.same({
      "HTTP/1.1 502 Bad Gateway", "Host: a", "X-One: 1", "Accept: x", "x-one: 2", "ACCEPT: y",
      "Transfer-Encoding: chunked", "Connection: close", "",
    }, lines(text(C.head_write_response(head, arena, str("close")))))
    head = http.head(nil, arena)
    head.status, head.reason, head.framing, head.content_length = 299, str("So so"),
      C.FRAMING_LENGTH, 0
    assert.equal("HTTP/1.1 299 So so\r\nContent-Length: 0\r\n\r\n",
      text(C.head_write_response(head, arena, str(""))))
  end)

  it("is read again as it was written", function()
    head.method, head.target = str("PUT"), str("/x")
    head.framing, head.content_length = C.FRAMING_LENGTH, 3
    local bytes = text(C.head_write_request(head, arena, str("close")))
    local again = http.parse(bytes .. "abc")
    assert.equal("abc", again.body)
    assert.is_false(again.head.keep_alive)
    assert.equal(#http.fields(head) + 2, #again.head.fields)
  end)

  it("knows reasons", function()
    for status, reason in pairs({
      [100] = "Continue", [200] = "OK", [404] = "Not Found", [502] = "Bad Gateway",
      [511] = "Network Authentication Required",
      [499] = "Unknown", [0] = "Unknown", [999] = "Unknown",
    }) do
      assert.equal(reason, text(C.status_reason(status)))
    end
  end)

  it("has structs of the size that the hot path counts on", function()
    assert.equal(40, ffi.sizeof("struct header"))
  end)
end)
