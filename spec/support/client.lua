-- HTTP clients of the specs: curl for what a user does, a bare socket for what an attacker does.

local socket = require("socket")
local process = require("spec.support.process")
local workspace = require("spec.support.workspace")

local client = {}

local LIMIT = 60 -- seconds; nothing in a passing test waits for it

local function parse_head(text)
  local status = text:match("^HTTP/%d%.?%d? (%d%d%d)")
  local head = { status = tonumber(status), headers = {}, lines = {} }
  for line in text:gmatch("[^\r\n]+") do
    head.lines[#head.lines + 1] = line
    local name, value = line:match("^([^%s:]+):%s*(.-)%s*$")
    if name then
      name = name:lower()
      local known = head.headers[name]
      head.headers[name] = known and (known .. ", " .. value) or value
    end
  end
  return head
end

-- curl writes one head for each response, interim ones included; the last is the answer.
local function last_head(text)
  local last = ""
  for block in (text:gsub("\r\n", "\n") .. "\n\n"):gmatch("(HTTP/.-)\n\n") do
    last = block
  end
  return parse_head(last)
end

local function curl_arguments(request, directory)
  local argv = {
    "curl", "-q", "--silent", "--show-error", "--noproxy", "*",
    "--max-time", tostring(request.seconds or LIMIT),
    "--dump-header", directory .. "/head", "--output", directory .. "/body",
    "--write-out", "%{num_connects} %{http_code}\\n",
  }
  local function add(...)
    for _, value in ipairs({ ... }) do
      argv[#argv + 1] = value
    end
  end
  if request.method == "HEAD" then
    add("--head")
  elseif request.method then
    add("--request", request.method)
  end
  if request.host then
    add("--header", "Host: " .. request.host)
  end
  for name, value in pairs(request.headers or {}) do
    add("--header", value == "" and name .. ";" or name .. ": " .. value)
  end
  if request.body then
    add("--data-binary", "@" .. workspace.write(directory .. "/request", request.body))
  end
  for _, value in ipairs(request.args or {}) do
    add(value)
  end
  for _, url in ipairs(type(request.url) == "table" and request.url or { request.url }) do
    add(url)
  end
  return argv
end

--- One request with curl (several, on one connection, when `url` is a list).
-- @tparam table request url, host, method, headers, body, args (further curl arguments), seconds
-- @treturn table status, headers (by lower-case name, repeated ones joined), lines, body,
-- connects (new connections curl made), exit (curl's own code), error
function client.curl(request)
  local directory = workspace.directory()
  local argv = curl_arguments(request, directory)
  argv.directory = directory
  argv.seconds = (request.seconds or LIMIT) + 10
  local result = workspace.run(argv)
  local response = last_head(process.read(directory .. "/head"))
  -- For HEAD, curl puts the head itself into its output.
  response.body = request.method == "HEAD" and "" or process.read(directory .. "/body")
  response.exit = result.code
  response.error = result.stderr
  response.connects = 0
  for connects in result.stdout:gmatch("(%d+) %d+\n") do
    response.connects = response.connects + tonumber(connects)
  end
  return response
end

--- Start curl without waiting for it, for requests that overlap something else.
-- @treturn table with `finish()`, which waits and returns what `curl` returns
function client.curl_start(request)
  local directory = workspace.directory()
  local argv = curl_arguments(request, directory)
  argv.directory = directory
  local child = workspace.start(argv)
  return {
    process = child,
    body_so_far = function()
      return process.read(directory .. "/body")
    end,
    finish = function()
      local status = assert(child:wait(LIMIT + 10), "curl did not end")
      local response = last_head(process.read(directory .. "/head"))
      response.body = process.read(directory .. "/body")
      response.exit = status.code
      response.error = child:errors()
      return response
    end,
  }
end

local Raw = {}
Raw.__index = Raw

--- A bare TCP connection to the gateway.
-- @tparam number port on 127.0.0.1
function client.connect(port)
  local tcp = assert(socket.tcp())
  tcp:settimeout(LIMIT)
  assert(tcp:connect("127.0.0.1", port))
  tcp:setoption("tcp-nodelay", true)
  return setmetatable({ tcp = tcp, buffer = "" }, Raw)
end

--- Send bytes as they are.
-- @treturn boolean whether all were taken; false when the other side has closed
function Raw:send(bytes)
  return self.tcp:send(bytes) ~= nil
end

function Raw:fill()
  local data, err, partial = self.tcp:receive(1)
  data = data or partial
  if not data or data == "" then
    return nil, err
  end
  self.tcp:settimeout(0)
  local more, _, rest = self.tcp:receive(65536)
  self.tcp:settimeout(LIMIT)
  self.buffer = self.buffer .. data .. (more or rest or "")
  return true
end

local function take(self, count)
  while #self.buffer < count do
    local ok, err = self:fill()
    if not ok then
      return nil, err
    end
  end
  local data = self.buffer:sub(1, count)
  self.buffer = self.buffer:sub(count + 1)
  return data
end

local function take_line(self)
  while not self.buffer:find("\r\n", 1, true) do
    local ok, err = self:fill()
    if not ok then
      return nil, err
    end
  end
  local line, rest = self.buffer:match("^(.-)\r\n(.*)$")
  self.buffer = rest
  return line
end

local function take_chunked(self)
  local parts = {}
  while true do
    local size = tonumber((take_line(self) or ""):match("^%x+") or "", 16)
    if not size then
      return nil, "bad chunk"
    elseif size == 0 then
      break
    end
    parts[#parts + 1] = take(self, size)
    take_line(self)
  end
  repeat
    local line = take_line(self)
  until not line or line == ""
  return table.concat(parts)
end

--- Read one response.
-- @tparam ?string method of the request it answers; a HEAD answer has no body
-- @treturn ?table as from `curl`, without exit; nil, err when the connection ended first
function Raw:response(method)
  while not self.buffer:find("\r\n\r\n", 1, true) do
    local ok, err = self:fill()
    if not ok then
      return nil, err
    end
  end
  local text, rest = self.buffer:match("^(.-\r\n)\r\n(.*)$")
  self.buffer = rest
  local response = parse_head(text)
  if response.status == 100 then
    response.body = ""
  elseif method == "HEAD" or response.status == 204 or response.status == 304 then
    response.body = ""
  elseif (response.headers["transfer-encoding"] or ""):find("chunked") then
    response.body = take_chunked(self)
  elseif response.headers["content-length"] then
    response.body = take(self, tonumber(response.headers["content-length"]))
  else
    response.body = self:rest()
  end
  return response
end

--- Everything up to the end of the connection.
function Raw:rest()
  while self:fill() do end -- luacheck: ignore 542
  local data = self.buffer
  self.buffer = ""
  return data
end

--- Whether the other side closes the connection, without having said anything more.
function Raw:closed()
  if self.buffer ~= "" then
    return false
  end
  local ok, err = self:fill()
  return not ok and (err == "closed" or err:lower() == "connection reset by peer")
end

function Raw:close()
  self.tcp:close()
end

--- Tell the other side that nothing more will be sent.
function Raw:shutdown()
  self.tcp:shutdown("send")
end

--- One raw exchange on a connection of its own: send the bytes, read the first answer.
function client.exchange(port, bytes, method)
  local raw = client.connect(port)
  raw:send(bytes)
  local response, err = raw:response(method)
  if response then
    response.raw = raw
  else
    raw:close()
  end
  return response, err
end

-- Ports are handed out one after the other, so that none is given twice, from below those that the
-- system takes for outgoing connections; each process begins at another place.
local FIRST_PORT, PORTS = 12000, 20000
local next_port = process.self() * 131 % PORTS

--- A TCP port of 127.0.0.1 that was free a moment ago.
function client.free_port()
  for _ = 1, PORTS do
    next_port = (next_port + 1) % PORTS
    local tcp = socket.bind("127.0.0.1", FIRST_PORT + next_port)
    if tcp then
      tcp:close()
      return FIRST_PORT + next_port
    end
  end
  error("no free port")
end

return client
