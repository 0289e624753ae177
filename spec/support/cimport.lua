-- Declares headers of core/ to the FFI, so that specs see the real structs and call internal
-- functions.
--
--   local cimport = require "spec.support.cimport"
--   local C = cimport("base/arena.h", "net/conn.h")   -- paths relative to core/, as in an #include
--   local arena = ffi.new("struct arena")
--   C.arena_init(arena, nil)
--
-- Returns the library with all functions visible: $WEIR_TEST_LIB, or build/libweir-test.so.
-- Functions of libc are in ffi.C as ever, once the spec has declared them.
--
-- The compiler preprocesses; of its output only what comes from core/ (and llhttp.h) is declared.
-- Inline functions, static asserts and attributes are dropped: an inline function cannot be called
-- from a spec. What an earlier call declared is kept. Types of system headers that core's structs
-- embed are declared in SYSTEM below.

local ffi = require "ffi"

local ROOT = debug.getinfo(1, "S").source:match("^@(.*)spec/support/cimport%.lua$")
if ROOT == "" then
  ROOT = "./"
end

local SYSTEM = [[
typedef unsigned int socklen_t;
typedef unsigned short sa_family_t;
typedef uint16_t in_port_t;
struct iovec { void *iov_base; size_t iov_len; };
struct sockaddr { sa_family_t sa_family; char sa_data[14]; };
struct in_addr { uint32_t s_addr; };
struct in6_addr { union { uint8_t __u6_addr8[16]; uint32_t __u6_addr32[4]; }; };
struct sockaddr_in {
  sa_family_t sin_family; in_port_t sin_port; struct in_addr sin_addr; unsigned char sin_zero[8];
};
struct sockaddr_in6 {
  sa_family_t sin6_family; in_port_t sin6_port; uint32_t sin6_flowinfo;
  struct in6_addr sin6_addr; uint32_t sin6_scope_id;
};
typedef long time_t;
struct timespec { time_t tv_sec; long tv_nsec; };
typedef union { char size[40]; long align; } pthread_mutex_t;
typedef unsigned long pthread_t;
]]


-- Declares, unless that was done before: an FFI state outlives the module when busted reloads it
-- for each file.
local function declare(text)
  local ok, err = pcall(ffi.cdef, text)
  if not ok and not err:find("attempt to redefine", 1, true) then
    error(("%s in declaration:\n%s"):format(err, text), 3)
  end
end


local function preprocess(headers)
  local source = os.tmpname()
  local file = assert(io.open(source, "w"))
  for _, header in ipairs(headers) do
    file:write(('#include "%s"\n'):format(header))
  end
  file:close()
  local command = ("%s -E -std=gnu11 -D_GNU_SOURCE -I%score %s -x c %s 2>&1"):format(
    os.getenv("CC") or "cc", ROOT, "-I/usr/share/include/llhttp", source)
  local pipe = assert(io.popen(command .. " && echo '# 1 \"end\"'"))
  local text = pipe:read("*a")
  pipe:close()
  os.remove(source)
  if not text:find('# 1 "end"\n', 1, true) then
    error(("cannot preprocess %s:\n%s"):format(table.concat(headers, ", "), text), 3)
  end
  return text
end


-- The lines that come from core/, told by the compiler's line marks (# 12 "core/base/str.h" 2).
local function own_lines(text)
  local core = ROOT .. "core/"
  local lines, keep = {}, false
  for line in text:gmatch("[^\n]+") do
    local file = line:match('^# %d+ "([^"]*)"')
    if file then
      keep = file:sub(1, #core) == core or file:find("llhttp", 1, true) ~= nil
    elseif keep and not line:find("^#") then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end


local function strip(text)
  text = text:gsub("__attribute__%s*%b()", "")
  text = text:gsub("_Alignas%s*%b()", "")
  text = text:gsub("_Atomic%s*(%b())", function(type) return type:sub(2, -2) end)
  for _, word in ipairs({ "_Atomic", "_Noreturn", "_Thread_local", "__extension__" }) do
    text = text:gsub("%f[%w_]" .. word .. "%f[^%w_]", "")
  end
  return text
end


-- Calls emit(declaration) for each declaration at the top level; one that ends in a body of
-- statements (an inline function) has no semicolon after its brace, and is passed over.
local function each_declaration(text, emit)
  local from, at = 1, 1
  while true do
    local stop, _, mark = text:find("([;{])", at)
    if not stop then
      return
    end
    if mark == "{" then
      local head = text:sub(from, stop - 1)
      local close = select(2, text:find("%b{}", stop))
      at = close + 1
      if head:find("%)%s*$") then
        from = at
      end
    else
      local declaration = text:sub(from, stop)
      if not declaration:find("^%s*_Static_assert") and not declaration:find("^%s*;") then
        emit(declaration)
      end
      from, at = stop + 1, stop + 1
    end
  end
end


local library

local function load_library()
  library = library or ffi.load(os.getenv("WEIR_TEST_LIB") or ROOT .. "build/libweir-test.so")
  return library
end


return function(...)
  each_declaration(SYSTEM, declare)
  each_declaration(strip(own_lines(preprocess({ ... }))), function(declaration)
    if not declaration:find("^%s*static%f[^%w_]") then
      declare(declaration)
    end
  end)
  return load_library()
end
