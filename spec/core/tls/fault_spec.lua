local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/fault.h")

ffi.cdef [[
void ERR_new(void);
void ERR_set_error(int lib, int reason, const char *format, ...);
unsigned long ERR_peek_error(void);
int OPENSSL_init_ssl(uint64_t options, const void *settings);
]]

local crypto = ffi.load("crypto")
local LOAD_TEXTS = 0x200000
assert(ffi.load("ssl").OPENSSL_init_ssl(LOAD_TEXTS, nil) == 1)

local SSL, WRONG_VERSION, BAD_MAC = 20, 267, 281

local function raise(reason, data)
  crypto.ERR_new()
  crypto.ERR_set_error(SSL, reason, data)
end

local function text(size)
  local out = ffi.new("char[512]")
  C.fault_text(out, size or 512)
  assert.equal(0, tonumber(crypto.ERR_peek_error()))
  return ffi.string(out)
end

describe("fault", function()
  it("writes an error as nginx does", function()
    raise(WRONG_VERSION)
    assert.equal("error:0A00010B:SSL routines::wrong version number", text())
    assert.equal("", text())
  end)

  it("writes several, oldest first, with their details", function()
    raise(WRONG_VERSION)
    raise(BAD_MAC, "detail")
    assert.equal("error:0A00010B:SSL routines::wrong version number "
      .. "error:0A000119:SSL routines::decryption failed or bad record mac:detail", text())
  end)

  it("cuts to size and empties the queue all the same", function()
    raise(WRONG_VERSION)
    raise(WRONG_VERSION)
    assert.equal("error:0A0", text(10))
  end)

  it("explains with the reason of the first error", function()
    local out = ffi.new("char[64]")
    C.fault_explain(out, 64, "block %u", ffi.cast("unsigned", 3))
    assert.equal("block 3", ffi.string(out))
    raise(WRONG_VERSION)
    raise(BAD_MAC)
    C.fault_explain(out, 64, "block %u", ffi.cast("unsigned", 3))
    assert.equal("block 3: wrong version number", ffi.string(out))
    assert.equal("", text())
    raise(WRONG_VERSION)
    C.fault_explain(out, 12, "block %u", ffi.cast("unsigned", 3))
    assert.equal("block 3: wr", ffi.string(out))
  end)

  it("forgets", function()
    raise(WRONG_VERSION)
    C.fault_clear()
    assert.equal("", text())
  end)
end)
