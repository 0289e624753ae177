-- Puts values to schemas, for specs of weir.schema.

require("spec.support.fake_core").install()
local assert = require("luassert")
local Schema = require("weir.schema")

local schemas = {}

--- The types of fields that specs need most.
schemas.TEXT, schemas.NUMBER = { type = "string" }, { type = "number" }

--- A record type.
function schemas.record_of(fields)
  return { type = "record", fields = fields }
end

--- Errors as "path: message" lines; then the value, errors and warnings as process() gives them.
function schemas.errors_of(definition, input, options)
  local schema = assert(Schema.new(definition))
  local value, errors, warnings = schema:process(input, options)
  local lines = {}
  for i, err in ipairs(errors) do
    lines[i] = table.concat(err.path, ".") .. ": " .. err.message
  end
  return lines, value, errors, warnings
end

--- The value, which has to be valid.
function schemas.valid(definition, input, options)
  local lines, value = schemas.errors_of(definition, input, options)
  assert.same({}, lines)
  return value
end

--- The message about one field `f` with the given value; nil when the value is valid.
function schemas.message(field, value)
  local lines = schemas.errors_of({ fields = { { f = field } } }, { f = value })
  assert.is_true(#lines <= 1)
  return lines[1] and lines[1]:match("^f: (.*)$") or lines[1]
end

return schemas
