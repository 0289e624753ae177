local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local workspace = require "spec.support.workspace"
local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/x509.h")

ffi.cdef("void free(void *p);")

-- OpenSSL calls back into Lua here.
jit.off(true, true)

local function alone(name)
  return tls.identity(pki.alone(pki.get(name)))
end

local function sha256(name)
  local info, count = ffi.new("struct x509_info[1]"), ffi.new("unsigned[1]")
  assert(C.x509_info(tls.str(pki.pem(pki.get(name))), info, 1, count, ffi.new("char[256]")) == nil)
  return ffi.string(info[0].sha256)
end

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function sni(far)
  local s = C.tls_server_sni(far.conn)
  return ffi.string(s.p, s.n)
end

describe("server", function()
  local suspicious, careless

  setup(function()
    -- Trusts nobody, and so says which certificate it was shown.
    suspicious = assert(tls.client(assert(tls.policy({ trust = (assert(tls.trust())) }))))
    careless = assert(tls.client(assert(tls.no_verify())))
  end)

  after_each(function()
    tls.close_all()
    workspace.stop_all()
  end)

  local function shown(server, name)
    local near = tls.handshake(suspicious, server, name)
    local verdict = near:verdict()
    return verdict and hex(verdict.sha256), near
  end

  it("chooses the certificate by name: exact, first label, last label, default", function()
    local server = assert(tls.server({
      ["Kong.Example"] = alone("leaf"),
      ["*.example"] = alone("wildcard"),
      ["kong.*"] = alone("two_names"),
      ["*"] = alone("wrong_name"),
    }, alone("expired")))
    assert.equal(sha256("leaf"), (shown(server, "KONG.example.")))
    assert.equal(sha256("wildcard"), (shown(server, "other.example")))
    assert.equal(sha256("two_names"), (shown(server, "kong.other")))
    assert.equal(sha256("wrong_name"), (shown(server, "a.b.example")))
    assert.equal(sha256("wrong_name"), (shown(server, "localhost")))
    assert.equal(sha256("wrong_name"), (shown(server, "127.0.0.1")))
  end)

  it("falls back to the certificate given for that", function()
    local server = assert(tls.server({ ["kong.example"] = alone("leaf") }, alone("expired")))
    assert.equal(sha256("expired"), (shown(server, "other.example")))
  end)

  it("refuses a name that it does not know with the alert that says so", function()
    local server = assert(tls.server({ ["kong.example"] = alone("leaf") }))
    for _, name in ipairs({ "other.example", "127.0.0.1" }) do
      local digest, near = shown(server, name)
      assert.is_nil(digest)
      assert.equal("tls_handshake", near.failed)
      assert.matches("unrecognized name", near:reason())
    end
  end)

  it("is not made from two certificates for one name, or from a name that is none", function()
    local leaf = alone("leaf")
    local _, why = tls.server({ ["kong.example"] = leaf, ["KONG.example"] = leaf })
    assert.matches('two certificates for "%a+%.example"', why)
    assert.matches("1 to 255", select(2, tls.server({ [("a"):rep(256)] = alone("leaf") })))
    assert.matches("1 to 255", select(2, tls.server({ [""] = alone("leaf") })))
  end)

  for version, number in pairs({ ["TLSv1.2"] = 0x0303, ["TLSv1.3"] = 0x0304 }) do
    it("resumes under the certificate that a session was made with, and no other: " .. version,
      function()
      local server = assert(tls.server({ ["kong.example"] = alone("leaf"),
        ["*"] = alone("wrong_name") }))
      local client = assert(tls.client(assert(tls.no_verify({ min_version = number,
        max_version = number }))))
      local cache = ffi.gc(ffi.new("struct session_cache"), C.session_clear)
      local _, _, far = tls.visit(client, server, "kong.example", cache)
      assert.equal(version, ffi.string(C.tls_server_version(far.conn)))
      assert.is_true(#ffi.string(C.tls_server_cipher(far.conn)) > 0)
      assert.is_true(tls.visit(client, server, "kong.example", cache).resumed)
      -- A client that offers its session under another name: what a gateway of ours would never do.
      assert.is_false(tls.visit(client, server, "elsewhere.example", cache).resumed)
      -- The ticket keys are the process's: another server object knows the session.
      local again = assert(tls.server({ ["*"] = alone("leaf") }))
      tls.visit(client, server, "kong.example", cache)
      assert.is_true(tls.visit(client, again, "kong.example", cache).resumed)
    end)
  end

  describe("asks", function()
    local asked

    -- Called while OpenSSL reads a ClientHello, so from C.
    local function asking(answer)
      asked = ffi.cast("bool (*)(struct conn *)", answer)
      return asked
    end

    after_each(function()
      tls.close_all()
      asked:free()
    end)

    local function greet(client, ask, cache)
      local server = assert(tls.server({}, alone("leaf")))
      local near, far = tls.pair()
      far:accept(server, ask)
      near:connect(client, "kong.example", cache)
      tls.run(function() return near.ready or near.failed end, "a handshake")
      if near.ready then
        near:write("ping")
        tls.run(function() return far.received == "ping" end, "ping")
        far:write("pong")
        tls.run(function() return near.received == "pong" end, "pong")
      end
      return near, far
    end

    local function chain(far)
      local text = C.tls_server_client_chain(far.conn)
      local pem = text.p ~= nil and ffi.string(text.p, text.n) or nil
      ffi.C.free(ffi.cast("void *", text.p))
      return pem
    end

    local function client_with(identity)
      return assert(tls.client(assert(tls.no_verify({
        credential = identity and tls.identity(pki.get(identity)),
      }))))
    end

    it("when the name is known, and refuses the client with an alert", function()
      local name
      local near = greet(careless, asking(function(conn)
        local s = C.tls_server_sni(conn)
        name = ffi.string(s.p, s.n)
        return false
      end))
      assert.equal("kong.example", name)
      assert.equal("tls_handshake", near.failed)
      assert.matches("internal error", near:reason())
    end)

    it("the client for a certificate, and shows the chain that it has", function()
      local ask = asking(function(conn) return C.tls_server_request_certificate(conn, nil) end)
      local _, far = greet(client_with("client"), ask)
      local _, count = chain(far):gsub("BEGIN CERTIFICATE", "")
      assert.equal(2, count)
      assert.equal(pki.pem(pki.get("client")), chain(far):match("^.-END CERTIFICATE%-%-%-%-%-\n"))
      _, far = greet(client_with(), ask)
      assert.is_nil(chain(far))
    end)

    it("nobody for a certificate otherwise", function()
      local _, far = greet(client_with("client"), asking(function() return true end))
      assert.is_nil(chain(far))
      assert.is_false(C.tls_server_request_certificate(far.conn, nil))
      assert.is_false(C.tls_server_forbid_sessions(far.conn))
    end)

    for version, number in pairs({ ["TLSv1.2"] = 0x0303, ["TLSv1.3"] = 0x0304 }) do
      it("for a full handshake: no session is given or taken, " .. version, function()
        local client = assert(tls.client(assert(tls.no_verify({ min_version = number,
          max_version = number }))))
        local cache = ffi.gc(ffi.new("struct session_cache"), C.session_clear)
        local forbid = true
        local ask = asking(function(conn)
          return not forbid or C.tls_server_forbid_sessions(conn)
        end)
        greet(client, ask, cache)
        assert.is_false(greet(client, ask, cache):verdict().resumed)
        forbid = false
        greet(client, ask, cache)
        assert.is_true(greet(client, ask, cache):verdict().resumed)
        forbid = true
        assert.is_false(greet(client, ask, cache):verdict().resumed)
      end)
    end
  end)

  it("outlives its owner while a connection is open", function()
    local server = assert(tls.server({}, alone("leaf")))
    local near, far = tls.handshake(careless, server, "kong.example")
    C.tls_server_unref(ffi.gc(server, nil))
    near:write("still")
    tls.run(function() return far.received == "still" end)
    assert.equal("kong.example", sni(far))
  end)

  -- The server's side of a connection that openssl's client makes, to its end, and what that said.
  local function visited(server, want)
    local visitor
    local far = tls.visited(function(port)
      visitor = workspace.start({
        stdin = want.stdin,
        "openssl", "s_client", "-connect", "127.0.0.1:" .. port, unpack(want),
      })
    end)
    far:accept(server)
    tls.run(function() return far.failed or far.eof end, "s_client to end")
    far:close()
    visitor:wait()
    return far, visitor:output() .. visitor:errors()
  end

  it("speaks to others: http/1.1 by ALPN, or nothing", function()
    local server = assert(tls.server({}, tls.identity(pki.get("leaf"))))
    local far, said = visited(server, { "-alpn", "h2,http/1.1", "-servername", "a.b" })
    assert.equal("a.b", sni(far))
    assert.matches("ALPN protocol: http/1.1", said)
    far, said = visited(server, { "-alpn", "h2" })
    assert.equal("tls_handshake", far.failed)
    assert.matches("no application protocol", said)
    far, said = visited(server, { "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0" })
    assert.equal("tls_handshake", far.failed)
    assert.matches("unsupported protocol", far:server_reason())
    assert.matches("protocol version", said)
  end)

  it("does not renegotiate", function()
    local server = assert(tls.server({}, tls.identity(pki.get("leaf"))))
    local input = workspace.write(workspace.directory() .. "/in", "R\n")
    local _, said = visited(server, { "-tls1_2", stdin = input })
    assert.matches("no renegotiation", said)
  end)
end)
