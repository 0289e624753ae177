-- Connections of plugins' own: what they do, how they verify, and what they share.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")
local workspace = require("spec.support.workspace")

-- A request over a cosocket, its answer's status line, and the body of what the peer saw.
local PRELUDE = [[
local function ask(sock, path)
  assert(sock:send({ "GET ", path or "/", " HTTP/1.1\r\nHost: ", "x.example", "\r\n\r\n" }))
  local status = assert(sock:receive())
  local length
  for line in function() return assert(sock:receive("*l")) end do
    if line == "" then break end
    length = line:lower():match("^content%-length: (%d+)") or length
  end
  return status:match("%d%d%d"), assert(sock:receive(tonumber(length)))
end
local function say(...)
  local texts = { ... }
  for i = 1, select("#", ...) do texts[i] = tostring(texts[i]) end
  kong.response.exit(200, table.concat(texts, " "))
end
]]

describe("a plugin's own connection", function()
  local peer, gateway, root

  -- Answers datagrams.
  local function start_udp()
    local directory = workspace.directory()
    local child = workspace.start({ "python3", "-c", [[
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True:
    data, peer = s.recvfrom(65536)
    s.sendto(b"echo " + data, peer)
]], directory = directory })
    return tonumber(workspace.eventually(function()
      return child:output():match("^(%d+)\n")
    end, "the datagram server"))
  end

  setup(function()
    root = pki.get("root").cert
    peer = upstreams.peer({
      plain = {}, tls = { tls = "leaf" }, raw = { mode = "raw", bytes = "plaintext\r\n" },
      other = { tls = "leaf" }, mutual = { tls = "leaf", client_required = true,
        client_ca = root },
      ["local"] = { tls = "leaf", path = workspace.directory() .. "/socket" },
    })
    local udp_port = start_udp()
    local ports = setmetatable({ udp = udp_port }, { __index = peer.ports })
    local function code(text)
      text = text:gsub("%$(%w+)", function(name) return tostring(ports[name]) end)
      return { port = peer.ports.plain, plugins = {
        { name = "snippet", config = { access = PRELUDE .. text } },
      } }
    end
    gateway = helpers.gateway({
      settings = {
        plugins = "bundled,snippet", plugin_path = "spec/fixtures/plugins",
        lua_ssl_trusted_certificate = root, lua_ssl_verify_depth = 2,
        lua_max_idle_sockets = 3,
      },
      config = config.build({
        plain = code([[
          local sock = ngx.socket.tcp()
          sock:settimeout(5000)
          local ok = assert(sock:connect("127.0.0.1", $plain))
          local status = ask(sock)
          say(ok, status, sock:getreusedtimes(), sock:close(), select(2, sock:close()),
            select(2, sock:send("x")), (select(2, sock:receive())))]]),
        name = code([[
          local sock = assert(ngx.socket.connect("localhost", $plain))
          say(ask(sock))]]),
        refused = code([[say(ngx.socket.tcp():connect("127.0.0.1", 1))]]),
        pools = code([[
          local function open(pool)
            local sock = ngx.socket.tcp()
            assert(sock:connect("127.0.0.1", $plain, { pool = pool }))
            return sock
          end
          for round = 1, 2 do
            local socks = {}
            for i = 1, 4 do socks[i] = open("pools " .. i) end
            for i = 1, 4 do assert(socks[i]:setkeepalive()) end
          end
          local times = {}
          for i = 4, 1, -1 do times[#times + 1] = open("pools " .. i):getreusedtimes() end
          say(unpack(times))]]),
        unknown = code([[say(ngx.socket.tcp():connect("no-such-name.invalid", 1))]]),
        missing = code([[say(ngx.socket.tcp():connect("unix:/no/such/socket"))]]),
        slow = code([[
          local sock = ngx.socket.tcp()
          sock:connect("127.0.0.1", $plain)
          sock:settimeouts(1000, 1000, 20)
          local silent = { sock:receive() }
          sock:settimeout(5000)
          say(silent[2], ask(sock))]]),
        ended = code([[
          local sock = ngx.socket.tcp()
          sock:connect("127.0.0.1", $plain)
          sock:send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
          local all = sock:receive("*a")
          say(all:match("^HTTP/1.1 200"), (select(2, sock:receive())))]]),
        keep = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $plain, { pool = "mine" }))
          local times = sock:getreusedtimes()
          ask(sock)
          say(times, sock:setkeepalive(10000, 2), (select(2, sock:receive())))]]),
        dubious = code([[
          local sock = ngx.socket.tcp()
          sock:connect("127.0.0.1", $plain)
          sock:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
          sock:receive(5)
          say(sock:setkeepalive())]]),
        left = code([[
          kong.ctx.shared.sock = ngx.socket.tcp()
          kong.ctx.shared.sock:connect("127.0.0.1", $plain)
          say("left open")]]),
        stranger = code([[
          stolen = stolen or ngx.socket.tcp()
          say(pcall(stolen.connect, stolen, "127.0.0.1", $plain))]]),
        both = code([[
          local sock = assert(ngx.socket.connect("127.0.0.1", $plain))
          local reader = ngx.thread.spawn(function() return sock:receive() end)
          local busy, why = pcall(sock.receive, sock)
          sock:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
          say(busy, why:match("socket busy reading"), select(2, ngx.thread.wait(reader)))]]),
        big = code([[
          local sock = assert(ngx.socket.connect("127.0.0.1", $plain))
          sock:send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
          local sent = sock:send(("x"):rep(3000000))
          say(sent, sock:receive())]]),

        options = code([[
          local sock = assert(ngx.socket.connect("127.0.0.1", $plain))
          say(sock:setoption("keepalive", true), sock:setoption("sndbuf", 4096),
            sock:setoption("linger", 1))]]),
        datagrams = code([[
          local sock = ngx.socket.udp()
          sock:settimeout(5000)
          local ok = assert(sock:setpeername("localhost", $udp))
          local sent = sock:send({ "one ", 2 })
          local answer = sock:receive()
          sock:settimeout(10)
          say(ok, sent, answer, select(2, sock:receive()), sock:close(),
            (select(2, sock:send("x"))))]]),
        ["datagram-nobody"] = code([[
          local sock = ngx.socket.udp()
          assert(sock:setpeername("127.0.0.1", 1))
          sock:send("x")
          say(select(2, sock:receive()), (select(2, sock:setpeername("unix:/no/such/socket"))),
            (select(2, sock:setpeername("unix:"))))]]),
        ["datagram-logged"] = { port = peer.ports.plain, plugins = { { name = "snippet", config = {
          log = ([[
            local id = kong.request.get_path()
            ngx.timer.at(0, function()
              local sock = ngx.socket.udp()
              sock:setpeername("127.0.0.1", %d)
              kong.log.notice("logged ", sock:send(id), " ", sock:receive() == "echo " .. id)
            end)]]):format(udp_port),
        } } } },

        verified = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls))
          local ok, err = sock:sslhandshake(nil, "kong.example")
          say(ok, err, ok and ask(sock), sock:setkeepalive())]]),
        unverified = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls))
          local times = sock:getreusedtimes()
          local ok, err = sock:sslhandshake(nil, "kong.example", false)
          say(times, ok, err, ok and ask(sock), sock:setkeepalive())]]),
        by_path = code([[
          local times, results = {}, {}
          for i, verify in ipairs({ "yes", "yes", false, "yes" }) do
            local sock = ngx.socket.tcp()
            assert(sock:connect("unix:$local"))
            times[i] = sock:getreusedtimes()
            results[i] = tostring(sock:sslhandshake(nil, "kong.example", verify))
              .. ask(sock) .. sock:setkeepalive()
          end
          say(table.concat(times, ","), table.concat(results, ","))]]),
        meddled = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls, { pool = "meddled" }))
          local other = ngx.thread.spawn(function()
            return sock:sslhandshake(nil, "kong.example")
          end)
          local meddled = { sock:sslhandshake(nil, "other.example", false) }
          say(meddled[1], meddled[2], select(2, ngx.thread.wait(other)))]]),
        meddled_dial = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls, { pool = "dialled" }))
          assert(sock:sslhandshake(nil, "kong.example", false))
          assert(ask(sock))
          assert(sock:setkeepalive())
          assert(sock:connect("127.0.0.1", $tls, { pool = "dialled" }))
          local dialling = ngx.thread.spawn(function()
            return sock:sslhandshake(nil, "other.example")
          end)
          local meddled = { sock:sslhandshake(nil, "other.example", false) }
          local _, ok, why = ngx.thread.wait(dialling)
          say(meddled[1], meddled[2], ok, why)]]),
        wrong = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls))
          local ok, err = sock:sslhandshake(nil, "other.example")
          say(ok, err, select(2, sock:send("x")))]]),
        address = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls, { pool = "address" }))
          say(sock:sslhandshake())]]),
        policy = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls, { pool = "policy" }))
          local nobody = { verify = true, trust = kong.tls.trust({}) }
          say(sock:sslhandshake(nil, "kong.example", nobody))]]),
        forgotten = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $tls))
          say(sock:getreusedtimes(), sock:send("GET / HTTP/1.1\r\n\r\n"))]]),
        early = code([[
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $raw))
          sock:send(("x"):rep(600))
          assert(sock:receive(1))
          say(sock:sslhandshake(nil, "kong.example", false))]]),
        mutual = code(([[
          local ssl = require("ngx.ssl")
          local sock = ngx.socket.tcp()
          assert(sock:connect("127.0.0.1", $mutual))
          assert(sock:setclientcert(ssl.parse_pem_cert(%q), ssl.parse_pem_priv_key(%q)))
          local ok, err = sock:sslhandshake(nil, "kong.example")
          say(ok, err, ok and ask(sock))]]):format(pki.text(pki.get("client").chain),
          pki.text(pki.get("client").key))),
      }),
    })
  end)
  teardown(helpers.stop_all)

  local function said(path)
    local response = gateway:get({ path = "/" .. path, host = "x.example" })
    assert.equal(200, response.status, response.body .. gateway:logs():sub(-2000))
    return response.body
  end

  it("connects, sends and receives; a closed one says so", function()
    assert.equal("1 200 0 1 closed closed closed", said("plain"))
    assert.matches("^200 ", said("name"))
  end)

  it("says why there is none, in ngx_lua's words", function()
    assert.equal("nil connection refused", said("refused"))
    assert.matches("^nil no%-such%-name%.invalid could not be resolved", said("unknown"))
    assert.equal("nil no such file or directory", said("missing"))
  end)

  it("times out and can go on after that", function()
    assert.matches("^timeout 200", said("slow"))
  end)

  it("reads to the end", function()
    assert.equal("HTTP/1.1 200 closed", said("ended"))
  end)

  it("sends more than the other side takes at once", function()
    assert.equal("3000000 HTTP/1.1 200 OK", said("big"))
  end)

  it("reads and writes at the same time, but does not read twice", function()
    assert.equal("false socket busy reading HTTP/1.1 200 OK", said("both"))
  end)

  it("is kept in its pool and used again", function()
    assert.equal("0 1 closed", said("keep"))
    local before = peer:count("accept", "plain")
    assert.equal("1 1 closed", said("keep"))
    assert.equal(before, peer:count("accept", "plain"))
    assert.equal("nil connection in dubious state", said("dubious"))
  end)

  it("makes room in all pools together, where the oldest goes first", function()
    assert.equal("2 2 2 0", said("pools"))
  end)

  it("has the kernel's options", function()
    assert.equal("1 1 nil unsupported option", said("options"))
  end)

  it("sends and receives datagrams", function()
    assert.equal("1 1 echo one 2 timeout 1 closed", said("datagrams"))
    assert.equal("connection refused no such file or directory invalid address",
      said("datagram-nobody"))
    gateway:get({ path = "/datagram-logged", host = "x.example" })
    gateway:wait_line("%[snippet%] logged 1 true")
  end)

  it("belongs to its request, which closes it", function()
    local open = peer:count("closed", "plain")
    said("left")
    peer:wait("closed", open + 1, "plain")
    said("stranger")
    assert.matches("^false [^\n]*bad request", said("stranger"))
  end)

  describe("under TLS", function()
    it("is verified unless one says otherwise", function()
      assert.matches("^true nil 200 ", said("verified"))
      assert.matches("^nil 62: ", said("wrong"))
      assert.matches("^nil 64: ", said("address"))
      assert.matches("^nil %d+: [^\n]* closed$", said("wrong"))
      gateway:wait_line("lua ssl certificate verify error: %(62: [^\n]*server name: other.example")
    end)

    it("is never shared between policies, whatever the pool is called", function()
      said("verified")
      local before = peer:count("accept", "tls")
      assert.matches("^true nil 200 ", said("verified"))
      assert.equal(before, peer:count("accept", "tls"))
      assert.matches("^%d+ true nil 200 ", said("unverified"))
      assert.equal(before + 1, peer:count("accept", "tls"))
      assert.matches("^true nil 200 ", said("verified"))
      assert.equal(before + 2, peer:count("accept", "tls"))
      assert.matches("^nil 62: ", said("wrong"))
    end)

    it("is not used by whoever takes it for a plain one", function()
      said("verified")
      assert.matches("^%d+ nil the connection from the pool has TLS: sslhandshake%(%) is due",
        said("forgotten"))
    end)

    it("goes over Unix sockets, too, and is not shared there either", function()
      assert.equal("0,1,2,1 true2001,true2001,true2001,true2001", said("by_path"))
      assert.equal(3, peer:count("accept", "local"))
    end)

    it("is made under the policy of whoever began it", function()
      assert.equal("nil socket busy connecting nil 62: hostname mismatch", said("meddled_dial"))
      assert.matches("^nil socket busy connecting true$", said("meddled"))
    end)

    it("takes a policy as kong.tls makes them", function()
      assert.matches("^nil 20: ", said("policy"))
    end)

    it("begins with nothing before it", function()
      assert.equal("nil the peer sent something before the handshake", said("early"))
    end)

    it("shows a client certificate", function()
      assert.equal("true nil 200", said("mutual"))
    end)
  end)
end)
