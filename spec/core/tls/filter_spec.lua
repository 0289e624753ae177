-- What TLS does with data once the handshake is over, on both sides of a connection.

local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local workspace = require "spec.support.workspace"

local C = tls.C

local RECORD = 16384

-- Text in which a lost or doubled piece shows.
local function text_of(n)
  local parts = {}
  for i = 1, math.ceil(n / 8) do
    parts[i] = ("%07d "):format(i)
  end
  return table.concat(parts):sub(1, n)
end

describe("filter", function()
  local client, server

  setup(function()
    client = assert(tls.client(assert(tls.policy({}))))
    server = assert(tls.server({}, tls.identity(pki.get("leaf"))))
  end)

  after_each(function()
    tls.close_all()
    workspace.stop_all()
  end)

  it("carries any amount both ways, whole", function()
    local near, far = tls.handshake(client, server)
    for _, n in ipairs({ 1, RECORD - 1, RECORD, RECORD + 1, 100000, 3000000 }) do
      local text = text_of(n)
      near.received, far.received = "", ""
      near:write(text)
      far:write(text)
      tls.run(function() return #near.received >= n and #far.received >= n end, n .. " bytes")
      assert.is_true(near.received == text and far.received == text)
    end
  end)

  it("puts small slices into one record and cuts large ones into full records", function()
    local near, far = tls.handshake(client, server)
    local function sent(...)
      local before = tonumber(near.conn.bytes_out)
      local text = table.concat({ ... })
      far.received = ""
      near:write(...)
      tls.run(function() return #far.received >= #text end)
      assert.is_true(far.received == text)
      return tonumber(near.conn.bytes_out) - before - #text
    end
    local overhead = sent("x")
    assert.equal(overhead, sent("GET", " ", "/", " ", "HTTP/1.1", "\r\n\r\n"))
    assert.equal(overhead, sent("head", text_of(RECORD - 4)))
    assert.equal(2 * overhead, sent("head", text_of(RECORD)))
    assert.equal(4 * overhead, sent(text_of(3 * RECORD), "", "tail"))
    assert.equal(0, sent("", ""))
  end)

  it("sends the end of the handshake together with what is written first", function()
    local near, far = tls.pair()
    far:accept(server)
    local reads = 0
    far.on_data = function() reads = reads + 1 end
    near.on_ready = function(side)
      -- Another connection of the loop uses the same memory in between.
      local other = tls.pair()
      other:connect(client, "kong.example", nil)
      side:write("first")
    end
    near:connect(client, "kong.example", nil)
    tls.run(function() return far.received == "first" end)
    near:write("second")
    tls.run(function() return far.received == "firstsecond" end)
    assert.equal(2, reads)
  end)

  it("delivers several records of one read at once", function()
    local near, far = tls.handshake(client, server)
    local calls = 0
    near.on_data = function() calls = calls + 1 end
    far:write("a", "b")
    far:write("c")
    far:write("d")
    tls.run(function() return near.received == "abcd" end)
    assert.equal(1, calls)
  end)

  it("lets the user close in the middle of a delivery", function()
    local near, far = tls.handshake(client, server)
    near.on_data = function(side) side:close() end
    far:write(text_of(200000))
    tls.run(function() return near.closed and far.failed end)
    assert.is_nil(near.failed)
  end)

  it("still writes after the peer has said that it will not", function()
    local near, far = tls.handshake(client, server)
    far:finish()
    tls.run(function() return near.eof end)
    near:write("late")
    near:finish()
    tls.settle()
    assert.is_nil(near.failed)
  end)

  it("takes a record that was tampered with for the end", function()
    local near, far = tls.handshake(client, server)
    far:write("good")
    tls.run(function() return near.received == "good" end)
    C.conn_write_raw(far.conn, "\23\3\3\0\32" .. ("x"):rep(32), 37)
    tls.run(function() return near.failed end)
    assert.equal("tls_record", near.failed)
    assert.matches("decryption failed or bad record mac", near:reason())
    assert.equal("good", near.received)
  end)

  it("takes plaintext after the handshake for the end", function()
    local near, far = tls.handshake(client, server)
    C.conn_write_raw(far.conn, "HTTP/1.1 200 OK\r\n\r\n", 19)
    tls.run(function() return near.failed end)
    assert.equal("tls_record", near.failed)
    assert.equal("", near.received)
  end)

  it("goes through key updates and asks for none to renegotiate", function()
    local leaf = pki.get("leaf")
    local commands = workspace.directory() .. "/in"
    assert(os.execute("mkfifo " .. commands))
    local peer = workspace.start({
      "sh", "-c",
        ("exec 3<>%s; exec openssl s_server -accept 127.0.0.1:0 -cert %s -key %s "
        .. "-cert_chain %s <&3"):format(
        commands, leaf.cert, leaf.key, leaf.chain),
    })
    local port = tonumber(workspace.eventually(function()
      return peer:output():match("ACCEPT [%d.]+:(%d+)")
    end, "s_server"))
    local near = tls.dial(port):connect(client, "kong.example", nil)
    tls.run(function() return near.ready or near.failed end)
    assert.is_nil(near.failed)
    local function say(text)
      local pipe = assert(io.open(commands, "w"))
      pipe:write(text)
      pipe:close()
    end
    local function hear(line)
      near.received = ""
      say(line)
      tls.run(function() return near.received == line or near.failed end, line)
    end
    hear("after the tickets\n")
    for i = 1, 3 do
      -- "K" asks for a key update in both directions. s_server reads one command at a time, so the
      -- line waits until the update is here.
      local before = near.conn.bytes_in
      say("K\n")
      tls.run(function() return near.conn.bytes_in > before end, "a key update")
      hear("line " .. i .. "\n")
      near:write("answer " .. i .. "\n")
      -- What s_server prints is no event of the loop's.
      workspace.eventually(function()
        tls.settle()
        return peer:output():find("answer " .. i, 1, true)
      end, "the answer")
    end
    assert.is_nil(near.failed)
  end)

  it("has nothing to say about a connection that carries no TLS", function()
    local near = tls.pair()
    assert.is_true(C.tls_client_verdict(near.conn) == nil)
    assert.equal("", near:reason() .. near:version() .. near:server_reason())
    assert.equal(0, tonumber(C.tls_server_sni(near.conn).n))
    C.tls_client_forget(near.conn)
  end)

  it("does not send before the handshake is done", function()
    local near, far = tls.pair()
    C.conn_start(far.conn)
    near:connect(client, "kong.example", nil)
    near:write("too early")
    tls.run(function() return near.failed end)
    assert.equal("tls_handshake", near.failed)
    assert.is_nil(far.received:find("too early", 1, true))
  end)
end)
