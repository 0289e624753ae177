-- A worker's VM with a request to run phases on, for specs of core/vm: what the core would have
-- around it (view, plan, client) is put together by hand.
--
--   local world = vm.new({ plugins = { name = "handler's source" }, chain = { "name" } })
--   local result = world:run("access")

local ffi = require("ffi")
local buffer = require("string.buffer")
local helpers = require("spec.helpers")
local cimport = require("spec.support.cimport")

local socket = require("socket")

local C = cimport("vm/vm.h", "net/alarm.h", "proxy/client.h", "proxy/request.h", "proxy/exchange.h",
  "tls/shown.h", "base/log.h")

ffi.cdef([[
  int open(const char *path, int flags, int mode);
  int close(int fd);
  void free(void *p);
]])

-- Where the state under test finds its loader.
local ROOT = "spec/fixtures/vm"

local APPEND = 1 + 64 + 1024 -- O_WRONLY, O_CREAT, O_APPEND

local PHASES = { rewrite = 0, access = 1, header_filter = 2, body_filter = 3, log = 4,
  balancer = 6, response = 7 }
local RESULTS = { [0] = "done", "wait", "exit", "error" }

local PATIENCE = 10 -- s

local World = {}
World.__index = World

local function str(text)
  return ffi.new("struct str", text, #text)
end

local function new_request(world)
  local r = ffi.new("struct request")
  world.client.conn = world.conn
  r.proxy, r.client, r.view, r.plan = world.proxy, world.client, world.view, world.plan
  C.arena_init(r.arena, nil)
  C.head_init(r.head, r.arena)
  C.head_init(r.service, r.arena)
  C.head_init(r.response, r.arena)
  C.buf_init(r.body, world.loop.bufs)
  r.body_kept = true
  table.insert(world.requests, r)
  ffi.copy(r.id, ("0123456789abcdef"):rep(2))
  return r
end

-- The configuration as weir.compile would encode it.
local function blob_of(options, folder)
  local records, indices = {}, {}
  for i, name in ipairs(options.chain) do
    records[i] = {
      id = "id-" .. i,
      name = name,
      module = ("kong.plugins.%s.handler"):format(name),
      conf = options.confs and options.confs[i] or {},
      hash = options.hashes and options.hashes[i] or "h" .. i,
      phases = -1, -- whatever the handler implements
    }
    indices[i] = i
  end
  return buffer.encode({
    plugins = records,
    chains = { [0] = indices },
    choices = { [0] = options.choices },
    consumers = options.consumers or {},
    rewrite = indices,
    plans = { [0] = {} },
    entities = {},
    settings = {
      plugins = {}, plugin_path = folder, lua_package_path = options.lua_package_path or "",
      trusted_ips = {},
      lua_max_pending_timers = 8, lua_max_running_timers = 4,
      lua_time_limit = options.time_limit or 0, lua_memory_limit = options.memory_limit or 0,
    },
  })
end

local function new_snapshot(options, folder, serial)
  local text = blob_of(options, folder)
  local snapshot = C.snapshot_new()
  snapshot.serial = serial
  snapshot.blob = str(text)
  snapshot.settings.client_body_buffer_size = 64
  return snapshot, text
end

--- Adopts a configuration.
-- @tparam table options chain (plugin names in their order), confs and hashes (one per plugin),
-- choices and consumers (as weir.compile.blob describes them, of the only plan), time_limit
-- (seconds) and memory_limit (bytes) of their Lua, lua_package_path
-- @treturn string|nil why it was refused
function World:adopt(options)
  self.serial = self.serial + 1
  local snapshot, text = new_snapshot(options, self.folder, self.serial)
  self.kept[#self.kept + 1] = text
  local why = ffi.new("char *[1]")
  if not C.vm_adopt(self.vm, snapshot, why) then
    local message = ffi.string(why[0])
    ffi.C.free(why[0])
    return message
  end
  self.view.snapshot = snapshot
  return nil
end

--- Runs a phase.
-- @treturn string done, wait, exit, error
function World:run(phase, r)
  return RESULTS[tonumber(C.vm_hooks().run(self.vm, r or self.request, PHASES[phase]))]
end

--- Lets the plugins judge an upstream that showed no certificate at all.
-- @treturn boolean whether they accept
-- @treturn string what is to be said
function World:judge()
  local exchange, peer = ffi.new("struct exchange"), ffi.new("struct peer")
  local presented, said = ffi.new("struct shown"), ffi.new("char[256]")
  C.addr_parse(str("10.0.0.1"), 8443, peer.addr)
  C.peer_name_parse(str("up.example"), exchange.name)
  exchange.peer = peer
  self.request.exchange = exchange
  local accepts = C.vm_hooks().judge(self.vm, self.request, presented, said)
  self.request.exchange = nil
  return accepts, ffi.string(said)
end

function World:resume(r)
  return RESULTS[tonumber(C.vm_hooks().resume(self.vm, r or self.request))]
end

function World:release(r)
  C.vm_hooks().release(self.vm, r or self.request)
end

--- Another request on the same configuration.
function World:another()
  return new_request(self)
end

--- A field of the request's response head.
function World:header(name, r)
  local f = C.head_find((r or self.request).response, str(name))
  return f ~= nil and ffi.string(f.value.p, f.value.n) or nil
end

--- What the error log has got.
function World:log()
  return helpers.read(self.log_file)
end

--- Turns the loop until the log has the text, or so many seconds at most.
-- @tparam string pattern
-- @treturn string what the pattern matches, or its captures
function World:wait_log(pattern)
  local deadline = socket.gettime() + PATIENCE
  repeat
    C.alarm_set(self.loop, 2, C.loop_stop, self.loop)
    C.loop_run(self.loop)
    if self:log():find(pattern) then
      return self:log():match(pattern)
    end
  until socket.gettime() > deadline
  error(("waited in vain for %q in:\n%s"):format(pattern, self:log()), 2)
end

function World:free()
  for _, r in ipairs(self.requests) do
    self:release(r)
    C.buf_clear(r.body)
  end
  C.vm_stop(self.vm)
  C.vm_free(self.vm)
  C.loop_free(self.loop)
  C.log_setup(ffi.C.LOG_NOTICE, 2, 1)
  ffi.C.close(self.log_fd)
end

local vm = { C = C, ROOT = ROOT, str = str }

--- A VM that has adopted a configuration.
-- @tparam table options as for adopt(), and plugins: name -> source of its handler
function vm.new(options)
  local folder = helpers.directory()
  for name, source in pairs(options.plugins) do
    assert(os.execute(("mkdir -p '%s/%s'"):format(folder, name)))
    helpers.write(("%s/%s/handler.lua"):format(folder, name), source)
  end
  local log_file = folder .. "/error.log"
  local log_fd = ffi.C.open(log_file, APPEND, 384)
  C.log_setup(ffi.C.LOG_NOTICE, log_fd, -1)
  local world = setmetatable({
    vm = assert(C.vm_new(ROOT, "weir.worker", C.VM_HEAP_OWN), "no VM"),
    folder = folder,
    log_file = log_file,
    log_fd = log_fd,
    serial = 0,
    kept = {},
    requests = {},
    proxy = ffi.new("struct proxy"),
    loop = C.loop_new(),
    view = ffi.new("struct view"),
    plan = ffi.new("struct plan", { phases = 31 }),
    client = ffi.new("struct client"),
    conn = ffi.new("struct conn", { id = 7 }),
  }, World)
  if world.vm == nil then
    error("no VM: " .. world:log())
  end
  world.proxy.loop = world.loop
  C.vm_attach(world.vm, world.proxy)
  local why = world:adopt(options)
  if why then
    error("not adopted: " .. why)
  end
  world.request = new_request(world)
  return world
end

return vm
