-- Types and attributes of fields, shorthands, transformations, and mistakes in definitions.

local null = require("cjson").null
local schemas = require("spec.support.schemas")
local Schema = require("weir.schema")

local TEXT, NUMBER = schemas.TEXT, schemas.NUMBER
local record_of, errors_of = schemas.record_of, schemas.errors_of
local valid, message = schemas.valid, schemas.message

describe("weir.schema", function()
  describe("types", function()
    local cases = {
      { "string", "a", 5, "expected a string" },
      { "number", 1.5, "1", "expected a number" },
      { "number", 0, 0 / 0, "expected a number" },
      { "integer", 3, 1.5, "expected an integer" },
      { "integer", 3, 1 / 0, "expected an integer" },
      { "boolean", false, "true", "expected a boolean" },
      { "function", print, "print", "expected a function" },
      { "json", { a = { 1, "b", true, null } }, { a = print }, "expected a JSON value" },
      { "json", "text", { 1, a = 2 }, "expected a JSON value" },
      { "foreign", "name", 5, "expected a reference: a name or an id" },
      { "foreign", { id = "x" }, { id = "x", name = "y" },
        "expected a reference: a name or an id" },
    }
    for _, case in ipairs(cases) do
      it("check " .. case[1], function()
        local field = { type = case[1], reference = case[1] == "foreign" and "services" or nil }
        assert.is_nil(message(field, case[2]))
        assert.equal(case[4], message(field, case[3]))
      end)
    end

    it("check collections and what is in them", function()
      local text = { type = "string" }
      local array = { type = "array", elements = text }
      assert.is_nil(message(array, {}))
      assert.is_nil(message(array, { "a", "b" }))
      assert.equal("expected an array", message(array, { a = 1 }))
      assert.equal("expected an array", message(array, "a"))
      assert.equal("expected a set", message({ type = "set", elements = text }, { a = 1 }))
      local map = { type = "map", keys = { type = "string", len_min = 2 }, values = text }
      assert.is_nil(message(map, { ab = "x" }))
      assert.equal("expected a map", message(map, { "x" }))
      assert.same({ "f.2: expected a string", "f.3: value must not be null" },
        (errors_of({ fields = { { f = array } } }, { f = { "a", 2, null } })))
      assert.same({ "f.a: length must be at least 2", "f.bc: expected a string" },
        (errors_of({ fields = { { f = map } } }, { f = { a = "x", bc = 1 } })))
      assert.equal("expected a record", message({ type = "record", fields = {} }, { 1 }))
    end)

    it("drop repetitions from sets", function()
      local value = valid({ fields = { { f = { type = "set", elements = { type = "string" } } } } },
        { f = { "b", "a", "b" } })
      assert.same({ "b", "a" }, value.f)
    end)
  end)

  describe("validators", function()
    local function first(pattern)
      return { { pattern = pattern, err = "told" } }
    end
    local list = { type = "array", elements = { type = "string" } }
    local function with(base, attributes)
      local field = {}
      for _, source in ipairs({ base, attributes }) do
        for key, value in pairs(source) do
          field[key] = value
        end
      end
      return field
    end
    local text, number = TEXT, NUMBER
    local cases = {
      { text, { eq = "a" }, "a", "b", "value must be a" },
      { text, { eq = null }, nil, "b", "value must be null" },
      { text, { ne = "a" }, "b", "a", "value must not be a" },
      { text, { one_of = { "a", "b" } }, "b", "c", "expected one of: a, b" },
      { text, { not_one_of = { "a", "b" } }, "c", "a", "must not be one of: a, b" },
      { number, { one_of = { 1, 2 } }, 1, 3, "expected one of: 1, 2" },
      { number, { gt = 1 }, 2, 1, "value must be greater than 1" },
      { number, { between = { 0, 64 } }, 64, 65, "value should be between 0 and 64" },
      { number, { between = { 0.5, 1 } }, 0.5, 0.4, "value should be between 0.5 and 1" },
      { number, { timestamp = true }, 1, 0, "expected a valid timestamp" },
      { text, { uuid = true }, "bf6e0f14-78cd-45ad-9325-87ec7ef7b891", "x",
        "expected a valid UUID" },
      { text, { is_regex = true }, "a()", "a(", "not a valid regex: a(" },
      { text, { len_eq = 2 }, "ab", "abc", "length must be 2" },
      { text, { len_min = 2 }, "ab", "a", "length must be at least 2" },
      { text, { len_max = 2 }, "ab", "abc", "length must be at most 2" },
      { text, { starts_with = "/" }, "/a", "a", "should start with: /" },
      { text, { match = "^%u+$" }, "GET", "get", "invalid value: get" },
      { text, { not_match = "x" }, "a", "ax", "invalid value: ax" },
      { text, { match_all = first("^a") }, "ab", "b", "told" },
      { text, { match_none = first("^a") }, "b", "ab", "told" },
      { text, { match_any = { patterns = { "^a", "^b" }, err = "told" } }, "b", "c", "told" },
      { list, { contains = "a" }, { "b", "a" }, { "b" }, "expected to contain: a" },
      { list, { len_min = 1 }, { "a" }, {}, "length must be at least 1" },
      { list, { mutually_exclusive_subsets = { { "a", "b" }, { "c" } } },
        { "a", "b" }, { "a", "c" },
        "these sets are mutually exclusive: ('a', 'b'), ('c')" },
      { text, { custom_validator = function(v) return v == "a", "told" end }, "a", "b", "told" },
      { text, { supported = { "a" } }, "a", "b",
        "'b' is not supported by this version of weir (supported: a)" },
      { text, { supported = {} }, nil, "b", "not supported by this version of weir" },
    }
    for _, case in ipairs(cases) do
      it("include " .. next(case[2]), function()
        local field = with(case[1], case[2])
        assert.is_nil(message(field, case[3]))
        assert.equal(case[5], message(field, case[4]))
      end)
    end

    it("refuse the empty string unless len_min allows it", function()
      assert.equal("length must be at least 1", message(text, ""))
      assert.is_nil(message({ type = "string", len_min = 0 }, ""))
    end)

    it("count the entries of a map", function()
      local map = { type = "map", keys = text, values = text, len_max = 1 }
      assert.is_nil(message(map, { a = "x" }))
      assert.equal("length must be at most 1", message(map, { a = "x", b = "y" }))
    end)

    it("speak with the field's own words where it has some", function()
      assert.equal("own words", message({ type = "number", gt = 1, err = "own words" }, 0))
    end)

  end)

  describe("fields", function()
    it("may be required", function()
      local field = { type = "string", required = true }
      assert.equal("required field missing", message(field, nil))
      assert.equal("required field missing", message(field, null))
    end)

    it("have defaults, copied, for what is absent and not for null", function()
      local default = { "a" }
      local definition = {
        fields = {
          { list = { type = "array", elements = { type = "string" }, default = default } },
          { off = { type = "boolean", default = true } },
        },
      }
      local value = valid(definition, {})
      assert.same({ list = { "a" }, off = true }, value)
      assert.not_equal(default, value.list)
      assert.same({}, valid(definition, { list = null, off = null }))
      assert.same({ list = {}, off = false }, valid(definition, { list = {}, off = false }))
    end)

    it("of a record are filled in though it is absent, unless its definition lets it", function()
      local record = record_of({ { n = { type = "number", default = 3 } } })
      assert.same({ r = { n = 3 } }, valid({ fields = { { r = record } } }, {}))
      assert.same({ o = { r = { n = 3 } } },
        valid({ fields = { { o = record_of({ { r = record } }) } } }, {}))
      record.required = false
      assert.same({}, valid({ fields = { { r = record } } }, {}))
    end)

    it("of a record within a list or a map are not filled in", function()
      local item = record_of({ { r = record_of({ { n = { type = "number", default = 3 } } }) } })
      local definition = { fields = {
        { list = { type = "array", elements = item } },
        { map = { type = "map", keys = TEXT, values = item } },
      } }
      assert.same({ list = { {} }, map = { a = {} } },
        valid(definition, { list = { {} }, map = { a = {} } }))
    end)

    it("that do not exist are errors, with a guess at what was meant", function()
      local lines, _, errors = errors_of({ fields = { { depth = { type = "number" } } } },
        { depht = 1, zzz = 2 })
      assert.same({ "depht: unknown field (did you mean 'depth'?)", "zzz: unknown field" }, lines)
      assert.is_true(errors[1].at_key)
    end)

    it("are all reported, in the order of the definition", function()
      local definition = {
        fields = {
          { b = { type = "number" } },
          { a = record_of({ { x = NUMBER }, { y = TEXT } }) },
        },
      }
      assert.same({ "b: expected a number", "a.x: expected a number", "a.y: expected a string" },
        (errors_of(definition, { b = "", a = { x = "", y = 1 } })))
    end)

    it("do not change the input", function()
      local input = { r = { list = { "b", "b" } } }
      local set = { type = "set", elements = TEXT }
      valid({ fields = { { r = record_of({ { list = set } }) } } }, input)
      assert.same({ r = { list = { "b", "b" } } }, input)
    end)

    it("may be deprecated: a warning when they are used", function()
      local old = { type = "number", deprecation = { message = "use new" } }
      local definition = { fields = { { old = old } } }
      local _, _, _, warnings = errors_of(definition, { old = 1 })
      assert.same({ { path = { "old" }, message = "use new" } }, warnings)
      _, _, _, warnings = errors_of(definition, {})
      assert.same({}, warnings)
    end)

    it("may be deprecated from a version on, and harmless with their old default", function()
      local list = { type = "array", elements = TEXT, deprecation = {
        message = "use new", removal_in_version = "4.0", old_default = { "a" },
      } }
      local definition = { fields = { { old = list } } }
      local _, _, _, warnings = errors_of(definition, { old = { "a", "b" } })
      assert.same({ { path = { "old" }, message = "use new (scheduled for removal in 4.0)" } },
        warnings)
      _, _, _, warnings = errors_of(definition, { old = { "a" } })
      assert.same({}, warnings)
    end)

    it("may be made up where they are not given", function()
      local auto = { type = "string", auto = true }
      local id = { type = "string", uuid = true, auto = true }
      local definition = { fields = { { id = id }, { secret = auto }, { other = id },
        { r = record_of({ { key = auto } }) }, { given = auto }, { none = auto } } }
      local value = valid(definition, { given = "g", none = null, r = {} })
      assert.is_nil(value.id)
      assert.matches("^%x+$", value.secret)
      assert.equal(32, #value.r.key)
      assert.not_equal(value.secret, value.r.key)
      assert.is_true(require("weir.text.uuid").is_valid(value.other))
      assert.equal("g", value.given)
      assert.is_nil(value.none)
    end)
  end)

  describe("shorthand fields", function()
    local definition = {
      fields = {
        { host = { type = "string", required = true } },
        { r = record_of({ { a = NUMBER }, { b = NUMBER } }) },
      },
      shorthand_fields = {
        { url = {
          type = "string", func = function(v) return { host = v ~= "none" and v or null } end,
        } },
        { a = {
          type = "number", func = function(v) return { r = { a = v } } end,
          deprecation = { message = "use r.a" },
        } },
      },
    }

    it("stand for other fields", function()
      assert.same({ host = "x", r = {} }, valid(definition, { url = "x" }))
      assert.same({ host = "x", r = { a = 1, b = 2 } },
        valid(definition, { host = "x", a = 1, r = { b = 2 } }))
    end)

    it("give way to what is said explicitly", function()
      assert.same({ host = "y", r = {} }, valid(definition, { url = "x", host = "y" }))
    end)

    it("are checked, and named as the origin of errors", function()
      assert.same({ "url: expected a string", "host: required field missing" },
        (errors_of(definition, { url = 5 })))
      local _, _, errors = errors_of(definition, { url = "none" })
      assert.equal("url", errors[1].written_as)
    end)

    it("are there for code that reads them still", function()
      local function field(attributes)
        attributes.type, attributes.func = "number", function(v) return { r = { a = v } } end
        return attributes
      end
      local backwards = {
        fields = { { r = record_of({ { a = NUMBER } }) } },
        shorthand_fields = {
          { by_path = field({ translate_backwards = { "r", "a" } }) },
          { by_place = field({ deprecation = { replaced_with = { { path = { "r", "a" } } } } }) },
          { by_function = field({ deprecation = { replaced_with = {
            { path = { "r", "b" } },
            { path = { "r", "a" }, reverse_mapping_function = function(v) return v.r.a * 2 end },
          } } }) },
          { forgotten = field({}) },
        },
      }
      assert.same({ by_path = 3, by_place = 3, by_function = 6, r = { a = 3 } },
        valid(backwards, { forgotten = 3 }))
      assert.same({ r = {} }, valid({ fields = backwards.fields,
        shorthand_fields = { backwards.shorthand_fields[1] } }, {}))
    end)

    it("can be deprecated", function()
      local _, _, _, warnings = errors_of(definition, { host = "x", a = 1 })
      assert.same({ { path = { "a" }, message = "use r.a" } }, warnings)
    end)
  end)

  describe("transformations", function()
    local definition = {
      fields = { { a = { type = "string" } }, { b = { type = "string" } } },
      transformations = {
        { input = { "a" }, needs = { "b" }, on_write = function(a, b) return { a = a .. b } end },
      },
    }

    it("change values that are all there", function()
      assert.same({ a = "12", b = "2" }, valid(definition, { a = "1", b = "2" }))
      assert.same({ a = "1" }, valid(definition, { a = "1" }))
    end)

    it("look into referenced entities and read what was written once these are known", function()
      local schema = assert(Schema.new({
        fields = {
          { owner = { type = "foreign", reference = "consumers" } }, { secret = TEXT },
          { shown = TEXT },
        },
        transformations = {
          { input = { "secret" }, needs = { "owner.id" }, on_write = function(secret, id)
            return { secret = secret .. id }
          end },
          { input = { "secret" }, on_read = function(secret)
            return { shown = secret:upper() }
          end },
        },
      }))
      local value = schema:process({ owner = "name", secret = "s" })
      assert.equal("s", value.secret)
      value.owner = { id = "1" }
      schema:settle(value)
      assert.same({ owner = { id = "1" }, secret = "s1", shown = "S1" }, value)
      value = schema:process({ secret = "s" })
      schema:settle(value)
      assert.same({ secret = "s", shown = "S" }, value)
      value = schema:process({ owner = { id = "1" }, secret = "s" })
      schema:settle(value, { transform = false })
      assert.equal("s", value.secret)
    end)

    it("can be switched off, but for those that always apply", function()
      local input = { a = "1", b = "2" }
      assert.same(input, valid(definition, input, { transform = false }))
      definition.transformations[1].always = true
      assert.same({ a = "12", b = "2" }, valid(definition, input, { transform = false }))
    end)
  end)

  it("finds the mistakes of definitions", function()
    for text, definition in pairs({
      ["expected a definition table"] = 5,
      ["x: error in schema definition: no 'fields' table"] = { name = "x" },
      ["x.f: invalid type: strang"] = { name = "x", fields = { { f = { type = "strang" } } } },
      ["x.f: a field must be a table"] = { name = "x", fields = { { f = "string" } } },
      ["x: field 1 has no name"] = { name = "x", fields = { { { type = "string" } } } },
      ["x.f: missing attribute elements"] = { name = "x", fields = { { f = { type = "set" } } } },
      ["x.f: missing attributes keys and values"]
        = { name = "x", fields = { { f = { type = "map" } } } },
      ["x.f: missing attribute reference"]
        = { name = "x", fields = { { f = { type = "foreign" } } } },
      ["x.f: on_delete: expected one of: cascade, null, restrict"]
        = { name = "x", fields = { { f = { type = "string", on_delete = "drop" } } } },
      ["x.f: unknown attribute requird (did you mean 'required'?)"]
        = { name = "x", fields = { { f = { type = "string", requird = true } } } },
      ["x: unknown entity check: any_of"]
        = { name = "x", fields = {}, entity_checks = { { any_of = {} } } },
    }) do
      local schema, err = Schema.new(definition)
      assert.is_nil(schema)
      assert.equal(text, err)
    end
  end)
end)
