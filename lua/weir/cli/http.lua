-- A GET of HTTP, for commands that may wait: one connection, one answer.
local ffi = require("ffi")
local host = require("weir.text.host")
local resolve = require("weir.cli.tls.resolve")

local C = ffi.C

ffi.cdef([[
  struct weir_timeval { long tv_sec, tv_usec; };
  int socket(int domain, int type, int protocol);
  int setsockopt(int fd, int level, int name, const void *value, unsigned length);
  int connect(int fd, const void *addr, unsigned length);
  ssize_t send(int fd, const void *p, size_t n, int flags);
  ssize_t recv(int fd, void *p, size_t n, int flags);
  int close(int fd);
  char *strerror(int number);
]])

-- Of Linux.
local SOCK_STREAM, SOCK_CLOEXEC = 1, 0x80000
local SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO = 1, 20, 21
local MSG_NOSIGNAL = 0x4000
local EAGAIN, EINPROGRESS = 11, 115

local TIMEOUT = 10 -- seconds, of each step
local MAX_BYTES = 64 * 1024 * 1024
local PIECE = 64 * 1024
local HEAD_PIECES = 16 -- a head is in the first of them, if there is one
local PORT = 80

local http = {}

local function system_error(doing)
  local number = ffi.errno()
  if number == EAGAIN or number == EINPROGRESS then
    return doing .. ": timed out"
  end
  return doing .. ": " .. ffi.string(C.strerror(number))
end

-- The connection is closed when it is collected, at the latest.
local function open(name, port)
  local address, err = resolve.lookup(name, port)
  if not address then
    return nil, err
  end
  local fd = C.socket(address.ai_family, SOCK_STREAM + SOCK_CLOEXEC, 0)
  if fd < 0 then
    return nil, system_error("socket")
  end
  local connection = ffi.gc(ffi.new("int[1]", fd), function(own) C.close(own[0]) end)
  local limit = ffi.new("struct weir_timeval", { TIMEOUT, 0 })
  for _, option in ipairs({ SO_RCVTIMEO, SO_SNDTIMEO }) do
    if C.setsockopt(fd, SOL_SOCKET, option, limit, ffi.sizeof(limit)) ~= 0 then
      return nil, system_error("setsockopt")
    end
  end
  if C.connect(fd, address.ai_addr, address.ai_addrlen) ~= 0 then
    return nil, system_error("connect")
  end
  return connection
end

local function send_all(connection, text)
  local sent = 0
  while sent < #text do
    local n = C.send(connection[0], ffi.cast("const char *", text) + sent, #text - sent,
      MSG_NOSIGNAL)
    if n < 0 then
      return nil, system_error("send")
    end
    sent = sent + tonumber(n)
  end
  return true
end

-- The head of an answer and where its body begins; nil while the head is not complete.
local function split(answer)
  local _, stop = answer:find("\r?\n\r?\n")
  return stop and answer:sub(1, stop), stop and stop + 1
end

local function length_of(head)
  return tonumber(head:lower():match("\ncontent%-length:%s*(%d+)%s*\n"))
end

-- How long the answer is in all, once its head is there; nil while that is not known.
local function whole_length(answer)
  local head, start = split(answer)
  local length = head and length_of(head)
  return length and start - 1 + length
end

-- All of an answer: as much as its head says, or until the other side closes.
local function receive(connection)
  local pieces, size, whole, buffer = {}, 0, nil, ffi.new("char[?]", PIECE)
  repeat
    local n = tonumber(C.recv(connection[0], buffer, PIECE, 0))
    if n < 0 then
      return nil, system_error("recv")
    end
    size = size + n
    if size > MAX_BYTES then
      return nil, ("the answer is longer than %d bytes"):format(MAX_BYTES)
    end
    pieces[#pieces + 1] = ffi.string(buffer, n)
    whole = whole or #pieces < HEAD_PIECES and whole_length(table.concat(pieces)) or nil
  until n == 0 or whole and size >= whole
  return table.concat(pieces)
end

-- The body of an answer 200.
local function body_of(answer)
  local head, start = split(answer)
  local status = head and head:match("^HTTP/1%.[01] (%d%d%d)")
  if not status then
    return nil, "this is no answer of HTTP"
  elseif status ~= "200" then
    return nil, "answered with status " .. status
  end
  local body, length = answer:sub(start), length_of(head)
  if length and length ~= #body then
    return nil, ("the answer has %d bytes, not %d as it announces"):format(#body, length)
  end
  return body
end

--- Takes a URL apart.
-- @tparam string url
-- @treturn table|nil { host, port, authority (as written), target (path and query, "" if none) }
-- @treturn nil|string
function http.parse(url)
  local authority, target = url:match("^http://([^/?#%s]+)([^#%s]*)$")
  if not authority then
    return nil, url:find("^https:") and "only http:// can be asked" or "not a URL"
  end
  local parsed, err = host.parse(authority)
  if not parsed then
    return nil, err
  end
  return {
    host = parsed.host, port = parsed.port or PORT, authority = authority, target = target,
  }
end

--- Asks.
-- @tparam table where what parse() gave
-- @tparam string target path and query
-- @treturn string|nil the body of an answer 200
-- @treturn nil|string
function http.get(where, target)
  local connection, err = open(where.host, where.port)
  local answer
  if connection then
    answer, err = send_all(connection,
      ("GET %s HTTP/1.0\r\nHost: %s\r\nAccept: */*\r\n\r\n"):format(target, where.authority))
    if answer then
      answer, err = receive(connection)
    end
  end
  if not answer then
    return nil, err
  end
  return body_of(answer)
end

return http
