-- Responses that are held until they are whole.

local ffi = require("ffi")
local proxy = require("spec.support.proxy")
local C, str = proxy.C, proxy.str

jit.off(true, true)

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local HEAD_OF_TEN = "HTTP/1.1 200 OK\r\nX-Up: 1\r\nContent-Length: 10\r\n\r\n"

describe("proxy/hold", function()
  local world, server

  after_each(function()
    world:free()
  end)

  -- A request that has reached the upstream: both ends.
  local function start(hooks, options)
    world = proxy.new(hooks)
    server = world:listen()
    options = options or {}
    options.targets = { server.port }
    world:configure(options)
    local client = world:client()
    client:send(options.request or GET)
    local peer = server:accept()
    peer:request()
    return client, peer
  end

  local function texts(r)
    return r.held_text.p ~= nil and ffi.string(r.held_text.p, r.held_text.n) or nil
  end

  it("lets nothing out before plugins have seen all of it", function()
    local seen = {}
    local client, peer = start({
      response = function(r) seen[#seen + 1] = { "response", texts(r), r.head_sent } end,
      header_filter = function(r) seen[#seen + 1] = { "header_filter", texts(r), r.head_sent } end,
    })
    peer:send(HEAD_OF_TEN .. "01234")
    world:pass(5)
    assert.equal("", client.got)
    assert.same({}, seen)
    peer:send("56789")
    local response = client:response()
    assert.same({ 200, "0123456789" }, { response.status, response.body })
    assert.matches("\r\nX%-Up: 1\r\n", response.head)
    assert.same({ { "response", "0123456789", false }, { "header_filter", "0123456789", false } },
      seen)
  end)

  it("gives the connection back before plugins run", function()
    local idle
    local client, peer = start({ response = function()
      idle = tonumber(world.proxy.realms.idle)
    end })
    peer:send(HEAD_OF_TEN .. "0123456789")
    client:response()
    assert.equal(1, idle)
    client:send(GET)
    peer:request()
    peer:send(HEAD_OF_TEN .. "again 1234")
    assert.equal("again 1234", client:response().body)
  end)

  it("holds a body of many pieces, in one text", function()
    local size
    local body = ("0123456789abcdef"):rep(4096)
    local client, peer = start({ response = function(r) size = #texts(r) end })
    peer:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i = 1, #body, 8192 do
      peer:send("2000\r\n" .. body:sub(i, i + 8191) .. "\r\n")
    end
    peer:send("0\r\n\r\n")
    assert.equal(body, client:response().body)
    assert.equal(#body, size)
  end)

  it("is what a plugin can ask for", function()
    local seen
    local client, peer = start({
      access = function(r) r.hold_asked = true end,
      header_filter = function(r) seen = texts(r) end,
    })
    peer:send(HEAD_OF_TEN .. "0123456789")
    assert.equal("0123456789", client:response().body)
    assert.equal("0123456789", seen)
  end)

  it("does not happen where nobody wants it", function()
    local client, peer = start({ header_filter = function(r) assert(texts(r) == nil) end })
    peer:send(HEAD_OF_TEN .. "01234")
    client:expect("\r\n\r\n01234")
    peer:send("56789")
    client:expect("56789")
  end)

  it("ends with an error where it is too large, and says so", function()
    local ran = false
    local client, peer = start({ response = function() ran = true end },
      { settings = { response_buffer_size = 9 } })
    peer:send(HEAD_OF_TEN .. "0123456789")
    local response = client:response()
    assert.equal(502, response.status)
    assert.not_matches("X%-Up", response.head)
    assert.is_false(ran)
    assert.matches("%[error%] [^\n]*upstream sent more than response_buffer_size while it was held "
      .. "for plugins", world:log())
    assert.equal("", peer:rest())
  end)

  it("turns a response that breaks off into an error", function()
    local client, peer = start({ response = function() end })
    peer:send(HEAD_OF_TEN .. "01234")
    peer:close()
    local response = client:response()
    assert.equal(502, response.status)
    assert.not_matches("X%-Up", response.head)
  end)

  it("leaves nothing of itself to the answer that the client's own fault gets", function()
    local client, peer = start({ response = function() end }, {
      request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    })
    peer:send(HEAD_OF_TEN .. "01234")
    world:pass(5)
    client:send("no chunk\r\n")
    local response = client:response()
    assert.equal(400, response.status)
    assert.not_matches("X%-Up", response.head)
  end)

  it("ends with an error page where a plugin fails", function()
    local client, peer = start({ response = function() return "error" end })
    peer:send(HEAD_OF_TEN .. "0123456789")
    local response = client:response()
    assert.equal(500, response.status)
    assert.not_matches("X%-Up", response.head)
    assert.matches('"request_id":"%x+"', response.body)
  end)

  it("gives way to a plugin's answer", function()
    local client, peer = start({ response = function(r)
      r.response.status, r.answer, r.answer_set = 418, str("own"), true
      return "exit"
    end })
    peer:send(HEAD_OF_TEN .. "0123456789")
    local response = client:response()
    assert.same({ 418, "own" }, { response.status, response.body })
    client:send(GET)
    peer:request()
  end)

  it("goes on when a plugin has waited", function()
    local waiting
    local client, peer = start({ response = function(r) waiting = r return "wait" end })
    peer:send(HEAD_OF_TEN .. "0123456789")
    world:wait("the phase", function() return waiting end)
    assert.equal("", client.got)
    C.request_resume(waiting)
    assert.equal("0123456789", client:response().body)
  end)

  it("is over when the client goes away meanwhile", function()
    local waiting
    local client, peer = start({ response = function(r) waiting = r return "wait" end })
    peer:send(HEAD_OF_TEN .. "0123456789")
    world:wait("the phase", function() return waiting end)
    client:reset()
    world:wait("the end", function() return #world:clients() == 0 end)
    assert.equal("release", world.calls[#world.calls])
  end)

  for status, head in pairs({
    [200] = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", [304] = GET,
  }) do
    it(("keeps the length of a body that is not sent, status %d"):format(status), function()
      local client, peer = start({ response = function() end }, { request = head })
      peer:send(("HTTP/1.1 %d X\r\nContent-Length: 10\r\n\r\n"):format(status))
      assert.matches("\r\nContent%-Length: 10\r\n", client:expect("\r\n\r\n"))
    end)
  end
end)
