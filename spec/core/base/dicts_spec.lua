local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("base/dicts.h")

describe("base/dicts", function()
  it("gives the same dictionary for the same name, as large as it was", function()
    local one = C.dicts_open(http.str("spec one"), 20000)
    local two = C.dicts_open(http.str("spec two"), 1)
    assert.equal(one, C.dicts_open(http.str("spec one"), 40000))
    assert.are_not.equal(one, two)
    assert.equal(20000, tonumber(C.dict_capacity(one)))
    assert.equal(C.DICT_LEAST, tonumber(C.dict_capacity(two)))
  end)

  it("lists them", function()
    local one = C.dicts_open(http.str("spec one"), 20000)
    local name, index, found = ffi.new("struct str"), 0, nil
    local dict = C.dicts_at(index, name)
    while dict ~= nil do
      if ffi.string(name.p, name.n) == "spec one" then
        found = dict
      end
      index = index + 1
      dict = C.dicts_at(index, name)
    end
    assert.is_true(index >= 1)
    assert.equal(one, found)
  end)
end)
