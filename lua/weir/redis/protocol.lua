-- The wire format of Redis (RESP2): requests as texts, replies as values.
local ngx_null = require("cjson").null

local protocol = {}

-- What one reply may hold; Redis itself has no longer ones.
local BULK_MAX = 512 * 1024 * 1024
local ARRAY_MAX = 1024 * 1024
local DEPTH_MAX = 32

--- A request.
-- @tparam string command
-- @param ... its arguments
-- @treturn table list of texts
function protocol.request(command, ...)
  local count = select("#", ...)
  local out = { ("*%d\r\n$%d\r\n%s\r\n"):format(count + 1, #command, command) }
  for i = 1, count do
    local text = tostring((select(i, ...)))
    out[#out + 1] = ("$%d\r\n"):format(#text)
    out[#out + 1] = text
    out[#out + 1] = "\r\n"
  end
  return out
end

local read

local function size_of(text, most)
  local size = text:find("^%-?%d+$") and tonumber(text)
  if not size or size < -1 or size > most then
    return nil, "invalid length in a reply of redis"
  end
  return size
end

local readers = {}

readers["+"] = function(_, text)
  return text
end

readers["-"] = function(_, text)
  return false, text
end

readers[":"] = function(_, text)
  local number = text:find("^%-?%d+$") and tonumber(text)
  if not number then
    return nil, "invalid number in a reply of redis"
  end
  return number
end

readers["$"] = function(sock, text)
  local size, err = size_of(text, BULK_MAX)
  if not size then
    return nil, err
  elseif size == -1 then
    return ngx_null
  end
  local data
  data, err = sock:receive(size + 2)
  if not data then
    return nil, err
  elseif data:sub(-2) ~= "\r\n" then
    return nil, "a string in a reply of redis does not end where it should"
  end
  return data:sub(1, size)
end

-- Errors within a list are { false, text }.
readers["*"] = function(sock, text, depth)
  local size, err = size_of(text, ARRAY_MAX)
  if not size then
    return nil, err
  elseif size == -1 then
    return ngx_null
  elseif depth == DEPTH_MAX then
    return nil, "too deep a reply of redis"
  end
  local list = {}
  for i = 1, size do
    local value, problem = read(sock, depth + 1)
    if value == nil then
      return nil, problem
    end
    list[i] = value == false and { false, problem } or value
  end
  return list
end

function read(sock, depth)
  local line, err = sock:receive("*l")
  if not line then
    return nil, err
  end
  local reader = readers[line:sub(1, 1)]
  if not reader then
    return nil, "unknown kind of reply of redis"
  end
  return reader(sock, line:sub(2), depth)
end

--- Reads a reply.
-- @tparam table sock
-- @return text, number, list or ngx.null; false for an error of redis; nil when there is none
-- @treturn nil|string
function protocol.reply(sock)
  return read(sock, 0)
end

return protocol
