-- cjson: what is Debian's, and what weir adds to it.

local cjson = require("cjson")
local safe = require("cjson.safe")

describe("cjson", function()
  it("writes what is marked as a list as a list, though it is empty", function()
    assert.equal("[]", cjson.encode(cjson.empty_array))
    assert.equal("[]", cjson.encode(setmetatable({}, cjson.empty_array_mt)))
    assert.equal("[]", cjson.encode(setmetatable({}, cjson.array_mt)))
    assert.equal('{"a":[]}', cjson.encode({ a = cjson.empty_array }))
    assert.equal('[[],{}]', cjson.encode({ setmetatable({}, cjson.empty_array_mt), {} }))
    assert.equal('{"a":1}', cjson.encode(setmetatable({ a = 1 }, cjson.empty_array_mt)))
    assert.equal("[1,2]", cjson.encode(setmetatable({ 1, 2, a = 3 }, cjson.array_mt)))
    assert.equal("{}", cjson.encode({}))
  end)

  it("writes all else beside it as Debian's does", function()
    local mark = cjson.empty_array
    for _, value in ipairs({ "a/b\\/\"\1", 1.5, true, cjson.null, "" }) do
      assert.equal(("[%s,[]]"):format(cjson.encode(value)), cjson.encode({ value, mark }))
    end
    assert.equal("[null,null,[]]", cjson.encode({ [3] = mark }))
    assert.equal('{"1.5":[]}', cjson.encode({ [1.5] = mark }))
    assert.equal('{"0":[]}', cjson.encode({ [0] = mark }))
  end)

  it("refuses with the same texts, beside marks or not", function()
    local cycle = {}
    cycle[1] = cycle
    for text, make in pairs({
      ["Cannot serialise function: type not supported"] = function() return { print } end,
      ["Cannot serialise table: excessively sparse array"] = function()
        return { { [999] = 1 } }
      end,
      ["Cannot serialise boolean: table key must be a number or string"] = function()
        return { { [true] = 1 } }
      end,
      ["Cannot serialise, excessive nesting (1001)"] = function() return cycle end,
    }) do
      local value = make()
      assert.same({ nil, text }, { safe.encode(value) })
      table.insert(value, 1, cjson.empty_array)
      assert.same({ nil, text }, { safe.encode(value) })
    end
  end)

  it("reads lists as lists that are written again as such", function()
    local codec = safe.new()
    assert.is_false(codec.decode_array_with_array_mt())
    codec.decode_array_with_array_mt(true)
    for text, again in pairs({
      ["[]"] = "[]", ["[[]]"] = "[[]]", ['{"a":[]}'] = '{"a":[]}', ['{"a":{}}'] = '{"a":{}}',
      ["[1,[2],{}]"] = "[1,[2],{}]", [' [ [ ] ,\t0 ] '] = "[[],0]", ['{ "a" : [\n] }'] = '{"a":[]}',
      ['[{},[],"[]","x\\"y",-1.5,true,false,null]'] = '[{},[],"[]","x\\"y",-1.5,true,false,null]',
      ['["\\u00e9\\n[ ]",[]]'] = '["\195\169\\n[ ]",[]]',
    }) do
      assert.equal(again, codec.encode(codec.decode(text)))
    end
    assert.equal(codec.array_mt, getmetatable(codec.decode("[1]")))
    assert.is_nil(getmetatable(codec.decode('{"a":1}')))
    assert.equal(cjson.null, codec.decode('{"a":[null,[]]}').a[1])
    assert.equal("{}", cjson.encode(cjson.decode("[]")))
  end)

  it("reads what it refuses with the same texts, lists or not", function()
    local codec = safe.new()
    codec.decode_array_with_array_mt(true)
    for _, text in ipairs({ "", "[", "[]]", '{"a":[],}', '["\\x",[]]' }) do
      local _, err = safe.decode(text)
      assert.same({ nil, err }, { codec.decode(text) })
      assert.is_string(err)
    end
  end)

  it("has settings for each instance", function()
    local codec = cjson.new()
    assert.is_true(codec.encode_empty_table_as_object())
    codec.encode_empty_table_as_object(false)
    assert.equal('{"a":[]}', codec.encode({ a = {} }))
    assert.equal('{"a":{}}', cjson.encode({ a = {} }))
    codec.encode_empty_table_as_object("on")
    assert.equal("{}", codec.encode({}))
    codec.encode_escape_forward_slash(false)
    assert.equal([["a/b\\/"]], codec.encode([[a/b\/]]))
    assert.equal([["a\/b"]], cjson.encode("a/b"))
    codec.encode_number_precision(3)
    assert.equal("[3.14,[]]", codec.encode({ 3.14159, cjson.empty_array }))
    assert.equal(3, codec.encode_number_precision())
    assert.equal("[]", codec.new().encode(cjson.empty_array))
  end)

  it("writes up to 16 digits", function()
    local codec = safe.new()
    assert.equal(16, codec.encode_number_precision(16))
    assert.equal(16, codec.encode_number_precision())
    for _, text in ipairs({
      "1234567890123456", "[0.1,-0.1234567890123456]", '{"a":[1.5e-30,7]}', "[1e+300,-12]",
    }) do
      assert.equal(text, codec.encode(codec.decode(text)))
    end
    assert.equal("[1.2345678901235e+15]", cjson.encode({ 1234567890123456 }))
    assert.same({ nil, "Cannot serialise number: must not be NaN or Inf" },
      { codec.encode({ 0 / 0 }) })
    codec.encode_number_precision(14)
    assert.equal("1.2345678901235e+15", codec.encode(1234567890123456))
    assert.is_false((pcall(codec.encode_number_precision, 17)))
  end)

  it("raises what is wrong in its caller, or returns it", function()
    local ok, err = pcall(cjson.decode, "{")
    assert.same({ false, "Expected object key string but found T_END at character 2" }, { ok, err })
    ok, err = pcall(function()
      return (cjson.decode("{"))
    end)
    assert.is_false(ok)
    assert.matches("json_spec.lua:%d+: Expected object key", err)
    assert.has_error(function() cjson.encode(print) end)
    assert.is_false(safe.decode("false"))
    assert.is_false(cjson.decode("false"))
    assert.same({ nil }, { (safe.encode(print)) })
  end)
end)
