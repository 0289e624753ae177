local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("base/error.h")


describe("base/error", function()
  it("has a row for each line of errors.def", function()
    local count, codes = 0, {}
    for line in io.lines("core/base/errors.def") do
      local name, text, status, retryable =
        line:match('^ERROR%((%w[%w_]*), "(.*)", (%d+), (%a+)%)$')
      assert.is_true(name ~= nil or not line:find("^ERROR"), line)
      if name then
        local row = C["err_" .. name]
        assert.equal(name, ffi.string(row.code))
        assert.equal(text, ffi.string(row.text))
        assert.equal(tonumber(status), row.status)
        assert.equal(retryable == "true", row.retryable)
        assert.is_nil(codes[name])
        codes[name] = true
        count = count + 1
      end
    end
    assert.is_true(count > 20)
  end)
end)
