-- kong.tools.queue: entries that a handler gets later, in batches, outside of the requests that
-- they come from. A batch that fails is sent again, later each time.
--
-- A queue belongs to its worker and lives by its name while there is something in it. `entries`
-- holds what waits under the numbers first to last; a timer works on it meanwhile.
local null = require("cjson").null
local log = require("weir.pdk.log")
local plugin = require("weir.pdk.plugin")
local semaphore = require("ngx.semaphore")
local time = require("weir.ngx.time")
local timer = require("weir.ngx.timer")
local wait = require("weir.wait")
local worker = require("weir.ngx.worker")

local queue = {}
local Queue = {}
Queue.__index = Queue

local DEFAULTS = {
  max_batch_size = 1, max_coalescing_delay = 1, max_entries = 10000, max_retry_time = 60,
  initial_retry_delay = 0.01, max_retry_delay = 60, concurrency_limit = 1,
}

-- The concurrency_limit of queues whose entries do not wait for one another.
local UNLIMITED = -1

-- From here on it is said that a queue fills up.
local NEARLY_FULL = 0.8

-- How long, in seconds, it takes at most to notice that the worker ends.
local LONGEST_WAIT = 1

-- Name -> queue.
local queues = {}

local function say(level, self, text, ...)
  log[level](("queue %s: "):format(self.conf.name), text:format(...))
end

-- ---- entries

function Queue:count()
  return self.last - self.first + 1
end

local function size_of(entry)
  return type(entry) == "string" and #entry or 0
end

function Queue:drop_first()
  self.bytes = self.bytes - size_of(self.entries[self.first])
  self.entries[self.first] = nil
  self.first = self.first + 1
end

-- Drops the oldest entries until one of `size` bytes fits; how many.
function Queue:make_room(size)
  local conf, dropped = self.conf, 0
  while self:count() >= conf.max_entries
    or (conf.max_bytes and self:count() > 0 and self.bytes + size > conf.max_bytes) do
    self:drop_first()
    dropped = dropped + 1
  end
  return dropped
end

-- Tells once that a queue fills up, and once that it is full, until it is neither any more.
function Queue:warn(dropped)
  if dropped > 0 and not self.full then
    say("err", self, "queue full, dropping old entries until processing is successful again")
  elseif dropped == 0 and not self.nearly_full
    and self:count() >= NEARLY_FULL * self.conf.max_entries then
    say("warn", self, "queue at %d%% capacity", NEARLY_FULL * 100)
  end
  self.full = dropped > 0
  self.nearly_full = self:count() >= NEARLY_FULL * self.conf.max_entries
end

function Queue:push(entry)
  local size = size_of(entry)
  if self.conf.max_bytes and size > self.conf.max_bytes then
    local err = ("string to be queued is longer (%d bytes) than the queue's max_bytes (%d bytes)")
      :format(size, self.conf.max_bytes)
    say("err", self, "%s", err)
    return nil, err
  end
  self:warn(self:make_room(size))
  self.last = self.last + 1
  self.entries[self.last] = entry
  self.bytes = self.bytes + size
  if self.waiting then
    self.arrival:post()
  end
  return true
end

-- ---- batches

-- Waits until a batch is complete or has waited long enough.
function Queue:gather()
  local until_then = time.now() + self.conf.max_coalescing_delay
  self.waiting = true
  while self:count() < self.conf.max_batch_size and not worker.exiting() do
    local left = until_then - time.now()
    if left <= 0 then
      break
    end
    self.arrival:wait(math.min(left, LONGEST_WAIT))
  end
  self.waiting = false
end

