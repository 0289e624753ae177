-- Files that lines are appended to.
--
-- A line is written by one write(2) to a file that was opened to append, so that lines of several
-- workers, and of other processes, do not mix. Nothing is waited for: a pipe that nobody reads
-- refuses the line instead of holding up the worker.

local bit = require("bit")
local ffi = require("ffi")

ffi.cdef [[
  int open(const char *path, int flags, ...);
  int close(int fd);
  ssize_t write(int fd, const void *buf, size_t count);
  char *strerror(int errnum);
]]

local C = ffi.C

-- Linux's numbers, which are the same on x86-64 and arm64.
local O_WRONLY, O_CREAT, O_APPEND = 1, 64, 1024
local O_NOCTTY, O_NONBLOCK, O_CLOEXEC = 256, 2048, 524288
local FLAGS = bit.bor(O_WRONLY, O_CREAT, O_APPEND, O_NOCTTY, O_NONBLOCK, O_CLOEXEC)
local MODE = ffi.cast("int", tonumber("644", 8))
local EINTR = 4

local appender = {}

local descriptors = {} -- path -> descriptor

local function reason()
  return ffi.string(C.strerror(ffi.errno()))
end

local function open(path)
  local fd = C.open(path, FLAGS, MODE)
  if fd < 0 then
    return nil, "failed to open the file: " .. reason()
  end
  descriptors[path] = fd
  return true
end

-- Goes on after a signal, and after the part that a full disk or pipe had room for.
local function write(fd, line)
  local bytes, left = ffi.cast("const char *", line), #line
  while left > 0 do
    local written = tonumber(C.write(fd, bytes, left))
    if written > 0 then
      bytes, left = bytes + written, left - written
    elseif written == 0 or ffi.errno() ~= EINTR then
      return nil, "failed to write to the file: " .. reason()
    end
  end
  return true
end

local function close(path)
  if descriptors[path] then
    C.close(descriptors[path])
    descriptors[path] = nil
  end
end

--- Appends a line.
-- @tparam string path the file is made if there is none
-- @tparam string line with its line break
-- @tparam boolean reopen whether to open the file anew, which finds one that was moved away
-- @treturn true|nil
-- @treturn nil|string why it is not there
function appender.append(path, line, reopen)
  if reopen then
    close(path)
  end
  if not descriptors[path] then
    local ok, err = open(path)
    if not ok then
      return nil, err
    end
  end
  return write(descriptors[path], line)
end

--- Closes the files that are not among those of a set.
-- @tparam table paths path -> true
function appender.keep(paths)
  for path in pairs(descriptors) do
    if not paths[path] then
      close(path)
    end
  end
end

return appender
