-- A loop for specs of core/net: turned by the spec, with connections that keep a record.
--
--   local net = require "spec.support.net"
--   local world = net.new()
--   local conn, peer = world:connect()       -- a struct conn, and the LuaSocket at its other end
--   peer:send("hello")
--   world:wait("data", function() return world:record(conn).data == "hello" end)
--   world:free()
--
-- Callbacks from C may not be called from compiled code: specs that use this turn the JIT off.

local ffi = require "ffi"
local socket = require "socket"
local cimport = require "spec.support.cimport"

local C = cimport("net/conn.h", "net/dial.h", "net/listen.h")

if not pcall(ffi.sizeof, "struct rlimit") then
  ffi.cdef [[
  struct rlimit { unsigned long rlim_cur, rlim_max; };
  int getrlimit(int resource, struct rlimit *limit);
  int setrlimit(int resource, const struct rlimit *limit);
  int dup(int fd);
  int close(int fd);
  ]]
end

ffi.cdef "int clock_gettime(int clock, struct timespec *now);"

local MONOTONIC_COARSE = 6
local RLIMIT_NOFILE = 7
local PATIENCE = 10   -- s; a spec that waits longer has failed

jit.off(true, true)

local World = {}
World.__index = World


local function key(conn)
  return tostring(ffi.cast("void *", conn))
end


-- One set of callbacks serves all connections: callbacks are few.
local function new_user(world)
  local user = ffi.new("struct conn_user")
  user.data = function(c, p, n)
    local record = world.records[key(c)]
    if record.on_data then
      return record:on_data(ffi.string(p, n))
    end
    record.data = record.data .. ffi.string(p, n)
    return n
  end
  user.eof = function(c)
    local record = world.records[key(c)]
    record.eofs = record.eofs + 1
    if record.on_eof then
      record:on_eof()
    end
  end
  user.drained = function(c)
    local record = world.records[key(c)]
    record.drained = record.drained + 1
    if record.on_drained then
      record:on_drained()
    end
  end
  user.failed = function(c, why)
    local record = world.records[key(c)]
    record.failures = record.failures + 1
    record.failed = ffi.string(why.code)
    if record.on_failed then
      record:on_failed()
    end
  end
  return user
end


--- A world: one loop, and what the spec opened on it.
local function new()
  local world = setmetatable({ C = C, records = {}, loop = C.loop_new() }, World)
  world.user = new_user(world)
  world.stop = ffi.cast("void (*)(void *)", C.loop_stop)
  return world
end


--- Frees the loop; the spec has closed all connections.
function World:free()
  C.loop_free(self.loop)
  for _, name in ipairs({ "data", "eof", "drained", "failed" }) do
    self.user[name]:free()
  end
end


--- Closes all connections that the spec has not ended (`ended` in their records), and frees the
-- loop.
-- @tparam ?table peer the LuaSocket at the other end
-- @treturn number buffers that somebody still holds
function World:close_all(peer)
  if peer then
    peer:close()
  end
  self:wait("everything to close", function()
    for _, record in pairs(self.records) do
      if not record.ended then
        C.conn_close(record.conn)
        record.ended = true
      end
    end
    return self.loop.conns == 0
  end)
  local held = tonumber(self.loop.bufs.in_use)
  self:free()
  return held
end


--- One turn of the loop, without waiting: handles what is ready.
function World:turn()
  C.loop_post(self.loop, self.stop, self.loop)
  C.loop_run(self.loop)
end


--- Turns the loop until the condition holds.
function World:wait(what, condition)
  local deadline = socket.gettime() + PATIENCE
  while true do
    self:turn()
    local result = condition()
    if result then
      return result
    end
    if socket.gettime() > deadline then
      error("waited in vain for " .. what, 2)
    end
    socket.sleep(0.001)
  end
end


--- Turns the loop for so many ms: to see that something does not happen.
function World:pass(ms)
  local deadline = socket.gettime() + ms / 1000
  repeat
    self:turn()
    socket.sleep(0.001)
  until socket.gettime() > deadline
end


--- The tick of the kernel's clock that it is in.
local function tick()
  local now = ffi.new("struct timespec")
  ffi.C.clock_gettime(MONOTONIC_COARSE, now)
  return tonumber(now.tv_sec) * 1000000000 + tonumber(now.tv_nsec)
end


