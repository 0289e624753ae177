-- kong.worker_events: messages between the workers. Functions are called with a dot.
--
-- What is posted is delivered at once where it is posted, and within about a second in the other
-- workers: it travels in a shared dictionary, into which those look that have listeners. Nothing of
-- weir's own is posted, as nothing is in Kong when a declarative configuration is loaded: caches
-- are empty then, and handlers are told by configure().
local buffer = require("string.buffer")
local current = require("weir.pdk.current")
local log = require("weir.pdk.log")

local worker_events = {}

local POLL_SECONDS, KEPT_SECONDS = 1, 60

-- Keys of the dictionary: the number of the last message, and the messages by their numbers.
local LAST, MESSAGE = "last", "message "

-- List of { source, event (nil: any), callback, plugin (whose it is) }.
local listeners = {}

-- The number of the last message that was looked at, and of one that was not there yet.
local seen, awaited

local function messages()
  return ngx.shared.kong_process_events
end

-- ---- delivering

local function concerns(listener, source, event)
  return listener.source == source and (listener.event == nil or listener.event == event)
end

local function deliver(source, event, data, from)
  local concerned, poster = {}, current.plugin
  for _, listener in ipairs(listeners) do
    concerned[#concerned + 1] = concerns(listener, source, event) and listener or nil
  end
  for _, listener in ipairs(concerned) do
    current.plugin = listener.plugin
    local ok, err = pcall(listener.callback, data, event, source, from)
    if not ok then
      log.err("worker_events: ", source, ", ", event, ": ", err)
    end
  end
  current.plugin = poster
end

-- A number is given before its message is there: one that is missing has a turn's time to come.
local function next_message()
  local text = messages():get(MESSAGE .. seen + 1)
  if not text and awaited ~= seen + 1 then
    awaited = seen + 1
    return false
  end
  seen = seen + 1
  return text and buffer.decode(text)
end

--- Delivers what other workers have posted.
-- @treturn boolean true
function worker_events.poll()
  while seen and seen < (messages():get(LAST) or 0) do
    local message = next_message()
    if message == false then
      break
    elseif message and message.from ~= ngx.worker.id() then
      deliver(message.source, message.event, message.data, message.from)
    end
  end
  return true
end

-- From the first listener on.
local function start()
  if seen or not ngx.worker.id() then
    return
  end
  local ok, err = ngx.timer.every(POLL_SECONDS, function(premature)
    if not premature then
      worker_events.poll()
    end
  end)
  if ok then
    seen = messages():get(LAST) or 0
  else
    log.warn("worker_events: messages of other workers will not be heard: ", err)
  end
end

-- ---- listening

local function check_text(value, name)
  if type(value) ~= "string" then
    error(name .. " must be a string", 3)
  end
end

local function check_callback(callback)
  if type(callback) ~= "function" then
    error("callback must be a function", 3)
  end
end

local function add(callback, source, event)
  table.insert(listeners, {
    source = source, event = event, callback = callback, plugin = current.plugin,
  })
end

--- Says what is to be called for messages.
-- @tparam function callback called with data, event, source and the number of the worker that has
-- posted it
-- @tparam string source
-- @tparam ?string ... events; none: all of the source
function worker_events.register(callback, source, ...)
  check_callback(callback)
  check_text(source, "source")
  for i = 1, math.max(select("#", ...), 1) do
    add(callback, source, (select(i, ...)))
  end
  start()
end

--- The same for one event.
-- @tparam string source
-- @tparam string event
-- @tparam function callback
-- @treturn boolean true
function worker_events.subscribe(source, event, callback)
  check_text(source, "source")
  check_text(event, "event")
  check_callback(callback)
  add(callback, source, event)
  start()
  return true
end

--- Takes back what register() was told.
-- @tparam function callback
-- @tparam string source
-- @tparam ?string ... events; none: all of the source
function worker_events.unregister(callback, source, ...)
  check_callback(callback)
  check_text(source, "source")
  local all, events, kept = select("#", ...) == 0, {}, {}
  for _, event in ipairs({ ... }) do
    events[event] = true
  end
  for _, listener in ipairs(listeners) do
    local is_gone = listener.callback == callback and listener.source == source
      and (all or events[listener.event])
    kept[#kept + 1] = not is_gone and listener or nil
  end
  listeners = kept
end

-- ---- posting

--- Posts a message to this worker alone.
-- @tparam string source
-- @tparam string event
-- @param data any value
-- @treturn boolean true
function worker_events.post_local(source, event, data)
  check_text(source, "source")
  check_text(event, "event")
  deliver(source, event, data, ngx.worker.id())
  return true
end

-- Puts a message where the other workers find it.
local function send(source, event, data)
  local ok, text = pcall(buffer.encode, {
    source = source, event = event, data = data, from = ngx.worker.id(),
  })
  if not ok then
    return nil, "data cannot be sent: " .. tostring(text)
  end
  local number, err = messages():incr(LAST, 1, 0)
  if not number then
    return nil, err
  end
  return messages():set(MESSAGE .. number, text, KEPT_SECONDS)
end

--- Posts a message to all workers.
-- @tparam string source
-- @tparam string event
-- @param data what can be written down: no functions
-- @treturn boolean|nil true
-- @treturn nil|string
function worker_events.post(source, event, data)
  check_text(source, "source")
  check_text(event, "event")
  local ok, err = send(source, event, data)
  if not ok then
    return nil, err
  end
  deliver(source, event, data, ngx.worker.id())
  return true
end

--- Posts a message as lua-resty-events does.
-- @tparam string target "all" or "current"
-- @tparam string source
-- @tparam string event
-- @param data
-- @treturn boolean|nil true
-- @treturn nil|string
function worker_events.publish(target, source, event, data)
  if target == "current" then
    return worker_events.post_local(source, event, data)
  end
  return worker_events.post(source, event, data)
end

return worker_events
