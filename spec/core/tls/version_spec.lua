local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("tls/version.h")


describe("tls/version", function()
  it("knows the OpenSSL that is loaded", function()
    assert.matches("^3%.%d+%.%d+", ffi.string(C.version_openssl()))
  end)
end)
