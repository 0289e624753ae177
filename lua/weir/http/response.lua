-- Reading the head of a response, strictly: what could be understood in two ways is refused.
local add = require("weir.text.fields").add
local http_headers = require("resty.http_headers")

local response = {}

local FIELDS_MAX = 256
local LINE_MAX = 64 * 1024
local BYTES_MAX = 256 * 1024

-- Fields are looked up with "_" for "-", but these delimit nothing: whoever reads the answer on the
-- way to us sees another end of it.
local LOOKALIKES = { content_length = true, transfer_encoding = true }

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"

--- Reads a line that ends with CR LF, or LF alone, and has neither CR nor NUL within.
-- @tparam table sock
-- @treturn string|nil
-- @treturn nil|string
function response.line(sock)
  local line, err = sock.input:raw_line(LINE_MAX)
  if not line then
    return nil, err
  end
  line = line:gsub("\r$", "")
  if line:find("[%z\r]") then
    return nil, "a stray CR or NUL in the response"
  end
  return line
end

local function status_of(line)
  local minor, status, rest = line:match("^HTTP/1%.([01]) (%d%d%d)(.*)$")
  if not minor or (rest ~= "" and rest:sub(1, 1) ~= " ") then
    return nil, "couldn't parse HTTP response"
  end
  return {
    version = minor == "1" and 1.1 or 1.0, status = tonumber(status), reason = rest:sub(2),
  }
end

--- Reads header fields, up to the empty line.
-- @tparam table sock
-- @treturn table|nil name -> value, or list of values
-- @treturn nil|string
function response.fields(sock)
  local fields = http_headers.new()
  local bytes, count = 0, 0
  while true do
    local line, err = response.line(sock)
    if not line then
      return nil, err
    elseif line == "" then
      return fields
    end
    bytes, count = bytes + #line, count + 1
    if bytes > BYTES_MAX or count > FIELDS_MAX then
      return nil, "too many header fields"
    end
    local name, value = line:match("^([^:]+):[ \t]*(.-)[ \t]*$")
    if not name or not name:find(TOKEN) or LOOKALIKES[name:lower()] then
      return nil, "invalid header field in the response"
    end
    add(fields, name, value)
  end
end

local function has_token(value, token)
  value = type(value) == "table" and table.concat(value, ",") or value or ""
  for item in value:lower():gmatch("[^,%s]+") do
    if item == token then
      return true
    end
  end
  return false
end

-- How the end of the body is found: "none", "length" and which, "chunked" or "close".
local function framing_of(head, method)
  local coding, length = head.headers["Transfer-Encoding"], head.headers["Content-Length"]
  if coding and length then
    return nil, "the response has both Transfer-Encoding and Content-Length"
  elseif coding and (type(coding) == "table" or coding:lower() ~= "chunked") then
    return nil, "unknown Transfer-Encoding in the response"
  elseif coding and head.version < 1.1 then
    return nil, "Transfer-Encoding in a response of HTTP/1.0"
  elseif length and (type(length) == "table" or not length:find("^%d+$") or #length > 15) then
    return nil, "invalid Content-Length in the response"
  end
  if method == "HEAD" or head.status == 204 or head.status == 304 or head.status < 200 then
    return "none"
  elseif coding then
    return "chunked"
  elseif length then
    return "length", tonumber(length)
  end
  return "close"
end

local function is_kept(head)
  local connection = head.headers["Connection"]
  if has_token(connection, "close") then
    return false
  end
  return head.version >= 1.1 or has_token(connection, "keep-alive")
end

--- Reads one head.
-- @tparam table sock
-- @tparam string method of the request
-- @treturn table|nil { version, status, reason, headers, framing, length, kept }: kept says whether
-- another request may follow on the connection, after the body
-- @treturn nil|string
function response.head(sock, method)
  local line, err = response.line(sock)
  if not line then
    return nil, err
  end
  local head
  head, err = status_of(line)
  if not head then
    return nil, err
  end
  head.headers, err = response.fields(sock)
  if not head.headers then
    return nil, err
  end
  head.framing, head.length = framing_of(head, method)
  if not head.framing then
    return nil, head.length
  end
  head.kept = is_kept(head) and head.framing ~= "close" and head.status ~= 101
  return head
end

return response
