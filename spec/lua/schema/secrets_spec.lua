-- Fields that may refer to secrets.

local schemas = require("spec.support.schemas")
local Schema = require("weir.schema")

local TEXT = schemas.TEXT
local record_of, errors_of, valid = schemas.record_of, schemas.errors_of, schemas.valid

describe("weir.schema: references to secrets", function()
  local SECRET = { type = "string", referenceable = true, len_max = 3 }
  local vault = { get = function(_, text)
    local name = text:match("{vault://env/(.*)}")
    return name ~= "none" and name or nil, "no such secret"
  end }
  local function ref(name)
    return ("{vault://env/%s}"):format(name)
  end

  it("are looked up, and noted beside the secrets", function()
    local definition = { fields = { { a = SECRET }, { b = SECRET }, { c = TEXT },
      { r = record_of({ { a = SECRET } }) } } }
    local schema = assert(Schema.new(definition))
    local value, errors, _, has = schema:process(
      { a = ref("x"), b = "pl", c = ref("x"), r = { a = ref("y") } },
      { vault = vault })
    assert.same({}, errors)
    assert.is_true(has)
    assert.same({
      a = "x", b = "pl", c = ref("x"), ["$refs"] = { a = ref("x") },
      r = { a = "y", ["$refs"] = { a = ref("y") } },
    }, value)
    assert.is_false(select(4, schema:process({ b = "pl" }, { vault = vault })))
  end)

  it("may be in lists and maps", function()
    local definition = { fields = {
      { list = { type = "array", elements = SECRET } },
      { map = { type = "map", keys = TEXT, values = SECRET } },
    } }
    local value = valid(definition, { list = { "a", ref("x") }, map = { k = ref("y") } },
      { vault = vault })
    assert.same({
      list = { "a", "x" }, map = { k = "y" },
      ["$refs"] = { list = { [2] = ref("x") }, map = { k = ref("y") } },
    }, value)
  end)

  it("may be in shorthands, and are those of the fields that these stand for", function()
    local definition = {
      fields = { { r = record_of({ { a = SECRET } }) } },
      shorthand_fields = {
        { old = { type = "string", func = function(v) return { r = { a = v } } end } },
      },
    }
    assert.same({ r = { a = "x", ["$refs"] = { a = ref("x") } } },
      valid(definition, { old = ref("x") }, { vault = vault }))
  end)

  it("lead to values that are judged like others", function()
    assert.same({ "f: length must be at most 3" },
      (errors_of({ fields = { { f = SECRET } } }, { f = ref("long") }, { vault = vault })))
  end)

  it("must lead somewhere where a secret is needed; elsewhere nothing is left, with a warning",
    function()
      local lines, value, _, warnings
      local function process(field)
        lines, value, _, warnings = errors_of({ fields = { { f = field } } },
          { f = ref("none") }, { vault = vault })
      end
      process({ type = "string", referenceable = true, required = true })
      assert.same({ "f: no such secret" }, lines)
      process({ type = "string", referenceable = true, encrypted = true })
      assert.same({ "f: no such secret" }, lines)
      process(SECRET)
      assert.same({}, lines)
      assert.equal("", value.f)
      assert.same({ { path = { "f" }, message = "no such secret; it is left empty" } }, warnings)
    end)

  it("need a vault", function()
    assert.same({ "f: there is no vault here" }, (errors_of({
      fields = { { f = { type = "string", referenceable = true, required = true } } },
    }, { f = ref("x") })))
  end)

  it("can be shown in place of the secrets", function()
    local secrets = require("weir.schema.secrets")
    local shown = { a = ref("x"), b = { list = { "p", ref("y") } }, c = 1 }
    assert.same(shown, secrets.as_written({
      a = "s", ["$refs"] = { a = ref("x") }, c = 1,
      b = { list = { "p", "t" }, ["$refs"] = { list = { [2] = ref("y") } } },
    }))
  end)
end)
