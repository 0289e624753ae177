local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local workspace = require "spec.support.workspace"
local ffi = require "ffi"

local C = tls.C

local VERSIONS = { ["TLSv1.2"] = 0x0303, ["TLSv1.3"] = 0x0304 }

local function sessions()
  return ffi.gc(ffi.new("struct session_cache"), C.session_clear)
end

local function new(want)
  return assert(tls.client(assert(tls.policy(want or {}))))
end

local function pki_trust(name)
  return assert(tls.trust(pki.pem(pki.get(name))))
end

local function serve(name)
  return assert(tls.server({}, tls.identity(pki.get(name))))
end

for version, number in pairs(VERSIONS) do
  describe("client, " .. version .. ":", function()
    local function only(want)
      want = want or {}
      want.min_version, want.max_version = number, number
      return want
    end

    after_each(tls.close_all)

    it("speaks to a server that it verified", function()
      local near, far = tls.handshake(new(only()), serve("leaf"))
      assert.is_true(near.ready)
      assert.equal(version, near:version())
      assert.is_true(#ffi.string(C.tls_client_cipher(near.conn)) > 0)
      assert.equal("", near:reason())
      near:write("GET", " ", "/")
      tls.run(function() return far.received == "GET /" end)
      assert.equal("kong.example", ffi.string(C.tls_server_sni(far.conn).p))
    end)

    it("resumes from the same cache, without judging again", function()
      local client, server, cache = new(only()), serve("leaf"), sessions()
      local first = tls.visit(client, server, "kong.example", cache)
      local second = tls.visit(client, server, "kong.example", cache)
      assert.same({ "ok", false }, { first.code, first.resumed })
      assert.same({ "ok", true }, { second.code, second.resumed })
      assert.same({ 1, 1, 0 },
        { tonumber(client.stats.full), tonumber(client.stats.resumed),
          tonumber(client.stats.failed) })
      assert.equal(2, tonumber(client.stats.verdicts[0][C.VERDICT_OK]))
      assert.is_true(cache.count > 0)
    end)

    it("says of a resumed connection what was found out when the session was made", function()
      local cache, server = sessions(), serve("leaf")
      local client = new(only({ next = pki_trust("other_root") }))
      local function describe()
        local near, far = tls.handshake(client, server, "kong.example", cache)
        far:write("x")
        tls.run(function() return near.received == "x" or near.failed end)
        C.tls_client_describe(near.conn)
        return near:verdict(), C.tls_client_span(near.conn)
      end
      local first, span = describe()
      local second, inherited = describe()
      assert.is_true(second.resumed)
      assert.matches("root", second.anchor)
      assert.matches("CN=", second.subject)
      assert.equal("untrusted_issuer", second.next)
      second.resumed = false
      assert.same(first, second)
      assert.same({ tonumber(span.from), tonumber(span["until"]) },
        { tonumber(inherited.from), tonumber(inherited["until"]) })
      assert.is_true(tonumber(span["until"]) <= first.not_after)
      assert.is_true(tonumber(span["until"]) > os.time())
    end)

    it("resumes from nowhere else", function()
      local client, server = new(only()), serve("two_names")
      tls.visit(client, server, "kong.example", sessions())
      assert.is_false(tls.visit(client, server, "kong.example", sessions()).resumed)
      assert.is_false(tls.visit(client, server, "other.example", sessions()).resumed)
      assert.is_false(tls.visit(client, server, "kong.example", nil).resumed)
      assert.equal(0, tonumber(client.stats.resumed))
    end)

    it("lets a session live no longer than its full handshake, however often renewed", function()
      local client, server, cache = new(only()), serve("leaf"), sessions()
      tls.visit(client, server, "kong.example", cache)
      local at = tonumber(cache.slot[0].origin.at)
      assert.is_true(at <= os.time() and at > os.time() - 100)
      cache.slot[0].origin.at = at - 1000
      assert.is_true(tls.visit(client, server, "kong.example", cache).resumed)
      if version == "TLSv1.3" then
        assert.equal(at - 1000, tonumber(cache.slot[0].origin.at))
        assert.is_true(tonumber(cache.slot[0].expires) <= at + 2600)
      end
      for i = 0, cache.count - 1 do
        cache.slot[i].expires = os.time()
      end
      assert.is_false(tls.visit(client, server, "kong.example", cache).resumed)
    end)

    it("keeps no sessions where the policy says so, or after the peer was forgotten", function()
      local cache, server = sessions(), serve("leaf")
      tls.visit(new(only({ resume = false })), server, "kong.example", cache)
      assert.equal(0, cache.count)
      local near, far = tls.pair()
      near:connect(new(only()), "kong.example", cache)
      C.tls_client_forget(near.conn)
      far:accept(server)
      tls.run(function() return near.ready end)
      far:write("x")
      tls.run(function() return near.received == "x" end)
      assert.equal(0, cache.count)
    end)

    it("never keeps the session of a failed handshake, and drops those it had", function()
      local client, cache = new(only()), sessions()
      tls.visit(client, serve("leaf"), "kong.example", cache)
      assert.is_true(cache.count > 0)
      local verdict = tls.visit(client, serve("expired"), "kong.example", cache)
      assert.equal("expired", verdict.code)
      assert.equal(0, cache.count)
    end)

    it("cannot be made to resume a session of another policy", function()
      local cache, server = sessions(), serve("self_signed")
      tls.visit(assert(tls.client(tls.no_verify(only()))), server, "kong.example", cache)
      assert.is_true(cache.count > 0)
      local near = tls.handshake(new(only()), server, "kong.example", cache)
      assert.is_false(near.ready)
      assert.is_truthy(near.failed)
    end)

    describe("with judges beside the policy,", function()
      local asked, answer

      local function judged(want)
        want = only(want)
        want.judges, want.resume = "one", false
        return new(want)
      end

      local function visit(client, server, name, cache)
        local near, far = tls.pair()
        near.judge = function(presented)
          asked[#asked + 1] = { C.shown_count(presented), presented.verified }
          return answer
        end
        far:accept(server)
        near:connect(client, name or "kong.example", cache)
        tls.run(function() return near.failed or near.ready end)
        return near, far
      end

      before_each(function()
        asked, answer = {}, true
      end)

      it("shows them the verified path in every handshake, and keeps no session", function()
        local client, server, cache = judged(), serve("leaf"), sessions()
        for round = 1, 3 do
          local near = visit(client, server, nil, cache)
          assert.is_true(near.ready)
          assert.equal("ok", near:verdict().code)
          assert.same({ 3, true }, asked[round])
          tls.settle()
        end
        assert.same({ 3, 0, 0, 0 }, { tonumber(client.stats.full), tonumber(client.stats.resumed),
          tonumber(client.stats.verdict_hits), cache.count })
      end)

      it("is refused by them, and told so", function()
        answer = "who are you?\n"
        local client = judged()
        local near, far = visit(client, serve("leaf"))
        tls.run(function() return far.failed end)
        local verdict = near:verdict()
        assert.same({ "tls_verify", false, "refused_by_plugin", 50, "who are you??", 0, "" },
          { near.failed, near.ready, verdict.code, verdict.openssl, verdict.said, verdict.depth,
            verdict.anchor })
        assert.equal("DNS:kong.example", verdict.seen)
        assert.matches("alert handshake failure", far:server_reason())
        assert.equal(1, tonumber(client.stats.failed))
      end)

      it("does not ask them about what is refused already", function()
        assert.equal("expired", visit(judged(), serve("expired")):verdict().code)
        assert.equal("name_mismatch", visit(judged(), serve("leaf"), "b.example"):verdict().code)
        assert.same({}, asked)
      end)

      it("goes on in report mode, with their verdict", function()
        answer = "no"
        local client = judged({ verify = C.POLICY_REPORT })
        local near = visit(client, serve("leaf"))
        assert.same({ true, "refused_by_plugin", 1 },
          { near.ready, near:verdict().code, tonumber(client.stats.reported) })
        assert.equal("expired", visit(client, serve("expired")):verdict().code)
        assert.equal(1, #asked)
      end)

      it("heeds them where nothing is verified, and shows what was sent", function()
        local client = judged({ verify = C.POLICY_NO_VERIFY })
        local near = visit(client, serve("self_signed"))
        assert.same({ true, "unverified" }, { near.ready, near:verdict().code })
        answer = "no"
        near = visit(client, serve("self_signed"))
        assert.same({ "tls_verify", "refused_by_plugin" }, { near.failed, near:verdict().code })
        assert.same({ { 1, false }, { 1, false } }, asked)
      end)

      it("refuses everybody when nobody answers for them", function()
        local near, far = tls.pair()
        near.unanswered = true
        far:accept(serve("leaf"))
        near:connect(judged(), "kong.example", nil)
        tls.run(function() return near.failed end)
        assert.same({ "refused_by_plugin", "no plugin answers for the policy" },
          { near:verdict().code, near:verdict().said })
      end)
    end)

    it("shows its certificate to whom it has verified only", function()
      local credential = tls.identity(pki.get("client"))
      local function ask(identity)
        local server, port = tls.s_server(number == 0x0303 and "-tls1_2" or "-tls1_3",
          "-rev", "-Verify", "3", "-CAfile", pki.get("root").cert, "-verify_return_error",
          "-verify_quiet", "-cert", identity.cert, "-key", identity.key,
          "-cert_chain", identity.chain)
        local near = tls.dial(port)
        near:connect(new(only({ credential = credential })), "kong.example", nil)
        tls.run(function() return near.ready or near.failed end)
        return near, server
      end
      local near, server = ask(pki.get("leaf"))
      assert.is_true(near.ready, near:reason())
      near:write("olleh\n")
      tls.run(function() return near.received == "hello\n" end)
      assert.matches("CN ?= ?gateway client", server:errors() .. server:output())
      server:stop()
      local refused, other = ask(pki.get("from_other_root"))
      assert.equal("tls_verify", refused.failed)
      refused:close()
      tls.settle()
      workspace.eventually(function() return other:errors():find("alert unknown ca") end,
        "the alert", 20,
        function() return other:errors() end)
      assert.is_nil((other:errors() .. other:output()):find("gateway client"))
      other:stop()
    end)
  end)
end

describe("client", function()
  it("tells what was presented, good or not, but not what a session goes back to", function()
    local client, cache = new(), sessions()
    local function digest_of(name)
      local near = tls.handshake(client, serve(name), "kong.example", cache)
      local presented = C.tls_client_presented(near.conn)
      return presented ~= nil and ffi.string(presented.sha256, 32)
    end
    local leaf, expired = digest_of("leaf"), digest_of("expired")
    assert.not_equal(leaf, expired)
    assert.equal(leaf, digest_of("leaf"))
    local server = serve("leaf")
    tls.visit(client, server, "kong.example", cache)
    local near = tls.handshake(client, server, "kong.example", cache)
    assert.is_true(near:verdict().resumed)
    assert.is_true(C.tls_client_presented(near.conn) == nil)
    tls.close_all()
  end)

  it("sends the name that it is told, whatever it verifies", function()
    for sni, sent in pairs({ ["other.example"] = "other.example", [""] = "", ["10.0.0.1"] = "" }) do
      local near, far = tls.pair()
      far:accept(serve("leaf"))
      near:connect(new(), "kong.example", nil, sni)
      tls.run(function() return near.ready or near.failed end)
      assert.is_true(near.ready)
      local got = C.tls_server_sni(far.conn)
      assert.equal(sent, ffi.string(got.p, got.n))
    end
  end)

  after_each(function()
    tls.close_all()
    workspace.stop_all()
  end)

  -- What the client says of a peer that answers with these bytes and closes.
  local function answered_with(bytes)
    local near, far = tls.pair()
    C.conn_start(far.conn)
    far:write(bytes)
    near:connect(new(), "kong.example", nil)
    far:finish()
    tls.run(function() return near.failed end)
    assert.is_false(near.ready)
    assert.equal("", near.received)
    return near
  end

  it("takes plaintext for what it is not, also when it comes before a byte was sent", function()
    local near = answered_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert.equal("tls_handshake", near.failed)
    assert.equal("error:0A00010B:SSL routines::wrong version number", near:reason())
    assert.is_nil(near:verdict())
  end)

  it("survives noise", function()
    local results = {}
    for i, bytes in ipairs({
      ("\0"):rep(100), "\x16\3\3\x48\1" .. ("x"):rep(0x4801), "\x15\3\3\0\2\2\x28",
        "\x16\3\3\0\4\2\0\0\0",
      "\x17\3\3\0\5hello", "\x14\3\3\0\1\1\x17\3\3\0\5hello", "\0", "\x16\3\3\0\0",
    }) do
      results[i] = answered_with(bytes).failed
    end
    assert.same({
      "tls_handshake", "tls_handshake", "tls_handshake", "tls_handshake", "tls_handshake",
        "tls_handshake",
      "closed", "closed",
    }, results)
  end)

  it("says that the peer left during the handshake", function()
    local near, far = tls.pair()
    C.conn_start(far.conn)
    near:connect(new(), "kong.example", nil)
    far:finish()
    tls.run(function() return near.failed end)
    assert.equal("closed", near.failed)
  end)

  it("tells a truncated connection from one that was ended", function()
    local near, far = tls.handshake(new(), serve("leaf"))
    far:write("some")
    far:finish()
    tls.run(function() return near.eof or near.failed end)
    assert.same({ "some", true, nil }, { near.received, near.eof, near.failed })

    near, far = tls.handshake(new(), serve("leaf"))
    far:write("some")
    tls.run(function() return near.received == "some" end)
    far:close()
    tls.run(function() return near.eof or near.failed end)
    assert.same({ false, "tls_truncated" }, { near.eof, near.failed })
  end)

  -- What clients and upstreams may agree on; the slim library context must know all of it.
  local agreements = {
    { "-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256" }, { "-tls1_2", "-cipher", "AES256-SHA" },
    { "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384" },
    { "-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305" },
    { "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256" },
    { "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256" },
    { "-tls1_3", "-groups", "P-256" }, { "-tls1_3", "-groups", "P-384" },
    { "-tls1_3", "-groups", "P-521" }, { "-tls1_3", "-groups", "X448" },
    { "-tls1_3", "-groups", "ffdhe2048" },
  }
  for _, agreement in ipairs(agreements) do
    it("speaks " .. agreement[3] .. " where the upstream wants it", function()
      local guide = pki.guide()
      local _, port = tls.s_server("-rev", "-cert", guide.leaf.cert, "-key", guide.leaf.key,
        "-cert_chain", guide.leaf.chain, unpack(agreement))
      local trust = assert(tls.trust(pki.pem(guide.root)))
      local near = tls.dial(port):connect(new({ trust = trust }), "kong.example", nil)
      tls.run(function() return near.ready or near.failed end)
      assert.is_true(near.ready, near:reason())
      near:write("olleh\n")
      tls.run(function() return near.received == "hello\n" or near.failed end)
      assert.is_nil(near.failed)
    end)
  end

  it("sends no name where the name is an address or unknown", function()
    local near, far = tls.handshake(new(), serve("ip"), "127.0.0.1")
    assert.is_true(near.ready)
    assert.equal(0, tonumber(C.tls_server_sni(far.conn).n))
    near = tls.handshake(assert(tls.client(tls.no_verify())), serve("leaf"), "")
    assert.is_true(near.ready)
  end)

  it("is not made from a client certificate that is too weak", function()
    local weak = workspace.directory()
    local made = workspace.run({ "openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes",
      "-subj", "/CN=weak",
      "-keyout", weak .. "/key", "-out", weak .. "/cert" })
    assert.equal(0, made.code)
    local credential = assert(tls.credential(pki.text(weak .. "/cert"), pki.text(weak .. "/key")))
    local client, why = tls.client(assert(tls.policy({ credential = credential })))
    assert.is_nil(client)
    assert.matches("client certificate cannot be set up: ee key too small", why)
  end)

  it("refuses a server whose key is too weak", function()
    local directory = workspace.directory()
    workspace.run({ "openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj",
      "/CN=kong.example",
      "-addext", "subjectAltName=DNS:kong.example", "-keyout", directory .. "/key", "-out",
        directory .. "/cert" })
    local _, port = tls.s_server("-rev", "-cert", directory .. "/cert", "-key", directory .. "/key",
      "-cipher", "DEFAULT@SECLEVEL=1")
    local trust = assert(tls.trust(pki.text(directory .. "/cert")))
    local near = tls.dial(port):connect(new({ trust = trust }), "kong.example", nil)
    tls.run(function() return near.ready or near.failed end)
    assert.equal("tls_verify", near.failed)
    assert.equal("weak_key", near:verdict().code)
  end)
end)
