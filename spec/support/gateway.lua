-- A running `weir run` under test: its files, its logs, its signals.

local cjson = require("cjson")
local client = require("spec.support.client")
local process = require("spec.support.process")
local workspace = require("spec.support.workspace")

local gateway = {}

local Gateway = {}
Gateway.__index = Gateway

--- The binary under test; WEIR_BIN names another build (sanitizers, an installed one).
function gateway.binary()
  return os.getenv("WEIR_BIN") or "build/weir"
end

--- Whether the binary carries a sanitizer, whose own memory and threads spoil some measurements.
function gateway.sanitized()
  return gateway.binary():find("[at]san") ~= nil
end

local function configuration_file(directory, config)
  if type(config) == "table" then
    return directory .. "/weir.json", cjson.encode(config)
  end
  return directory .. "/weir.yml", config
end

local function arguments(self, options)
  local argv = { gateway.binary(), "run", self.file }
  local function add(...)
    for _, value in ipairs({ ... }) do
      argv[#argv + 1] = tostring(value)
    end
  end
  add("--proxy-listen", "127.0.0.1:" .. self.port)
  if options.tls then
    self.tls_port = client.free_port()
    add("--proxy-listen", ("127.0.0.1:%d ssl"):format(self.tls_port))
  end
  add("--admin-listen", "127.0.0.1:" .. self.admin_port)
  add("--workers", options.workers or 1)
  for key, value in pairs(options.settings or {}) do
    add("--set", key .. "=" .. tostring(value))
  end
  add(unpack(options.args or {}))
  return argv
end

local function find_line(text, from, pattern)
  for line in text:sub(from):gmatch("[^\n]+") do
    if line:find(pattern) then
      return line
    end
  end
end

--- Start a gateway and wait until it is ready.
-- @tparam table options config (table: written as JSON; string: written as YAML), settings
-- (KEY = VALUE of --set), workers, tls (a second listener, with TLS), args (further arguments), env
function gateway.start(options)
  local directory = workspace.directory()
  local self = setmetatable({
    directory = directory,
    port = client.free_port(),
    admin_port = client.free_port(),
  }, Gateway)
  local text
  self.file, text = configuration_file(directory, options.config)
  workspace.write(self.file, text)
  local argv = arguments(self, options)
  argv.directory = directory
  argv.env = options.env
  self.process = workspace.start(argv)
  workspace.eventually(function()
    assert(not self.process:ended(), "the gateway ended:\n" .. self.process:errors())
    return find_line(self:logs(), 1, "%f[%a]ready%f[%A]")
  end, "the gateway to be ready", 30, function() return self:logs() end)
  return self
end

--- The whole error log.
function Gateway:logs()
  return self.process:errors()
end

--- The whole access log.
function Gateway:access_log()
  return self.process:output()
end

--- Lines of the error log in which all patterns occur.
-- @treturn table list
function Gateway:lines(...)
  local found = {}
  for line in self:logs():gmatch("[^\n]+") do
    local all = true
    for _, pattern in ipairs({ ... }) do
      all = all and line:find(pattern) ~= nil
    end
    if all then
      found[#found + 1] = line
    end
  end
  return found
end

--- Wait for a line of the error log.
-- @treturn string the first line that matches
function Gateway:wait_line(pattern, from)
  return workspace.eventually(function()
    return find_line(self:logs(), from or 1, pattern)
  end, "the log line " .. pattern, 20, function() return self:logs() end)
end

--- Wait for the access-log line of a request; it is written when the request has ended.
-- @tparam string request_id
function Gateway:access_line(request_id)
  return workspace.eventually(function()
    return find_line(self:access_log(), 1, request_id)
  end, "the access log line of " .. request_id, 20, function() return self:access_log() end)
end

--- Replace the file and send SIGHUP.
-- @treturn boolean whether the new configuration was applied
-- @treturn string what was logged from then on
function Gateway:reload(config)
  if config then
    local _, text = configuration_file(self.directory, config)
    workspace.write(self.file, text)
  end
  local from = #self:logs() + 1
  self.process:signal(process.SIGHUP)
  local applied = workspace.eventually(function()
    local text = self:logs():sub(from)
    return text:find("configuration applied[^\n]*\n") and "yes"
      or text:find("configuration refused[^\n]*\n") and "no"
      or text:find("reload failed[^\n]*\n") and "no"
  end, "the reload to be confirmed", 30, function() return self:logs() end)
  return applied == "yes", self:logs():sub(from)
end

--- A request through curl; `path` is appended to the gateway's address.
-- @tparam table|string request as for client.curl
function Gateway:get(request)
  if type(request) == "string" then
    request = { path = request }
  end
  local copy = {}
  for key, value in pairs(request) do
    copy[key] = value
  end
  copy.url = {}
  local paths = type(request.path) == "table" and request.path or { request.path or "/" }
  for i, path in ipairs(paths) do
    copy.url[i] = self:url(path, request.tls)
  end
  return client.curl(copy)
end

function Gateway:url(path, tls)
  if tls then
    return ("https://127.0.0.1:%d%s"):format(self.tls_port, path)
  end
  return ("http://127.0.0.1:%d%s"):format(self.port, path)
end

--- Like `get`, but does not wait.
function Gateway:get_start(request)
  request.url = self:url(request.path or "/", request.tls)
  return client.curl_start(request)
end

--- A bare connection to the proxy listener.
function Gateway:connect()
  return client.connect(self.port)
end

--- Send raw bytes on a new connection and read the first answer.
function Gateway:exchange(bytes, method)
  return client.exchange(self.port, bytes, method)
end

--- What the Admin API answers on a path, decoded; anything but 200 is an error.
function Gateway:admin(path)
  local response = client.curl({ url = ("http://127.0.0.1:%d%s"):format(self.admin_port, path) })
  assert(response.status == 200, "GET " .. path .. " answered " .. tostring(response.status))
  return cjson.decode(response.body)
end

--- What the Admin API answers on /status.
function Gateway:status()
  return self:admin("/status")
end

--- Everything of /tls/last-seen, all pages.
-- @tparam ?number size of a page
-- @treturn table list of entries
-- @treturn number how many pages there were
function Gateway:last_seen(size)
  local entries, pages = {}, 0
  local path = "/tls/last-seen" .. (size and "?size=" .. size or "")
  repeat
    local page = self:admin(path)
    for _, entry in ipairs(page.data) do
      entries[#entries + 1] = entry
    end
    pages, path = pages + 1, page.next
  until path == cjson.null
  return entries, pages
end

--- The TLS counters of /status.
function Gateway:tls()
  return assert(self:status().tls, "no tls counters in /status")
end

--- What changed in the TLS counters while `work` ran.
function Gateway:tls_change(work)
  local before = self:tls()
  work()
  local change = {}
  for name, value in pairs(self:tls()) do
    if type(value) == "number" then
      change[name] = value - before[name]
    end
  end
  return change
end

--- The pid of the gateway process, which the supervisor started.
function Gateway:worker_pid()
  return workspace.eventually(function()
    return process.children(self.process.pid)[1]
  end, "the gateway process")
end

--- End it and say how it ended.
function Gateway:stop(signal, seconds)
  return self.process:stop(signal, seconds)
end

return gateway