-- Calls the handler for the entries from first to `to`.
function Queue:try(to)
  local batch = {}
  for number = self.first, to do
    batch[#batch + 1] = self.entries[number]
  end
  local called, ok, err = pcall(self.handler, self.handler_conf, batch)
  if not called then
    return false, ok
  elseif not ok and not err then
    return false, "handler returned falsy value but no error information"
  end
  return ok, err
end

-- Sends one batch, again and again if need be, and forgets it. Entries that had to make room
-- meanwhile are gone already.
function Queue:send()
  local conf = self.conf
  local to = math.min(self.last, self.first + conf.max_batch_size - 1)
  local began, retries = time.now(), 0
  while self.first <= to do
    local ok, err = self:try(to)
    if ok then
      break
    elseif time.now() - began >= conf.max_retry_time or worker.exiting() then
      say("err", self, "could not send entries, giving up after %d retries. %d queue entries were "
        .. "lost: %s", retries, to - self.first + 1, tostring(err))
      break
    end
    say("warn", self, "handler could not process entries: %s", tostring(err))
    wait.sleep(math.min(conf.max_retry_delay, 2 ^ retries * conf.initial_retry_delay))
    retries = retries + 1
  end
  while self.first <= to do
    self:drop_first()
  end
  self.full = false
end

-- A timer's work for an entry that waits for no other.
local function send_alone(_, self)
  self:send()
end

-- A timer's work for all that is there, and what comes meanwhile.
local function work(_, self)
  while self:count() > 0 do
    self:gather()
    self:send()
  end
  queues[self.conf.name] = nil
end

-- A worker that drains sends what waits. One that is stopped at once only says what it leaves: Lua
-- is not entered any more, but finalisers run when the state is closed.
local at_end = newproxy(true)
getmetatable(at_end).__gc = function()
  for _, self in pairs(queues) do
    say("err", self, "%d entries were lost: the worker was stopped", self:count())
  end
end
setmetatable(queues, { keeps = at_end })

-- ---- the interface

local function with_defaults(conf)
  local complete = {}
  for name, value in pairs(conf) do
    complete[name] = value ~= null and value or nil
  end
  for name, value in pairs(DEFAULTS) do
    complete[name] = complete[name] or value
  end
  return complete
end

local function new(conf, handler, handler_conf)
  return setmetatable({
    conf = conf, handler = handler, handler_conf = handler_conf, entries = {}, first = 1, last = 0,
    bytes = 0, arrival = semaphore.new(0),
  }, Queue)
end

-- The queue for an entry, with a timer that works on it; one of its own where entries do not wait.
local function queue_for(conf, handler, handler_conf)
  local alone = conf.concurrency_limit == UNLIMITED
  local self = not alone and queues[conf.name]
  if self then
    self.conf, self.handler_conf = conf, handler_conf
    return self
  end
  self = new(conf, handler, handler_conf)
  local ok, err = timer.at(0, alone and send_alone or work, self)
  if not ok then
    return nil, err
  elseif not alone then
    queues[conf.name] = self
  end
  return self
end

local function check(conf, handler, handler_conf)
  if type(conf) ~= "table" then
    error("arg #1 (queue_conf) must be a table", 3)
  elseif type(handler) ~= "function" then
    error("arg #2 (handler) must be a function", 3)
  elseif handler_conf ~= nil and type(handler_conf) ~= "table" then
    error("arg #3 (handler_conf) must be a table", 3)
  elseif type(conf.name) ~= "string" then
    error("arg #1 (queue_conf) must include a name", 3)
  end
end

--- Puts an entry into a queue.
-- @tparam table conf name, max_batch_size, max_coalescing_delay, max_entries, max_bytes,
-- max_retry_time, initial_retry_delay, max_retry_delay (seconds), concurrency_limit (-1: each entry
-- is sent by itself and at once); the newest counts
-- @tparam function handler gets handler_conf and a list of entries; returns true, or false and what
-- is wrong. It may wait.
-- @tparam ?table handler_conf the newest counts
-- @param entry not nil
-- @treturn true|nil
-- @treturn nil|string
function queue.enqueue(conf, handler, handler_conf, entry)
  check(conf, handler, handler_conf)
  if entry == nil then
    return nil, "entry must be a non-nil Lua value"
  end
  local self, err = queue_for(with_defaults(conf), handler, handler_conf)
  if not self then
    return nil, err
  end
  return self:push(entry)
end

--- Whether an entry could be put into a queue without another one being dropped.
-- @tparam table conf as for enqueue()
-- @param entry
-- @treturn boolean
function queue.can_enqueue(conf, entry)
  local self = queues[conf.name]
  conf = with_defaults(conf)
  if conf.concurrency_limit == UNLIMITED then
    return true
  end
  local bytes, count = self and self.bytes or 0, self and self:count() or 0
  return count < conf.max_entries
    and (not conf.max_bytes or bytes + size_of(entry) <= conf.max_bytes)
end

-- Fields of configurations from before there was `queue`: how they are called in it now, and the
-- defaults that they had.
local OLD_FIELDS = {
  { name = "queue_size", now = "max_batch_size", default = 1 },
  { name = "flush_timeout", now = "max_coalescing_delay", default = 2 },
}

-- Handlers look into the configuration, too: so what is said in old fields is put there.
local function take_old_fields(config)
  for _, field in ipairs(OLD_FIELDS) do
    local value = config[field.name]
    if value ~= nil and value ~= null and value ~= field.default then
      config.queue = config.queue or {}
      config.queue[field.now] = value
    end
  end
end

--- The `queue` of a plugin's configuration, with a name: the plugin's and its entity's. What the
-- configuration says in fields from before there was `queue` (`queue_size`, `flush_timeout`) is put
-- into it.
-- @tparam string plugin_name
-- @tparam table config
-- @tparam ?string queue_name instead of the entity's id
-- @treturn table
function queue.get_plugin_params(plugin_name, config, queue_name)
  take_old_fields(config)
  local conf = with_defaults(config.queue or {})
  conf.name = conf.name
    or ("%s.%s"):format(plugin_name, queue_name or plugin.get_id() or "")
  conf.log_tag = plugin_name
  return conf
end

--- Whether something waits in the queue of that name.
-- @treturn boolean
function queue.exists(name)
  return queues[name] ~= nil
end

return queue
