-- A whole struct proxy on a loop that the spec turns: configurations made by hand, clients and
-- upstreams as LuaSockets, plugins as Lua functions. No VM, no threads.
--
--   local world = proxy.new()
--   local server = world:listen()
--   world:configure({ targets = { server.port } })
--   local client = world:client()
--   client:send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
--   local peer = server:accept()
--   peer:expect("GET / HTTP/1.1\r\n")
--   peer:send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
--   assert.equal("hi", client:response().body)
--   world:free()

local ffi = require("ffi")
local socket = require("socket")
local cimport = require("spec.support.cimport")
local helpers = require("spec.helpers")
local net = require("spec.support.net")

local C = cimport("base/log.h", "net/conn.h", "net/listen.h", "net/resolve.h", "conf/snapshot.h",
  "proxy/client.h", "proxy/request.h", "proxy/exchange.h", "proxy/peer.h", "proxy/forward.h",
  "proxy/report.h", "proxy/answer.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

if not pcall(function() return ffi.C.open end) then
  ffi.cdef([[int open(const char *path, int flags, int mode);]])
end

local APPEND = 1 + 64 + 1024 -- O_WRONLY, O_CREAT, O_APPEND

local PHASES = { rewrite = 0, access = 1, header_filter = 2, body_filter = 3, log = 4,
  balancer = 6, response = 7 }
local RESULTS = { done = 0, wait = 1, exit = 2, error = 3 }

-- A request without a body, and an answer to it.
local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

local World = {}

-- Strings that slices of C point into live as long as this table; specs are short.
local anchors = {}

local function str(text)
  if text == nil then
    return ffi.new("struct str")
  end
  anchors[#anchors + 1] = text
  return ffi.new("struct str", { p = ffi.cast("const char *", text), n = #text })
end

local function text(s)
  return s.p ~= nil and ffi.string(s.p, s.n) or nil
end

-- ---- both kinds of ends

local End = {}
End.__index = End

local function new_end(world, sock)
  sock:settimeout(0)
  local e = setmetatable({ world = world, sock = sock, got = "" }, End)
  world.ends[#world.ends + 1] = e
  return e
end

--- Sends all of it, turning the loop as needed.
function End:send(data)
  local from = 1
  self.world:wait("room to send", function()
    local last, err, part = self.sock:send(data, from)
    from = (last or part) + 1
    return from > #data or (err and err ~= "timeout")
  end)
end

-- Takes what has arrived; true at the end of the data.
function End:take()
  local data, err = self.world.read(self.sock)
  self.got = self.got .. data
  self.ended = self.ended or err
  return self.ended ~= nil
end

--- Turns the loop until what arrived has the pattern; returns all that arrived and forgets it.
function End:expect(pattern)
  self.world:wait("bytes like " .. pattern, function()
    local ended = self:take()
    return self.got:find(pattern) or (ended and error("ended after: " .. self.got, 0))
  end)
  local got = self.got
  self.got = ""
  return got
end

--- Turns the loop until a whole request head has come, and forgets it; for an upstream.
function End:request()
  return (self:expect("\r\n\r\n"))
end

--- Turns the loop until the other side has closed; returns what came before that.
function End:rest()
  self.world:wait("the end of the data", function() return self:take() end)
  return self.got
end

--- Whether the other side keeps it open.
function End:is_open()
  self.world:pass(5)
  return not self:take()
end

-- The body at the start of `data` and what follows it, as the head says; nil while it is not whole.
local function split(data)
  local head, rest = data:match("^(.-\r\n)\r\n(.*)$")
  if not head then
    return nil
  end
  local length = tonumber(head:match("\r\nContent%-Length: (%d+)\r\n"))
  if head:find("Transfer-Encoding: chunked", 1, true) then
    local chunks, after = rest:match("^(.-)0\r\n\r\n(.*)$")
    return chunks and head, chunks and chunks:gsub("%x+\r\n(.-)\r\n", "%1"), after
  end
  if not length or head:find("^HTTP/1.1 304") then
    return head, "", rest
  elseif #rest < length then
    return nil
  end
  return head, rest:sub(1, length), rest:sub(length + 1)
end

--- Turns the loop until a whole response has come.
-- @treturn table status, head, body
function End:response()
  local head, body, rest
  self.world:wait("a response", function()
    local ended = self:take()
    head, body, rest = split(self.got)
    return head or (ended and error("ended after: " .. self.got, 0))
  end)
  self.got = rest
  return { status = tonumber(head:match("^HTTP/1%.1 (%d+)")), head = head, body = body }
end

function End:close()
  self.sock:close()
end

--- Says that it sends no more.
function End:shut()
  self.sock:shutdown("send")
end

function End:reset()
  self.world.reset(self.sock)
end

-- ---- upstreams

local Server = {}
Server.__index = Server

--- A port that the world can reach; it accepts on demand.
function World:listen()
  local sock = assert(socket.bind("127.0.0.1", 0))
  sock:settimeout(0)
  local _, port = sock:getsockname()
  local server = setmetatable({ world = self, sock = sock, port = tonumber(port) }, Server)
  self.ends[#self.ends + 1] = server
  return server
end

--- The next connection to it.
function Server:accept()
  local sock
  self.world:wait("a connection to the upstream", function()
    sock = self.sock:accept()
    return sock
  end)
  return new_end(self.world, sock)
end

--- Whether somebody connects although nobody should.
function Server:is_asked()
  self.world:pass(5)
  local sock = self.sock:accept()
  return sock and new_end(self.world, sock) or false
end

function Server:close()
  self.sock:close()
end

--- A port on which nobody listens.
function World.dead_port()
  local sock = assert(socket.bind("127.0.0.1", 0))
  local _, port = sock:getsockname()
  sock:close()
  return tonumber(port)
end

-- ---- configuration

local function set_settings(settings, want)
  local values = {
    keepalive_pool_size = 60, keepalive_max_requests = 1000, keepalive_idle_timeout = 60000,
    client_body_buffer_size = 8192, client_header_timeout = 60000, client_body_timeout = 60000,
    client_idle_timeout = 60000, send_timeout = 60000, real_ip_header = "X-Real-IP",
    access_log = true, response_buffer_size = 65536,
  }
  for name, value in pairs(want or {}) do
    values[name] = value
  end
  local trusted = values.trusted
  values.trusted = nil
  for name, value in pairs(values) do
    settings[name] = type(value) == "string" and str(value) or value
  end
  if trusted then
    local list = ffi.new("struct cidr[?]", #trusted)
    anchors[#anchors + 1] = list
    for i, range in ipairs(trusted) do
      assert(C.cidr_parse(str(range), list[i - 1]) == nil, range)
    end
    settings.trusted, settings.trusted_count = list, #trusted
  end
end

local function phase_bits(hooks)
  local bits = 0
  for name in pairs(hooks) do
    bits = bits + (PHASES[name] and 2 ^ PHASES[name] or 0)
  end
  return bits
end

local function new_plan(want, phases)
  local plan = ffi.new("struct plan", {
    upstream = -1, connect_timeout = 60000, write_timeout = 60000, read_timeout = 60000,
    protocols = 3, phases = phases,
  })
  for name, value in pairs(want or {}) do
    plan[name] = type(value) == "string" and str(value) or value
  end
  return plan
end

--- A sealed snapshot: every request goes to one plan.
-- @tparam table options targets (ports, or { host =, port =, weight = }), plan, settings (fields of
-- the structs), host_header
-- @treturn cdata struct snapshot, whose reference is the caller's
function World:snapshot(options)
  local s, why = C.snapshot_new(), ffi.new("char[256]")
  self.serial = self.serial + 1
  s.serial = self.serial
  set_settings(s.settings, options.settings)
  local phases = phase_bits(self.hooks)
  C.snapshot_add_plan(s, new_plan(nil, phases))
  C.snapshot_add_plan(s, new_plan(nil, 0))
  if options.targets then
    local index = C.snapshot_add_upstream(s, str("up"), str(options.host_header or ""), false)
    for _, target in ipairs(options.targets) do
      target = type(target) == "number" and { port = target } or target
      C.snapshot_add_target(s, index, str(target.host or "127.0.0.1"), target.port,
        target.weight or 100)
    end
    local plan = new_plan(options.plan, phases)
    plan.upstream = index
    local path = ffi.new("struct str[1]", { str(options.path or "/") })
    C.snapshot_add_route(s, ffi.new("struct route_desc", {
      plan = C.snapshot_add_plan(s, plan), id = str("route"), paths = path, path_count = 1,
    }))
  end
  assert(C.snapshot_seal(s, why) == nil, ffi.string(why))
  return s
end

--- Puts a configuration in force.
function World:configure(options)
  local why = ffi.new("char[256]")
  local err = C.view_adopt(self.proxy, self:snapshot(options), nil, self.gone, why)
  assert(err == nil, ffi.string(why))
end

-- ---- clients

--- A new connection to the proxy.
function World:client(options)
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  local near = assert(socket.connect("127.0.0.1", port))
  local far = assert(server:accept())
  server:close()
  if options and options.small then
    near:setoption("recv-buffer-size", 4096)
    far:setoption("send-buffer-size", 4096)
  end
  local conn = C.conn_from_fd(self.loop, ffi.C.dup(far:getfd()))
  far:close()
  C.client_accept(self.proxy, conn, false, false)
  return new_end(self, near)
end

--- The client connections that are open.
function World:clients()
  local list, it = {}, self.proxy.clients.next
  while it ~= ffi.cast("struct list *", self.proxy.clients) do
    local offset = ffi.offsetof("struct client", "node")
    list[#list + 1] = ffi.cast("struct client *", ffi.cast("char *", it) - offset)
    it = it.next
  end
  return list
end

--- The request that is under way on the only client connection.
function World:request()
  local client = self:clients()[1]
  return client and client.request ~= nil and client.request or nil
end

-- ---- logs

--- What a log ("error", "access") has got.
function World:read_log(name)
  return helpers.read(("%s/%s.log"):format(self.folder, name))
end

function World:log()
  return self:read_log("error")
end

function World:access_log()
  C.log_buffer_flush(self.proxy.access_log)
  return self:read_log("access")
end

-- ---- life

-- One table of callbacks for all phases; what they do is in world.hooks.
local function new_hooks(world)
  local function call(what, r, phase)
    world.calls[#world.calls + 1] = what
    local hook = world.hooks[what]
    if phase then
      r.phase = phase
    end
    return RESULTS[hook and hook(r) or "done"]
  end
  local names = {}
  for name, number in pairs(PHASES) do
    names[number] = name
  end
  local run = function(_, r, phase) return call(names[tonumber(phase)], r, phase) end
  local resume = function(_, r) return call("resume", r) end
  local hooks = ffi.new("struct request_hooks")
  hooks.run = run
  hooks.resume = resume
  hooks.release = function() world.calls[#world.calls + 1] = "release" end
  return hooks
end

--- Ends everything and checks that nothing is left.
function World:free()
  C.proxy_done(self.proxy)
  C.resolver_free(self.resolver[0])
  for _, e in ipairs(self.ends) do
    e:close()
  end
  self:wait("everything to close", function() return self.loop.conns == 0 end)
  assert(self.loop.bufs.in_use == 0, "buffers are left")
  C.log_setup(C.LOG_NOTICE, 2, 1)
  for _, fd in ipairs(self.fds) do
    ffi.C.close(fd)
  end
  for _, name in ipairs({ "run", "resume", "release" }) do
    self.table[name]:free()
  end
  self.gone:free()
  getmetatable(World).__index.free(self)
end

--- A proxy without a configuration.
-- @tparam ?table hooks from phase, or "resume", to function(request) -> "done", "wait", "exit" or
-- "error" (nil: done); they belong to every plan
local function new(hooks)
  local world = net.new()
  setmetatable(World, { __index = getmetatable(world).__index })
  setmetatable(world, { __index = World })
  world.ends, world.calls, world.fds, world.serial = {}, {}, {}, 0
  world.hooks = hooks or {}
  world.folder = helpers.directory()
  for i, name in ipairs({ "error", "access" }) do
    world.fds[i] = ffi.C.open(("%s/%s.log"):format(world.folder, name), APPEND, 384)
  end
  C.log_setup(C.LOG_INFO, world.fds[1], world.fds[2])
  world.resolver = ffi.new("struct resolver *[1]")
  assert(C.resolver_new(world.loop, world.resolver) == nil)
  world.table = new_hooks(world)
  world.views_gone = 0
  world.gone = ffi.cast("void (*)(struct view *)", function()
    world.views_gone = world.views_gone + 1
  end)
  world.proxy = ffi.new("struct proxy")
  C.proxy_init(world.proxy, world.loop, world.resolver[0], world.table)
  return world
end

--- A proxy whose configuration has one upstream target, a server of the spec.
-- @tparam ?table options as for World:configure()
-- @tparam ?table hooks as for new()
-- @treturn table world
-- @treturn table server
-- @treturn table a client of it
local function start(options, hooks)
  local world = new(hooks)
  local server = world:listen()
  options = options or {}
  options.targets = options.targets or { server.port }
  world:configure(options)
  return world, server, world:client()
end

--- An upstream connection that served a request of the client and is idle.
local function warm_up(server, client)
  client:send(GET)
  local peer = server:accept()
  peer:request()
  peer:send(OK)
  client:response()
  return peer
end

--- A request with a body.
-- @tparam string method
-- @tparam string body
-- @tparam ?string more header lines
local function with_body(method, body, more)
  return ("%s / HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s"):format(
    method, more or "", #body, body)
end

--- A struct addr.
local function addr(ip, port)
  local a = ffi.new("struct addr")
  assert(C.addr_parse(str(ip), port, a) == nil, ip)
  return a
end

return {
  C = C, new = new, start = start, warm_up = warm_up, with_body = with_body, str = str,
  text = text, addr = addr, GET = GET, OK = OK,
}
