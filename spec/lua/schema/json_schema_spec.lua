-- Fields whose values a JSON schema describes.

local null = require("cjson").null
local schemas = require("spec.support.schemas")
local Schema = require("weir.schema")

local message = schemas.message

describe("weir.schema: JSON schemas", function()
  local object = { type = "object", required = { "a" }, additionalProperties = false,
    properties = { a = { type = "integer", minimum = 1, maximum = 9 }, b = {} } }
  local cases = {
    { { type = "string" }, "x", 5, "wrong type: expected string" },
    { { type = { "string", "null" } }, null, 5, "wrong type: expected string or null" },
    { { type = "array" }, {}, { a = 1 }, "wrong type: expected array" },
    { { enum = { 1, { a = 1 } } }, { a = 1 }, { a = 2 }, "matches none of the enum values" },
    { { const = { 1, 2 } }, { 1, 2 }, { 1 }, "is not the value that is expected" },
    { object, { a = 1, b = null }, { b = 1 }, "property a is required" },
    { object, { a = 9 }, { a = 1, c = 1 }, "property c: additional properties are forbidden" },
    { object, { a = 9 }, { a = 0 }, "property a: must be at least 1" },
    { object, { a = 9 }, { a = 10 }, "property a: must be at most 9" },
    { object, { a = 9 }, { a = 1.5 }, "property a: wrong type: expected integer" },
    { { additionalProperties = { type = "number" } }, { a = 1 }, { a = "x" },
      "property a: wrong type: expected number" },
    { { items = { type = "number" } }, { 1, 2 }, { 1, "x" },
      "item 2: wrong type: expected number" },
    { { multipleOf = 2 }, 4, 5, "must be a multiple of 2" },
    { { minLength = 2 }, "ab", "a", "must have at least 2 characters" },
    { { maxLength = 2 }, "ab", "abc", "must have at most 2 characters" },
    { { minItems = 2 }, { 1, 2 }, { 1 }, "must have at least 2 items" },
    { { maxItems = 2 }, { 1, 2 }, { 1, 2, 3 }, "must have at most 2 items" },
    { { minProperties = 1 }, { a = 1 }, {}, "must have at least 1 properties" },
    { { maxProperties = 1 }, { a = 1 }, { a = 1, b = 2 }, "must have at most 1 properties" },
    { { anyOf = { { type = "string" }, { minimum = 3 } } }, 3, 2,
      "matches none of the alternatives" },
    { { oneOf = { { type = "number" }, { minimum = 3 } } }, 2, 3,
      "must match exactly one of the alternatives" },
    { { allOf = { { type = "number" }, { minimum = 3 } } }, 3, 2, "must be at least 3" },
    { { ["not"] = { type = "string" }, title = "t" }, 1, "x", "matches what it must not" },
  }
  for i, case in ipairs(cases) do
    it(("judge values: %d, %s"):format(i, case[4]), function()
      local field = { type = "json", json_schema = { inline = case[1] } }
      assert.is_nil(message(field, case[2]))
      assert.equal(case[4], message(field, case[3]))
    end)
  end

  it("have to be in order", function()
    for text, definition in pairs({
      ["x.f: json_schema: expected { inline = SCHEMA }"] = { namespace = "n" },
      ["x.f: json_schema: unknown keyword: $ref"] = { inline = { items = { ["$ref"] = "#" } } },
      ["x.f: json_schema: unknown type: text"]
        = { inline = { properties = { a = { type = "text" } } } },
      ["x.f: json_schema: a schema must be a table"] = { inline = { anyOf = { 5 } } },
    }) do
      local _, err = Schema.new({ name = "x",
        fields = { { f = { type = "json", json_schema = definition } } } })
      assert.equal(text, err)
    end
  end)
end)
