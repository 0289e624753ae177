-- Standard input as it comes: what is there is read at once, so that a program that waits for an
-- answer to each line gets it. C's buffered streams would wait for more, and lose what follows a
-- NUL.
local ffi = require("ffi")

ffi.cdef([[ long read(int fd, void *buf, size_t n); ]])

local EINTR = 4
local CHUNK = 64 * 1024

local chunk = ffi.new("char[?]", CHUNK)

local stdin = {}

--- Waits for input.
-- @treturn string|nil what has come; nil at the end
function stdin.read()
  repeat
    local n = tonumber(ffi.C.read(0, chunk, CHUNK))
    if n > 0 then
      return ffi.string(chunk, n)
    end
  until n == 0 or ffi.errno() ~= EINTR
  return nil
end

return stdin
