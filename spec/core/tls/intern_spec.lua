local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/intern.h")

ffi.cdef [[
struct intern_spec_object { unsigned refs; int pad; unsigned char digest[32]; };
void *calloc(size_t n, size_t size);
void free(void *p);
]]

jit.off(true, true) -- the destructor below is called back from C

describe("intern", function()
  local intern, destroyed

  local destroy = ffi.cast("void (*)(void *)", function(object)
    destroyed = destroyed + 1
    ffi.C.free(object)
  end)

  before_each(function()
    destroyed = 0
    intern = ffi.new("struct intern")
    intern.digest_at = ffi.offsetof("struct intern_spec_object", "digest")
    intern.destroy = destroy
  end)

  local function digest(n)
    return ffi.new("unsigned char[32]", { n, 0 })
  end

  local function object(n)
    local o = ffi.cast("struct intern_spec_object *", ffi.C.calloc(1, 40))
    o.digest[0] = n
    return o
  end

  it("finds what was added, with a reference each", function()
    assert.is_true(C.intern_find(intern, digest(1)) == nil)
    local o = object(1)
    assert.equal(ffi.cast("void *", o), C.intern_add(intern, o))
    assert.equal(1, o.refs)
    assert.equal(ffi.cast("void *", o), C.intern_find(intern, digest(1)))
    assert.equal(2, o.refs)
    C.intern_ref(o)
    assert.equal(3, o.refs)
    assert.equal(1, C.intern_count(intern))
    assert.is_true(C.intern_find(intern, digest(2)) == nil)
    for _ = 1, 3 do
      C.intern_unref(intern, o)
    end
    assert.same({ 1, 0 }, { destroyed, C.intern_count(intern) })
    assert.is_true(C.intern_find(intern, digest(1)) == nil)
  end)

  it("gives the one that was there when an equal one is added", function()
    local first, second = object(1), object(1)
    C.intern_add(intern, first)
    assert.equal(ffi.cast("void *", first), C.intern_add(intern, second))
    assert.same({ 2, 1 }, { first.refs, destroyed })
    C.intern_unref(intern, first)
    C.intern_unref(intern, first)
    assert.equal(2, destroyed)
  end)
end)
