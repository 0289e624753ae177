-- Child processes of the specs: started with fork and exec, watched and ended by their own pid.
--
-- The runner is LuaJIT, so the few system calls are reached through FFI and no shell stands between
-- a spec and the program it starts. A child gets SIGTERM from the kernel if the runner dies.

local ffi = require("ffi")
local bit = require("bit")

ffi.cdef [[
int fork(void);
int execvp(const char *file, char *const argv[]);
int waitpid(int pid, int *status, int options);
int kill(int pid, int sig);
int open(const char *path, int flags, ...);
int dup2(int from, int to);
int close(int fd);
int chdir(const char *path);
int setenv(const char *name, const char *value, int overwrite);
int prctl(int option, ...);
int getpid(void);
int poll(void *fds, unsigned long count, int timeout);
void _exit(int status);
]]

local C = ffi.C

local O_RDONLY, O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_CLOEXEC = 0, 1, 0x40, 0x400, 0x200, 0x80000
local WNOHANG = 1
local PR_SET_PDEATHSIG = 1

local process = {
  SIGHUP = 1,
  SIGINT = 2,
  SIGQUIT = 3,
  SIGKILL = 9,
  SIGTERM = 15,
}

local Process = {}
Process.__index = Process

--- Sleep without giving up the thread to anything else.
-- @tparam number ms milliseconds
function process.sleep(ms)
  C.poll(nil, 0, ms)
end

--- The pid of the test runner.
function process.self()
  return C.getpid()
end

--- Read a whole file; a missing file reads as empty.
-- @tparam string path
-- @treturn string
function process.read(path)
  local file = io.open(path, "rb")
  if not file then
    return ""
  end
  local text = file:read("*a")
  file:close()
  return text
end

local function c_argv(argv)
  local list = ffi.new("char *[?]", #argv + 1)
  for i, arg in ipairs(argv) do
    list[i - 1] = ffi.cast("char *", tostring(arg))
  end
  list[#argv] = nil
  return list
end

local function redirect(path, flags, fd)
  local opened = C.open(path, flags, ffi.cast("int", 420)) -- 0644
  if opened < 0 or C.dup2(opened, fd) < 0 then
    C._exit(126)
  end
end

-- Runs in the child. Nothing here may return to Lua code of the parent: it ends in exec or _exit.
local function become(spec, argv)
  C.prctl(PR_SET_PDEATHSIG, ffi.cast("unsigned long", process.SIGTERM))
  redirect(spec.stdin or "/dev/null", O_RDONLY, 0)
  local writing = bit.bor(O_WRONLY, O_CREAT, O_APPEND)
  redirect(spec.stdout, writing, 1)
  redirect(spec.stderr, writing, 2)
  for fd = 3, 255 do
    C.close(fd)
  end
  for name, value in pairs(spec.env or {}) do
    C.setenv(name, tostring(value), 1)
  end
  if spec.cwd and C.chdir(spec.cwd) ~= 0 then
    C._exit(126)
  end
  C.execvp(argv[0], argv)
  C._exit(127)
end

--- Start a program.
-- @tparam table spec array part: program and arguments; fields: stdout, stderr (files that are
-- appended to), stdin (a file), env (table of additions), cwd
-- @treturn Process
function process.start(spec)
  for _, path in ipairs({ spec.stdout, spec.stderr }) do
    local fd = C.open(path, bit.bor(O_WRONLY, O_CREAT, O_TRUNC, O_CLOEXEC), ffi.cast("int", 420))
    assert(fd >= 0, "cannot write " .. path)
    C.close(fd)
  end
  local argv = c_argv(spec)
  local pid = C.fork()
  assert(pid >= 0, "fork failed")
  if pid == 0 then
    become(spec, argv)
  end
  return setmetatable({
    pid = pid,
    name = table.concat(spec, " "),
    stdout = spec.stdout,
    stderr = spec.stderr,
  }, Process)
end

local function decode(status)
  local signal = bit.band(status, 0x7f)
  if signal ~= 0 then
    return { signal = signal, code = 128 + signal }
  end
  return { code = bit.band(bit.rshift(status, 8), 0xff) }
end

--- How the process ended, or nil while it runs. Collects the zombie.
-- @treturn ?table {code=, signal=}
function Process:ended()
  if not self.status then
    local status = ffi.new("int[1]")
    if C.waitpid(self.pid, status, WNOHANG) == self.pid then
      self.status = decode(status[0])
    end
  end
  return self.status
end

--- Send a signal; ignored once the process has been collected, so a reused pid is never hit.
function Process:signal(number)
  if not self:ended() then
    C.kill(self.pid, number)
  end
end

--- Wait for the end.
-- @tparam[opt=20] number seconds
-- @treturn ?table as `ended`, or nil if it still runs
function Process:wait(seconds)
  local rounds = (seconds or 20) * 100
  for _ = 1, rounds do
    if self:ended() then
      return self.status
    end
    process.sleep(10)
  end
  return self:ended()
end

--- End the process: politely first, then for certain.
-- @treturn table how it ended
function Process:stop(signal, seconds)
  self:signal(signal or process.SIGTERM)
  if not self:wait(seconds or 10) then
    self:signal(process.SIGKILL)
    self:wait(10)
  end
  return self.status
end

--- What the process has written to its standard output so far.
function Process:output()
  return process.read(self.stdout)
end

--- What the process has written to its standard error so far.
function Process:errors()
  return process.read(self.stderr)
end

--- Send a signal to a process that is no child of the runner (a child of a child).
function process.kill(pid, signal)
  return C.kill(pid, signal) == 0
end

--- Pids of the direct children of a process.
function process.children(pid)
  local list = {}
  local text = process.read(("/proc/%d/task/%d/children"):format(pid, pid))
  for child in text:gmatch("%d+") do
    list[#list + 1] = tonumber(child)
  end
  return list
end

--- One field of /proc/PID/status in KiB, for example VmHWM.
function process.memory(pid, field)
  local text = process.read(("/proc/%d/status"):format(pid))
  return tonumber(text:match(field .. ":%s*(%d+) kB"))
end

--- CPU time that a process and all its threads have used, in microseconds.
function process.cpu_us(pid)
  local stat = process.read(("/proc/%d/stat"):format(pid))
  local user, system = stat:match("%) %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+) (%d+)")
  return (tonumber(user) + tonumber(system)) * 10000 -- the kernel reports ticks of 1/100 s
end

return process
