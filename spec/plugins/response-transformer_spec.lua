-- response-transformer: what it makes of responses, and what its schema refuses.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.response-transformer.handler")
local schema = require("kong.plugins.response-transformer.schema")

describe("response-transformer", function()
  setup(function()
    fake.install()
    pdk.install({})
  end)
  before_each(function()
    current.slot, current.plugin = 1, { name = "response-transformer" }
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  -- What the client gets of a body that comes in pieces.
  local function run(config, headers, ...)
    local conf = assert(plugin.configure(schema, config))
    current.release(1)
    fake.request = fake.new_request({ phase = "header_filter", headers_response = headers })
    handler:header_filter(conf)
    fake.request.phase = "body_filter"
    local pieces, sent = { ... }, {}
    for i, piece in ipairs(pieces) do
      fake.request.chunk, fake.request.last = piece, i == #pieces
      handler:body_filter(conf)
      sent[i] = fake.request.chunk
    end
    return table.concat(sent)
  end

  local function header(name)
    return fake.header("RESPONSE", name)
  end

  describe("changes headers:", function()
    local cases = {
      { "removes", { remove = { headers = { "x-one" } } }, {}, { "2", "2b" }, {} },
      { "renames", { rename = { headers = { "X-Two:X-One", "X-No:X-Two" } } }, { "2", "2b" }, {},
        {} },
      { "replaces", { replace = { headers = { "X-One:a:b", "X-New:x" } } }, { "a:b" },
        { "2", "2b" }, {} },
      { "adds", { add = { headers = { "X-One:x", "X-New:x" } } }, { "1" }, { "2", "2b" }, { "x" } },
      { "appends", { append = { headers = { "X-One:x", "X-New:x" } } }, { "1", "x" },
        { "2", "2b" }, { "x" } },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        run(case[2], { ["X-One"] = "1", ["X-Two"] = { "2", "2b" } })
        for i, name in ipairs({ "X-One", "X-Two", "X-New" }) do
          assert.same(case[i + 2], header(name), name)
        end
      end)
    end
  end)

  describe("changes JSON:", function()
    local cases = {
      { "removes", { remove = { json = { "a", "x" } } }, '{"b":[]}' },
      { "renames", { rename = { json = { "a:c" } } }, '{"c":1,"b":[]}' },
      { "replaces", { replace = { json = { "a:2", "x:2" } } }, '{"a":"2","b":[]}' },
      { "replaces by type", {
        replace = { json = { "a:true", "b:12345678901234567890" },
          json_types = { "boolean", "number" } },
      }, '{"a":true,"b":12345678901234567890}' },
      { "adds, where types end by text", {
        add = { json = { "c:-1.5e3", "d:1" }, json_types = { "number" } },
      }, '{"a":1,"b":[],"c":-1.5e3,"d":"1"}' },
      { "appends", {
        append = { json = { "b:1", "a:false" }, json_types = { "number", "boolean" } },
      }, '{"a":[1,false],"b":[1]}' },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local sent = run(case[2], {
          ["Content-Type"] = "application/json", ["Content-Length"] = "16",
        }, '{"a":', '1,"b"', ":[]}", "")
        assert.equal(case[3], sent)
        assert.same({}, header("Content-Length"))
      end)
    end
  end)

  it("knows JSON by its media type", function()
    for name, is_json in pairs({
      ["Application/JSON; charset=utf-8"] = true, ["application/problem+json"] = true,
      ["application/jsonp"] = false, ["text/json+html"] = false, ["text/html"] = false,
    }) do
      assert.equal(is_json and '{"a":"1"}' or "{}",
        run({ add = { json = { "a:1" } } }, { ["Content-Type"] = name }, "{}"), name)
      assert.same({}, header("Content-Length"))
    end
    assert.equal("{}", run({ add = { json = { "a:1" } } }, {}, "{}"))
  end)

  it("leaves the length of what it does not change", function()
    local headers = { ["Content-Type"] = "application/json", ["Content-Length"] = "2" }
    assert.equal("{}", run({ add = { headers = { "X-A:1" } } }, headers, "{}"))
    assert.same({ "2" }, header("Content-Length"))
  end)

  it("leaves bodies that are empty, and what is no object", function()
    local headers = { ["Content-Type"] = "application/json" }
    local config = { add = { json = { "a:1" } } }
    assert.equal("", run(config, headers, ""))
    assert.same({}, fake.log)
    for _, body in ipairs({ "[1,2]", "{", "\31\139" }) do
      assert.equal(body, run(config, headers, body))
      assert.matches("body transform failed: it is not a JSON object", fake.log[#fake.log].text)
    end
  end)

  it("needs body_filter for bodies only, and nothing without rules", function()
    local function needed(config)
      return handler:phases(assert(plugin.configure(schema, config)))
    end
    assert.same({ header_filter = true, body_filter = false },
      needed({ add = { headers = { "X-A:1" } } }))
    assert.same({ header_filter = true, body_filter = true },
      needed({ add = { json = { "a:1" } } }))
    assert.same({ header_filter = false, body_filter = false }, needed({}))
  end)

  describe("refuses", function()
    local cases = {
      { { add = { json = { "a:x" }, json_types = { "number" } } },
        "'x' of key 'a' is not a number" },
      { { replace = { json = { "a:0x10" }, json_types = { "number" } } },
        "'0x10' of key 'a' is not a number" },
      { { append = { json = { "a:1", "b:01" }, json_types = { "number", "number" } } },
        "'01' of key 'b' is not a number" },
      { { add = { json = { "a:yes" }, json_types = { "boolean" } } },
        "'yes' of key 'a' is not a boolean" },
      { { add = { json_types = { "integer" } } }, "expected one of: boolean, number, string" },
      { { add = { json = { "a" } } }, "key 'a' has no value" },
      { { add = { headers = { "a b:c" } } }, "'a b' is not a valid header" },
      { { rename = { headers = { "a:b c" } } }, "'b c' is not a valid header" },
    }
    for _, case in ipairs(cases) do
      it(case[2], function()
        local conf, err = plugin.configure(schema, case[1])
        assert.is_nil(conf)
        assert.equal(case[2], err)
      end)
    end
  end)
end)
