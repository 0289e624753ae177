local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("conf/version.h")


describe("conf/version", function()
  it("knows the PCRE2 that is loaded, without its date", function()
    local text = ffi.new("char[64]")
    C.version_pcre2(text)
    assert.matches("^10%.%d+$", ffi.string(text))
  end)

  it("knows the libyaml that is loaded", function()
    assert.matches("^0%.%d+%.%d+$", ffi.string(C.version_yaml()))
  end)
end)
