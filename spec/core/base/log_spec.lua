local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("base/log.h")

ffi.cdef [[
int pipe(int fds[2]);
int close(int fd);
long read(int fd, void *p, size_t n);
long write(int fd, const void *p, size_t n);
int fcntl(int fd, int command, ...);
int getpid(void);
typedef void (*sighandler_t)(int);
sighandler_t signal(int signum, sighandler_t handler);
]]

local F_SETFL, O_NONBLOCK, SIGPIPE = 4, 2048, 13
local LEVELS = { "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug" }


local function str(s)
  return ffi.new("struct str", { p = ffi.cast("const char *", s), n = #s })
end


describe("base/log", function()
  local fds, buffer

  before_each(function()
    fds = ffi.new("int[2]")
    assert.equal(0, ffi.C.pipe(fds))
    ffi.C.fcntl(fds[0], F_SETFL, ffi.new("int", O_NONBLOCK))
    ffi.C.fcntl(fds[1], F_SETFL, ffi.new("int", O_NONBLOCK))
    C.log_setup(C.LOG_DEBUG, fds[1], -1)
  end)

  after_each(function()
    C.log_setup(C.LOG_NOTICE, 2, 1)
    ffi.C.close(fds[0])
    ffi.C.close(fds[1])
  end)

  local function read_all()
    local out, chunk = {}, ffi.new("char[65536]")
    while true do
      local n = tonumber(ffi.C.read(fds[0], chunk, 65536))
      if n <= 0 then
        return table.concat(out)
      end
      out[#out + 1] = ffi.string(chunk, n)
    end
  end

  local function fill_pipe()
    local block = ("."):rep(4096)
    repeat until ffi.C.write(fds[1], block, #block) < 0
  end

  describe("error log", function()
    it("writes lines as nginx and Kong do", function()
      local before = os.date("%Y/%m/%d %H:%M:%S")
      C.log_write(C.LOG_ERR, 17, "connect() failed (%d: %s)", ffi.new("int", 111), "refused")
      local after = os.date("%Y/%m/%d %H:%M:%S")
      local line = read_all()
      local when, level, pid, tid, message =
        line:match("^(%S+ %S+) %[(%w+)%] (%d+)#(%d+): (.*)\n$")
      assert.is_true(when == before or when == after, line)
      assert.equal("error", level)
      assert.equal(ffi.C.getpid(), tonumber(pid))
      assert.equal(ffi.C.getpid(), tonumber(tid))
      assert.equal("*17 connect() failed (111: refused)", message)
    end)

    it("leaves out the number of a connection that there is not", function()
      C.log_write(C.LOG_ERR, 0, "ready")
      assert.matches("#%d+: ready\n$", read_all())
    end)

    it("names the levels, and parses them", function()
      for i, name in ipairs(LEVELS) do
        C.log_write(i - 1, 0, "x")
        assert.matches("[" .. name .. "]", read_all(), 1, true)
        assert.equal(i - 1, C.log_level_parse(str(name)))
      end
      for _, name in ipairs({ "", "err", "ERROR", "errors", "warning" }) do
        assert.equal(-1, C.log_level_parse(str(name)))
      end
    end)

    it("writes nothing below the threshold, or without a descriptor", function()
      C.log_set_level(C.LOG_WARN)
      assert.equal(tonumber(C.LOG_WARN), tonumber(C.log_level()))
      C.log_write(C.LOG_NOTICE, 0, "quiet")
      C.log_text(C.LOG_NOTICE, 0, str("quiet"))
      C.log_write(C.LOG_WARN, 0, "loud")
      assert.matches("^[^\n]*loud\n$", read_all())
      C.log_setup(C.LOG_DEBUG, -1, -1)
      C.log_write(C.LOG_EMERG, 0, "nowhere")
      assert.equal("", read_all())
    end)

    it("escapes control characters, so that nobody forges a line", function()
      C.log_write(C.LOG_ERR, 0, "%s", "a\r\n2026/01/01 [error] b\27[0m\127\tü")
      local expected = [[: a\x0D\x0A2026/01/01 [error] b\x1B[0m\x7F\x09ü]] .. "\n"
      assert.matches(expected, read_all(), 1, true)
    end)

    it("keeps the lines of a text, and escapes the rest", function()
      C.log_text(C.LOG_ERR, 3, str("boom\nstack traceback:\n\tmain.lua:1\0\27"))
      assert.matches("*3 boom\nstack traceback:\n\tmain.lua:1\\x00\\x1B\n", read_all(), 1, true)
    end)

    it("cuts what is too long", function()
      for _, case in ipairs({
        { ("x"):rep(8192), ("x"):rep(8192) },
        { ("x"):rep(8193), ("x"):rep(8189) .. "..." },
        { ("x"):rep(99999), ("x"):rep(8189) .. "..." },
        { ("\n"):rep(2048), ("\\x0A"):rep(2048) },
        { ("\n"):rep(2049), ("\\x0A"):rep(2047) .. "..." },
        { ("\n"):rep(99999), ("\\x0A"):rep(2047) .. "..." },
      }) do
        C.log_write(C.LOG_ERR, 0, "%s", case[1])
        assert.is_true(read_all():match("#%d+: (.*)\n$") == case[2])
      end
    end)

    it("drops and counts lines when nobody reads, without waiting for each", function()
      fill_pipe()
      local before = os.time()
      for i = 1, 20 do
        C.log_write(C.LOG_ERR, 0, "lost %d", ffi.new("int", i))
      end
      assert.is_true(os.time() - before <= 5)
      read_all()
      C.log_write(C.LOG_ERR, 0, "back")
      C.log_write(C.LOG_ERR, 0, "again")
      local out = read_all()
      assert.matches("^%(lines lost here[^\n]* 20%)\n[^\n]*back\n[^\n]*again\n$", out)
    end)

    it("starts a new line after one that went out in part", function()
      fill_pipe()
      local chunk = ffi.new("char[4096]")
      ffi.C.read(fds[0], chunk, 4096)
      C.log_text(C.LOG_ERR, 0, str(("y"):rep(8000)))
      local out = read_all()
      assert.matches("y$", out)
      C.log_write(C.LOG_ERR, 0, "whole")
      assert.matches("^\n%(lines lost[^\n]* 1%)\n[^\n]*whole\n$", read_all())
    end)
  end)

  describe("access log", function()
    before_each(function()
      buffer = ffi.new("struct log_buffer")
      C.log_setup(C.LOG_DEBUG, -1, fds[1])
      C.log_buffer_init(buffer)
    end)

    after_each(function()
      C.log_buffer_done(buffer)
    end)

    local function put(line, reserve)
      ffi.copy(C.log_buffer_reserve(buffer, reserve or #line), line, #line)
      C.log_buffer_commit(buffer, #line)
    end

    it("is on when it has a descriptor", function()
      assert.is_true(C.log_access_on())
      C.log_setup(C.LOG_DEBUG, 2, -1)
      assert.is_false(C.log_access_on())
      put("nobody\n")
      C.log_buffer_flush(buffer)
      assert.equal(0, tonumber(buffer.len))
    end)

    it("gathers lines until it is flushed", function()
      put("one\n", 100)
      put("two\n", 100)
      assert.equal("", read_all())
      C.log_buffer_flush(buffer)
      assert.equal("one\ntwo\n", read_all())
      C.log_buffer_flush(buffer)
      assert.equal("", read_all())
    end)

    it("flushes by itself when it is full", function()
      local line = ("a"):rep(999) .. "\n"
      for _ = 1, 66 do
        put(line)
      end
      assert.equal(65000, #read_all())
      C.log_buffer_flush(buffer)
      assert.equal(1000, #read_all())
    end)

    it("takes lines larger than itself", function()
      put("short\n")
      local line = ("b"):rep(70000) .. "\n"
      put(line)
      assert.equal("short\n", read_all())
      ffi.C.fcntl(fds[1], 1031, ffi.new("int", 1024 * 1024))   -- F_SETPIPE_SZ
      C.log_buffer_flush(buffer)
      assert.is_true(read_all() == line)
    end)

    it("says once that the reader is gone, and goes on", function()
      local errors = ffi.new("int[2]")
      ffi.C.pipe(errors)
      local ignored = ffi.C.signal(SIGPIPE, ffi.cast("sighandler_t", 1))
      C.log_setup(C.LOG_DEBUG, errors[1], fds[1])
      ffi.C.close(fds[0])
      for _ = 1, 3 do
        put("lost\n")
        C.log_buffer_flush(buffer)
        assert.equal(0, tonumber(buffer.len))
      end
      ffi.C.signal(SIGPIPE, ignored)
      local chunk = ffi.new("char[4096]")
      local n = ffi.C.read(errors[0], chunk, 4096)
      local said = ffi.string(chunk, n)
      assert.matches("^[^\n]*%[alert%][^\n]*access log failed %(32: Broken pipe%)[^\n]*\n$", said)
      ffi.C.close(errors[0])
      ffi.C.close(errors[1])
      ffi.C.pipe(fds)
    end)
  end)

  it("formats the time as the access log and HTTP want it", function()
    local zone = os.date("%z")
    local access = C.log_time_access()
    access = ffi.string(access.p, access.n)
    zone = zone:gsub("[+-]", "%%%0")
    assert.matches("^%d%d/%u%l%l/%d%d%d%d:%d%d:%d%d:%d%d " .. zone .. "$", access)
    local before, http, after = os.date("!%a, %d %b %Y %H:%M:%S GMT"), C.log_time_http(),
                                os.date("!%a, %d %b %Y %H:%M:%S GMT")
    http = ffi.string(http.p, http.n)
    assert.is_true(http == before or http == after)
  end)
end)
