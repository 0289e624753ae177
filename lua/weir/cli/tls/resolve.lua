-- Names of hosts to addresses, for commands that may wait.
local ffi = require("ffi")
local ip = require("weir.text.ip")

ffi.cdef([[
  struct weir_addrinfo {
    int ai_flags, ai_family, ai_socktype, ai_protocol;
    unsigned ai_addrlen;
    void *ai_addr;
    char *ai_canonname;
    struct weir_addrinfo *ai_next;
  };
  int getaddrinfo(const char *node, const char *service, const struct weir_addrinfo *hints,
                  struct weir_addrinfo **out);
  void freeaddrinfo(struct weir_addrinfo *list);
  const char *gai_strerror(int code);
  int getnameinfo(const void *addr, unsigned length, char *host, unsigned hostlen, char *service,
                  unsigned servicelen, int flags);
]])

local SOCK_STREAM, NI_NUMERICHOST = 1, 1
local HOST_SIZE = 64

local resolve = {}

--- What the system knows of a host.
-- @tparam string host a name or an IP literal without brackets
-- @tparam ?number port
-- @treturn cdata|nil struct weir_addrinfo *, the first of a list
-- @treturn nil|string
function resolve.lookup(host, port)
  local hints = ffi.new("struct weir_addrinfo", { ai_socktype = SOCK_STREAM })
  local list = ffi.new("struct weir_addrinfo *[1]")
  local code = ffi.C.getaddrinfo(host, port and tostring(port), hints, list)
  if code ~= 0 then
    return nil, ("%s: %s"):format(host, ffi.string(ffi.C.gai_strerror(code)))
  end
  return ffi.gc(list[0], ffi.C.freeaddrinfo)
end

--- The first address of a host.
-- @tparam string host as above
-- @treturn string|nil IP literal
-- @treturn nil|string
function resolve.address(host)
  if ip.family(host) then
    return host
  end
  local first, err = resolve.lookup(host)
  if not first then
    return nil, err
  end
  local text = ffi.new("char[?]", HOST_SIZE)
  local code = ffi.C.getnameinfo(first.ai_addr, first.ai_addrlen, text, HOST_SIZE, nil, 0,
    NI_NUMERICHOST)
  if code ~= 0 then
    return nil, ("%s: %s"):format(host, ffi.string(ffi.C.gai_strerror(code)))
  end
  return ffi.string(text)
end

return resolve