--- Comes back when another tick of the kernel's clock has begun.
function World.next_tick()
  local before = tick()
  while tick() == before do end -- luacheck: ignore 542
end


--- Makes attempts, each at the begin of a tick, until one has ended in the tick that it began in.
function World.in_one_tick(attempt)
  local began
  repeat
    World.next_tick()
    began = tick()
    attempt()
  until tick() == began
end


--- Makes the spec the user of a connection, which starts reading.
function World:adopt(conn)
  self.records[key(conn)] = { conn = conn, data = "", eofs = 0, drained = 0, failures = 0 }
  C.conn_set_user(conn, self.user, nil)
  C.conn_start(conn)
  return conn
end


--- What happened on a connection: data, eofs, drained, failures, failed (the code of the error);
-- with on_data(self, bytes) -> taken, on_eof, on_drained, on_failed the spec takes part.
function World:record(conn)
  return self.records[key(conn)]
end


--- A struct addr.
function World.addr(ip, port)
  local addr = ffi.new("struct addr")
  local text = ffi.new("struct str", { p = ffi.cast("const char *", ip), n = #ip })
  assert(C.addr_parse(text, port, addr) == nil)
  return addr
end


--- Connects to a port of this machine, or to a struct addr; returns a connection, or nil and the
--- code of the error.
function World:dial(to, timeout)
  local result
  local done = ffi.cast("void (*)(void *, struct conn *, err_t)", function(_, conn, err)
    result = { conn ~= nil and conn or nil, err ~= nil and ffi.string(err.code) or nil }
  end)
  if type(to) == "number" then
    to = self.addr("127.0.0.1", to)
  end
  C.dial_start(self.loop, to, timeout or 5000, done, nil)
  assert(not result, "dial_start() called back at once")
  self:wait("the dial", function() return result end)
  done:free()
  return result[1], result[2]
end


--- A connection over TCP that reads already, and the LuaSocket at its other end (not blocking).
function World:connect()
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  local conn = assert(self:dial(tonumber(port)))
  local peer = assert(server:accept())
  server:close()
  peer:settimeout(0)
  return self:adopt(conn), peer
end


--- Sends strings through a connection, in one call.
function World.write(conn, ...)
  local count = select("#", ...)
  local v = ffi.new("struct str[?]", count)
  for i = 1, count do
    local s = select(i, ...)
    v[i - 1].p = ffi.cast("const char *", s)
    v[i - 1].n = #s
  end
  C.conn_write(conn, v, count)
end


--- Reads what there is at the other end; returns it, and "closed" at the end of the data.
function World.read(peer, max)
  local data, err, part = peer:receive(max or 1024 * 1024)
  return data or part, err ~= "timeout" and err or nil
end


--- Reads at the other end, turning the loop, until so many bytes or the end of the data arrived.
function World:read_all(peer, count)
  local pieces, len, err = {}, 0, nil
  self:wait("bytes at the peer", function()
    local piece
    piece, err = self.read(peer)
    pieces[#pieces + 1] = piece
    len = len + #piece
    return err or (count and len >= count)
  end)
  return table.concat(pieces), err
end


--- Ends a connection from the other end with a reset.
function World.reset(peer)
  peer:setoption("linger", { on = true, timeout = 0 })
  peer:close()
end


--- Calls fn() while the process cannot open any more descriptors.
function World.without_descriptors(fn)
  local limit = ffi.new("struct rlimit[1]")
  assert(ffi.C.getrlimit(RLIMIT_NOFILE, limit) == 0)
  local before = limit[0].rlim_cur
  local free = ffi.C.dup(0)
  ffi.C.close(free)
  limit[0].rlim_cur = free
  assert(ffi.C.setrlimit(RLIMIT_NOFILE, limit) == 0)
  local ok, err = pcall(fn)
  limit[0].rlim_cur = before
  assert(ffi.C.setrlimit(RLIMIT_NOFILE, limit) == 0)
  if not ok then
    error(err, 0)
  end
end


--- Closes a connection and waits until it is gone.
function World:close(conn)
  local before = self.loop.conns
  C.conn_close(conn)
  self:wait("the connection to go", function() return self.loop.conns < before end)
end


--- Something that the kernel cannot take at once.
-- @tparam ?number n bytes
local function large(n)
  return ("0123456789abcdef"):rep((n or 8 * 1024 * 1024) / 16)
end


return { new = new, large = large, C = C }
