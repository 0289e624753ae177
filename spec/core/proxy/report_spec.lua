-- Lines of the two logs.

local proxy = require("spec.support.proxy")
local C, str = proxy.C, proxy.str

jit.off(true, true)

describe("proxy/report", function()
  local world, client

  local function start(options)
    world = proxy.new()
    world:configure(options or {})
    client = world:client()
  end

  after_each(function()
    world:free()
  end)

  describe("the access log", function()
    it("has nginx's format with the request's id", function()
      start({ settings = { header_request_id = true } })
      client:send("GET /p?q HTTP/1.1\r\nHost: a\r\nReferer: http://r/\r\nUser-Agent: me\r\n\r\n")
      local response = client:response()
      local id = response.head:match("X%-Kong%-Request%-Id: (%x+)")
      assert.matches('^127%.0%.0%.1 %- %- %[%d+/%a+/%d+:%d+:%d+:%d+ [+-]%d+%] '
        .. '"GET /p%?q HTTP/1%.1" 404 ' .. #response.body .. ' "http://r/" "me" kong_request_id: "'
        .. id .. '"\n$', world:access_log())
    end)

    it("escapes what a client could forge lines with", function()
      start()
      client:send('GET /"x HTTP/1.1\r\nHost: a\r\nUser-Agent: a"\\\255\tb\r\n\r\n')
      client:response()
      local line = world:access_log()
      assert.is_truthy(line:find('"GET /\\x22x HTTP/1.1" ', 1, true))
      assert.is_truthy(line:find('"a\\x22\\x5C\\xFF\\x09b"', 1, true))
      assert.equal(1, select(2, line:gsub("\n", "")))
    end)

    it("has a line for what was no request", function()
      start()
      client:send("NONSENSE\r\n\r\n")
      client:rest()
      assert.matches('%] "" 400 ', world:access_log())
    end)

    it("is not written where the settings say so", function()
      start({ settings = { access_log = false } })
      client:send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      client:response()
      assert.equal("", world:access_log())
    end)
  end)

  describe("the error log", function()
    it("has the request after the message, and facts after that", function()
      start({ targets = { 1 } })
      client:send("POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\n")
      client:response()
      assert.matches("%[error%] %d+#%d+: %*%d+ connect%(%) failed %(111: Connection refused%) "
        .. "while connecting to upstream, client: 127.0.0.1, server: kong, "
        .. 'request: "POST /p HTTP/1.1", upstream: "http://127.0.0.1:1/p", host: "a.test", '
        .. 'request_id: "%x+"\n', world:log())
    end)

    it("keeps what follows the first line of a text behind the context", function()
      start({ targets = { 1 } })
      client:send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
      world:wait("a request", function() return world:request() end)
      C.report_text(world:request(), C.LOG_ERR, str("first\nstack\n\tline"))
      assert.matches("first, client: [^\n]*\nstack\n\tline\n", world:log())
      C.report_line(world:request(), C.LOG_DEBUG, str(""), "%s", "not at this level")
      assert.is_nil(world:log():find("not at this", 1, true))
    end)
  end)
end)
