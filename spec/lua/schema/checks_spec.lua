-- Rules about several fields of a record together.

local null = require("cjson").null
local schemas = require("spec.support.schemas")

local errors_of = schemas.errors_of

describe("weir.schema: entity checks", function()
  local function check(entity_check, input)
    local text = { type = "string", len_min = 0 }
    return (errors_of({
      fields = {
        { a = text }, { b = text }, { c = text },
        { r = { type = "record", fields = { { x = text } } } },
      },
      entity_checks = { entity_check },
    }, input))
  end
  local cases = {
    { { at_least_one_of = { "a", "r.x" } }, { r = { x = "1" } }, { a = "" },
      ": at least one of these fields must be non-empty: 'a', 'r.x'" },
    { { only_one_of = { "a", "b" } }, { a = "1" }, { a = "1", b = "1" },
      ": exactly one of these fields must be non-empty: 'a', 'b'" },
    { { mutually_required = { "a", "b" } }, {}, { b = "1" },
      ": all or none of these fields must be set: 'a', 'b'" },
    { { mutually_exclusive = { "a", "b" } }, {}, { a = "1", b = "1" },
      ": only one or none of these fields must be set: 'a', 'b'" },
    { { mutually_exclusive_sets = { set1 = { "a", "b" }, set2 = { "c" } } }, { a = "1", b = "1" },
      { b = "1", c = "1" }, ": these sets are mutually exclusive: ('a', 'b'), ('c')" },
    { { distinct = { "a", "b" } }, { a = "1", b = "2" }, { a = "1", b = "1" },
      ": values of these fields must be distinct: 'a', 'b'" },
    { { conditional = {
      if_field = "a", if_match = { eq = "1" }, then_field = "b", then_match = { required = true },
    } }, { a = "2" }, { a = "1" }, "b: required field missing" },
    { { conditional = {
      if_field = "r.x", if_match = { not_one_of = { "1" } },
      then_field = "b", then_match = { eq = null },
    } }, { r = { x = "1" }, b = "1" }, { r = { x = "2" }, b = "1" }, "b: value must be null" },
    { { conditional_at_least_one_of = {
      if_field = "a", if_match = { eq = "1" }, then_at_least_one_of = { "b", "c" },
      then_err = "need %s", else_match = { eq = "2" }, else_then_at_least_one_of = { "c" },
    } }, { a = "1", b = "1" }, { a = "1" }, ": need 'b', 'c'" },
    { { conditional_at_least_one_of = {
      if_field = "a", if_match = { eq = "1" }, then_at_least_one_of = { "b" },
      else_match = { eq = "2" }, else_then_at_least_one_of = { "c" },
    } }, { a = "3" }, { a = "2" }, ": at least one of these fields must be non-empty: 'c'" },
    { { custom_entity_check = {
      field_sources = { "a", "r.x" },
      fn = function(entity)
        assert(entity.b == nil and entity.a ~= nil)
        return entity.r.x == null, "told"
      end,
    } }, { b = "1" }, { r = { x = "1" } }, ": told" },
    { { custom_entity_check = {
      field_sources = { "a" }, fn = function(entity) return entity.a == null, { a = "told" } end,
    } }, {}, { a = "1" }, "a: told" },
  }
  for _, case in ipairs(cases) do
    it("include " .. next(case[1]), function()
      assert.same({}, check(case[1], case[2]))
      assert.same({ case[4] }, check(case[1], case[3]))
    end)
  end

  it("name the broken rule beside the field", function()
    local _, _, errors = errors_of({
      fields = { { p = { type = "string" } }, { v = { type = "boolean" } } },
      entity_checks = { { conditional = {
        if_field = "p", if_match = { eq = "http" }, then_field = "v", then_match = { eq = null },
      } } },
    }, { p = "http", v = true })
    assert.same({
      {
        path = { "v" }, message = "value must be null",
        entity_check = "failed conditional validation given value of field 'p'",
      },
    }, errors)
  end)

  it("do not run on fields that are invalid already", function()
    local called = false
    local lines = errors_of({
      fields = { { a = { type = "number" } } },
      entity_checks = { { custom_entity_check = {
        field_sources = { "a" }, fn = function() called = true end,
      } } },
    }, { a = "x" })
    assert.same({ "a: expected a number" }, lines)
    assert.is_false(called)
  end)

  it("run in nested records, on their own errors", function()
    local record = {
      type = "record", fields = { { x = { type = "string" } }, { y = { type = "string" } } },
      entity_checks = { { at_least_one_of = { "x", "y" } } },
    }
    assert.same({ "l.2: at least one of these fields must be non-empty: 'x', 'y'" },
      (errors_of({ fields = { { l = { type = "array", elements = record } } } },
        { l = { { x = "1" }, {} } })))
  end)
end)
