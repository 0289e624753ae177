local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("net/version.h")


describe("net/version", function()
  it("knows the libraries that are loaded", function()
    assert.matches("^1%.%d+%.%d+", ffi.string(C.version_uv()))
    assert.matches("^1%.%d+%.%d+$", ffi.string(C.version_cares()))
  end)
end)
