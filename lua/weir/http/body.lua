-- Readers of a response's body, by how its end is found. A reader gives the next piece, at most so
-- many bytes; nil at the end; nil and why when it breaks off.
local response = require("weir.http.response")

local body = {}

local PIECE = 65536
local CHUNK_LINE = "^(%x+)[ \t]*"

local readers = {}

function readers.none(_, _, done)
  return function()
    done()
    return nil
  end
end

function readers.length(sock, head, done)
  local left = head.length
  return function(most)
    if left == 0 then
      done()
      return nil
    end
    local piece, err = sock:receiveany(math.min(most or PIECE, left))
    if not piece then
      return nil, err
    end
    left = left - #piece
    return piece
  end
end

function readers.close(sock, _, done)
  return function(most)
    local piece, err = sock:receiveany(most or PIECE)
    if err == "closed" then
      done()
      return nil
    end
    return piece, err
  end
end

local function chunk_size(sock)
  local line, err = response.line(sock)
  if not line then
    return nil, err
  end
  local digits = line:match(CHUNK_LINE .. "$") or line:match(CHUNK_LINE .. ";")
  if not digits or #digits > 12 then
    return nil, "invalid chunk size in the response"
  end
  return tonumber(digits, 16)
end

local function chunk_end(sock)
  local line, err = response.line(sock)
  if line == "" then
    return true
  end
  return nil, err or "a chunk of the response does not end where it should"
end

-- The trailers come after the last chunk and are kept with the head.
function readers.chunked(sock, head, done)
  local left, over = 0, false
  local function next_chunk()
    local err
    left, err = chunk_size(sock)
    if left ~= 0 then
      return left, err
    end
    head.trailers, err = response.fields(sock)
    over = head.trailers ~= nil
    return over and 0 or nil, err
  end
  return function(most)
    if not over and left == 0 then
      local size, err = next_chunk()
      if not size then
        return nil, err
      end
    end
    if over then
      done()
      return nil
    end
    local piece, err = sock:receiveany(math.min(most or PIECE, left))
    if not piece then
      return nil, err
    end
    left = left - #piece
    if left == 0 then
      local ok
      ok, err = chunk_end(sock)
      if not ok then
        return nil, err
      end
    end
    return piece
  end
end

--- The reader for a response.
-- @tparam table sock
-- @tparam table head of weir.http.response
-- @tparam function done called at the end of the body
-- @treturn function(most)
function body.reader(sock, head, done)
  local read = readers[head.framing](sock, head, done)
  local failed
  return function(most)
    if failed then
      return nil, failed
    end
    local piece, err = read(most)
    failed = err
    return piece, err
  end
end

--- All of it.
-- @tparam function read
-- @treturn string|nil
-- @treturn nil|string
function body.all(read)
  local pieces = {}
  while true do
    local piece, err = read()
    if err then
      return nil, err, table.concat(pieces)
    elseif not piece then
      return table.concat(pieces)
    end
    pieces[#pieces + 1] = piece
  end
end

return body
