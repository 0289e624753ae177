local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("base/mem.h")

ffi.cdef("void free(void *);")


describe("base/mem", function()
  it("zeroes what xcalloc returns", function()
    local p = ffi.cast("unsigned char *", C.xcalloc(16, 64))
    for i = 0, 16 * 64 - 1 do
      assert.equal(0, p[i])
    end
    ffi.C.free(p)
  end)

  it("never returns NULL for nothing", function()
    for _, p in ipairs({ C.xmalloc(0), C.xcalloc(0, 8), C.xrealloc(nil, 0) }) do
      assert.is_true(p ~= nil)
      ffi.C.free(p)
    end
  end)

  it("keeps the bytes when it moves them", function()
    local p = ffi.cast("char *", C.xmalloc(4))
    ffi.copy(p, "abc")
    p = ffi.cast("char *", C.xrealloc(p, 1024 * 1024))
    assert.equal("abc", ffi.string(p))
    ffi.C.free(p)
  end)

  it("ends copies with a NUL, also empty ones", function()
    local p = C.xmemdup0("a\0bc", 3)
    assert.equal("a\0b\0", ffi.string(p, 4))
    ffi.C.free(p)
    p = C.xmemdup0(nil, 0)
    assert.equal("\0", ffi.string(p, 1))
    ffi.C.free(p)
  end)

  it("says that memory is out and aborts", function()
    local library = os.getenv("WEIR_TEST_LIB") or "build/libweir-test.so"
    local code = ('local C = require("ffi"); C.cdef("void *xmalloc(size_t);"); ' ..
      'C.load([[%s]]).xmalloc(2LL ^ 62)'):format(library)
    local pipe = io.popen(("exec 2>&1; (ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0 " ..
      "luajit -e '%s'); echo status $?"):format(code))
    local out = pipe:read("*a")
    pipe:close()
    assert.matches("weir: out of memory: 4611686018427387904 bytes wanted", out, 1, true)
    assert.matches("status 134", out, 1, true)
  end)
end)
