local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("http/version.h")


describe("http/version", function()
  it("knows the llhttp that was compiled in", function()
    assert.matches("^%d+%.%d+%.%d+$", ffi.string(C.version_llhttp()))
  end)
end)
