-- Both ends of a TLS connection inside the test: tls_client and tls_server of the core on one loop,
-- over a socket pair or towards a port. What happens to an end is written down in its `side`.

local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local pki = require "spec.fixtures.pki"
local socket = require "socket"
local workspace = require "spec.support.workspace"

local C = cimport("net/loop.h", "net/conn.h", "tls/client.h", "tls/server.h", "tls/libctx.h",
  "tls/offline.h")

ffi.cdef [[
int socketpair(int domain, int type, int protocol, int fds[2]);
]]

local AF_UNIX, SOCK_STREAM_NONBLOCK = 1, 0x801
local LIMIT = 60000 -- ms; only a test that fails waits for it

-- As the process does at its start.
C.libctx_init(true)

local tls = { C = C }

-- C calls back into Lua out of loop_run(), which compiled code must not call.
jit.off(true, true)

--- A Lua string as struct str; keep the string alive.
function tls.str(s)
  return ffi.new("struct str", { ffi.cast("const char *", s), #s })
end

local function why_buffer()
  return ffi.new("char[256]")
end

--- Interns a bundle of PEM texts.
-- @treturn ?cdata struct trust, which is released when it is collected
function tls.trust(...)
  local pems = { ... }
  local list = ffi.new("struct str[?]", math.max(#pems, 1))
  for i, pem in ipairs(pems) do
    list[i - 1] = tls.str(pem)
  end
  local out, why = ffi.new("struct trust *[1]"), why_buffer()
  if C.trust_intern(list, #pems, out, why) ~= nil then
    return nil, ffi.string(why)
  end
  return ffi.gc(out[0], C.trust_unref)
end

--- Interns a certificate chain with its key (PEM texts).
function tls.credential(cert, key)
  local out, why = ffi.new("struct credential *[1]"), why_buffer()
  if C.credential_intern(tls.str(cert), tls.str(key), out, why) ~= nil then
    return nil, ffi.string(why)
  end
  return ffi.gc(out[0], C.credential_unref)
end

--- The credential of an identity of spec/fixtures/pki.lua.
function tls.identity(identity)
  return assert(tls.credential(pki.text(identity.chain or identity.cert), pki.text(identity.key)))
end

--- Wanted names.
-- @tparam table list of { kind, text }
-- @treturn ?cdata array of struct name
function tls.names(list)
  local names, why = ffi.new("struct name[?]", math.max(#list, 1)), why_buffer()
  for i, want in ipairs(list) do
    if C.name_parse(want[1], tls.str(want[2]), names[i - 1], why) ~= nil then
      return nil, ffi.string(why)
    end
  end
  return ffi.gc(names, function(all)
    for i = 0, #list - 1 do
      C.name_free(all[i])
    end
  end)
end

--- Interns revocation lists (PEM texts).
function tls.crls(...)
  local pems = { ... }
  local list = ffi.new("struct str[?]", math.max(#pems, 1))
  for i, pem in ipairs(pems) do
    list[i - 1] = tls.str(pem)
  end
  local out, why = ffi.new("struct crls *[1]"), why_buffer()
  if C.crls_intern(list, #pems, out, why) ~= nil then
    return nil, ffi.string(why)
  end
  return ffi.gc(out[0], C.crls_unref)
end

--- Interns a policy.
-- @tparam table want trust (cdata; the test root by default), names (a list of { kind, text }),
-- pins (a list of { kind, 32 bytes }), and fields of struct policy_desc; texts are Lua strings
function tls.policy(want)
  local trust = want.trust or assert(tls.trust(pki.pem(pki.get("root"))))
  local desc = C.policy_desc_default(trust)
  local names, pins, problem
  for field, value in pairs(want) do
    if field == "names" then
      names, problem = tls.names(value)
      if not names then
        return nil, problem
      end
      desc.names, desc.name_count = names, #value
    elseif field == "pins" then
      pins = ffi.new("struct pin[?]", #value)
      for i, pin in ipairs(value) do
        pins[i - 1].kind = pin[1]
        ffi.copy(pins[i - 1].sha256, pin[2], 32)
      end
      desc.pins, desc.pin_count = pins, #value
    else
      desc[field] = type(value) == "string" and tls.str(value) or value
    end
  end
  local out, why = ffi.new("struct policy *[1]"), why_buffer()
  if C.policy_intern(desc, out) ~= nil then
    C.policy_check(desc, why)
    return nil, ffi.string(why)
  end
  return ffi.gc(out[0], C.policy_unref)
end

function tls.no_verify(want)
  want = want or {}
  want.verify = C.POLICY_NO_VERIFY
  return tls.policy(want)
end

--- A client context of a policy, with its counters.
function tls.client(policy)
  local out, why = ffi.new("struct tls_client *[1]"), why_buffer()
  local stats = ffi.new("struct tls_client_stats")
  if C.tls_client_new(policy, stats, out, why) ~= nil then
    return nil, ffi.string(why)
  end
  return { ptr = ffi.gc(out[0], C.tls_client_free), stats = stats, policy = policy }
end

--- A server context.
-- @tparam table names from SNI pattern to credential
-- @tparam ?cdata fallback credential
function tls.server(names, fallback)
  local list, count = {}, 0
  for name, credential in pairs(names or {}) do
    count = count + 1
    list[count] = { tls.str(name), credential }
  end
  local array = ffi.new("struct tls_server_name[?]", math.max(count, 1))
  for i, entry in ipairs(list) do
    array[i - 1].name, array[i - 1].credential = entry[1], entry[2]
  end
  local out, why = ffi.new("struct tls_server *[1]"), why_buffer()
  if C.tls_server_new(array, count, fallback, out, why) ~= nil then
    return nil, ffi.string(why)
  end
  return ffi.gc(out[0], C.tls_server_unref)
end

function tls.name(text)
  local name = ffi.new("struct peer_name")
  if text ~= "" then
    assert(C.peer_name_parse(tls.str(text), name) == nil, text)
  end
  return name
end

local sides, by_conn = {}, {}

local function key_of(c)
  return tonumber(ffi.cast("uintptr_t", c))
end

local function side_of(c)
  return by_conn[key_of(c)]
end

local user = ffi.new("struct conn_user")
user.data = function(c, p, n)
  local side = side_of(c)
  side.received = side.received .. ffi.string(p, n)
  if side.on_data then
    side.on_data(side)
  end
  return n
end
user.eof = function(c)
  side_of(c).eof = true
end
user.drained = function() end
user.failed = function(c, why)
  local side = side_of(c)
  side.failed = ffi.string(why.code)
end

local on_ready = ffi.cast("void (*)(struct conn *)", function(c)
  local side = side_of(c)
  side.ready = true
  if side.on_ready then
    side.on_ready(side)
  end
end)

local shaker = ffi.new("struct tls_client_user", {
  ready = on_ready,
  judge = function(c, presented, said)
    local verdict = side_of(c).judge(presented)
    if verdict ~= true then
      ffi.copy(said, verdict)
    end
    return verdict == true
  end,
})

-- Somebody who connects and knows no judges.
local unanswering = ffi.new("struct tls_client_user", { ready = on_ready })

local loop = C.loop_new()
local until_ = nil
loop.before_wait = function()
  if until_ and until_() then
    until_ = nil
    C.loop_stop(loop)
  end
end

local expired
local alarm = ffi.new("struct timer")
C.timer_init(alarm, function()
  expired = true
  C.loop_stop(loop)
end)

--- Runs the loop until a condition holds.
function tls.run(condition, what)
  expired, until_ = false, condition
  C.loop_timer(loop, alarm, LIMIT)
  C.loop_run(loop)
  C.loop_timer_clear(loop, alarm)
  assert(not expired, "gave up waiting for " .. (what or "a condition"))
end

--- Lets the loop turn a few times, for things that must not happen.
function tls.settle()
  local pair = ffi.new("int[2]")
  assert(ffi.C.socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK, 0, pair) == 0)
  local near, far = tls.side(pair[0]), tls.side(pair[1])
  C.conn_start(far.conn)
  for _ = 1, 3 do
    far.received = ""
    near:write("x")
    tls.run(function() return far.received == "x" end)
  end
  near:close()
  far:close()
end

local Side = {}
Side.__index = Side

--- Takes a socket over.
function tls.side(fd)
  local conn = C.conn_from_fd(loop, fd)
  assert(conn ~= nil)
  local side = setmetatable({ conn = conn, received = "", eof = false, ready = false }, Side)
  C.conn_set_user(conn, user, nil)
  by_conn[key_of(conn)] = side
  sides[#sides + 1] = side
  return side
end

--- Connects to a port of this machine.
-- @treturn Side
function tls.dial(port)
  local tcp = assert(socket.connect("127.0.0.1", port))
  local fd = tcp:getfd()
  tcp:setfd(-1) -- it is ours from here on
  return tls.side(fd)
end

--- Lets a program connect to us.
-- @tparam function start gets the port and starts the program
-- @treturn Side
function tls.visited(start)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  start(port)
  listener:settimeout(LIMIT / 1000)
  local tcp = assert(listener:accept())
  local fd = tcp:getfd()
  tcp:setfd(-1)
  listener:close()
  return tls.side(fd)
end

--- A running `openssl s_server`.
-- @param ... its arguments
-- @treturn Process
-- @treturn number its port
function tls.s_server(...)
  local server = workspace.start({ "openssl", "s_server", "-accept", "127.0.0.1:0", ... })
  local port = workspace.eventually(function()
    return server:output():match("ACCEPT [%d.]+:(%d+)")
  end, "s_server", 20, function() return server:errors() end)
  return server, tonumber(port)
end

function Side:write(...)
  local list = { ... }
  local array = ffi.new("struct str[?]", #list)
  for i, s in ipairs(list) do
    array[i - 1] = tls.str(s)
  end
  C.conn_write(self.conn, array, #list)
end

function Side:close()
  if not self.closed then
    self.closed = true
    C.conn_close(self.conn)
  end
end

function Side:finish()
  self.closed = true
  C.conn_finish(self.conn, 1000)
end

--- Starts the client's side of TLS. Under a policy with judges the side's function `judge` is asked
-- with the struct shown; it returns true, or what is to be said.
-- @tparam table client of tls.client
-- @tparam string name the name to verify
-- @tparam ?cdata sessions struct session_cache
-- @tparam ?string sni what is sent; the name by default
function Side:connect(client, name, sessions, sni)
  self.client, self.name, self.sessions = client, tls.name(name), sessions
  self.sni = sni and tls.name(sni) or self.name
  local err = C.tls_client_start(client.ptr, self.conn, self.name, self.sni, sessions,
    self.unanswered and unanswering or shaker)
  if err ~= nil then
    self.failed = ffi.string(err.code)
  end
  return self
end

-- @tparam cdata server
-- @tparam ?cdata ask as for tls_server_start()
function Side:accept(server, ask)
  assert(C.tls_server_start(server, self.conn, ask) == nil)
  C.conn_start(self.conn)
  return self
end

local function verdict_table(v)
  return {
    code = ffi.string(C.verdict_code_name(v.code)),
    openssl = v.openssl,
    text = ffi.string(v.text),
    said = ffi.string(v.said),
    depth = v.depth,
    subject = ffi.string(v.subject),
    issuer = ffi.string(v.issuer),
    not_before = tonumber(v.not_before),
    not_after = tonumber(v.not_after),
    cached = v.cached,
    resumed = v.resumed,
    report = v.mode == C.POLICY_REPORT,
    ocsp = ffi.string(C.verdict_ocsp_name(v.ocsp)),
    ocsp_text = v.ocsp_text ~= nil and ffi.string(v.ocsp_text) or nil,
    next = v.has_next and ffi.string(C.verdict_code_name(v.next)) or nil,
    seen = ffi.string(v.names_seen),
    wanted = ffi.string(v.names_wanted),
    anchor = ffi.string(v.anchor),
    sha256 = ffi.string(v.sha256, 32),
  }
end

--- The verdict as a table.
function Side:verdict()
  local v = C.tls_client_verdict(self.conn)
  return v ~= nil and verdict_table(v) or nil
end

--- Judges a chain without a connection.
-- @tparam cdata policy
-- @tparam table pems texts, the leaf's first
-- @tparam ?string name of a connection
-- @tparam ?number at unix seconds
-- @treturn ?table verdict
function tls.judge(policy, pems, name, at)
  local list = ffi.new("struct str[?]", math.max(#pems, 1))
  for i, pem in ipairs(pems) do
    list[i - 1] = tls.str(pem)
  end
  local out, why = ffi.new("struct verdict"), why_buffer()
  if C.offline_judge(policy, list, #pems, name and tls.name(name), at or os.time(), out,
    why) ~= nil then
    return nil, ffi.string(why)
  end
  return verdict_table(out)
end

function Side:reason()
  return ffi.string(C.tls_client_reason(self.conn))
end

function Side:server_reason()
  return ffi.string(C.tls_server_reason(self.conn))
end

function Side:version()
  return ffi.string(C.tls_client_version(self.conn))
end

--- Two connected sides without TLS.
function tls.pair()
  local fds = ffi.new("int[2]")
  assert(ffi.C.socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK, 0, fds) == 0)
  return tls.side(fds[0]), tls.side(fds[1])
end

--- A handshake between two contexts, to its end.
-- @treturn Side the client's
-- @treturn Side the server's
function tls.handshake(client, server, name, sessions)
  local near, far = tls.pair()
  far:accept(server)
  near:connect(client, name or "kong.example", sessions)
  tls.run(function() return near.ready or near.failed end, "a handshake")
  return near, far
end

--- Like `handshake`, then exchanges a message, so that tickets that follow the handshake have
-- arrived, and closes.
-- @treturn table the verdict
function tls.visit(client, server, name, sessions)
  local near, far = tls.handshake(client, server, name, sessions)
  if near.ready then
    near:write("ping")
    tls.run(function() return far.received == "ping" or near.failed or far.failed end, "ping")
    far:write("pong")
    tls.run(function() return near.received == "pong" or near.failed end, "pong")
  end
  local verdict = near:verdict()
  near:finish()
  far:close()
  return verdict, near, far
end

--- Closes what the test has left open.
function tls.close_all()
  for _, side in ipairs(sides) do
    side:close()
  end
  tls.run(function() return loop.conns == 0 end, "connections to close")
  sides, by_conn = {}, {}
end

return tls
