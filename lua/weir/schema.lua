-- Kong's schema language: definitions of records and what values they take.
--
-- A definition is a table { name, fields = { { name = field }, … }, entity_checks,
-- shorthand_fields, transformations }, as plugins write it in schema.lua. `Schema.new` compiles it
-- once, and finds its mistakes; `schema:process` takes an input table and gives a new one, with
-- shorthands expanded and defaults filled in, or the complete list of errors.
--
-- Within `process` an unset field is null, so that validators and checks written for Kong see what
-- they expect. In the result it is absent.
local new_table = require("table.new")
local null = require("cjson").null
local checks = require("weir.schema.checks")
local definition_of = require("weir.schema.definition")
local equal = require("weir.schema.equal")
local reference = require("weir.vault.reference")
local secrets = require("weir.schema.secrets")
local shorthands = require("weir.schema.shorthands")
local suggest = require("weir.text.suggest")
local tables = require("weir.tables")
local transformations = require("weir.schema.transformations")
local types = require("weir.schema.types")
local validators = require("weir.schema.validators")

local Schema = {}
Schema.__index = Schema

--- Compiles a definition.
-- @tparam table definition
-- @treturn Schema|nil
-- @treturn nil|string what is wrong with the definition
function Schema.new(definition)
  if type(definition) ~= "table" then
    return nil, "expected a definition table"
  end
  local ok, record = pcall(definition_of.record, definition, definition.name or "schema")
  if not ok then
    return nil, record
  end
  return setmetatable({ definition = definition, name = definition.name, record = record }, Schema)
end

--- The definition of a top-level field.
-- @tparam string name
-- @treturn table|nil
function Schema:field(name)
  local field = self.record.by_name[name]
  return field and field.def
end

-- ---- errors
--
-- A path is a linked list from the leaf to the root, turned into an array only when there is
-- something to report. What processes a value is given the path of what holds it, and its key
-- there: most values have nothing wrong and nothing in them, and need no path of their own.

local function step(path, key)
  return { parent = path, key = key }
end

local function path_array(path)
  local depth, at = 0, path
  while at.parent do
    depth, at = depth + 1, at.parent
  end
  local list = {}
  for i = depth, 1, -1 do
    list[i], path = path.key, path.parent
  end
  return list
end

local function report(run, path, message, extra)
  local err = extra or {}
  err.path, err.message = path_array(path), message
  table.insert(run.errors, err)
end

local function warn(run, path, message)
  table.insert(run.warnings, { path = path_array(path), message = message })
end

-- ---- processing values

local process_field, process_record

local function process_elements(field, value, path, run)
  local unique = field.def.type == "set"
  local result, seen = {}, unique and {}
  for i, item in ipairs(value) do
    if item == null then
      report(run, step(path, i), "value must not be null")
    elseif not (unique and seen[item]) then
      if unique then
        seen[item] = true
      end
      table.insert(result, process_field(field.elements, item, path, i, run))
    end
  end
  return result
end

local function process_map(field, value, path, run)
  local result = {}
  for _, key in ipairs(tables.sorted_keys(value)) do
    process_field(field.keys, key, path, key, run)
    result[key] = process_field(field.values, value[key], path, key, run)
  end
  return result
end

local function process_contents(field, value, holder, key, run)
  if field.record then
    return process_record(field.record, value, step(holder, key), run)
  elseif field.elements then
    return process_elements(field, value, step(holder, key), run)
  elseif field.values then
    return process_map(field, value, step(holder, key), run)
  end
  return tables.copy(value)
end

-- Null is the value of an unset field: only these attributes have something to say about it.
local function validate_null(field)
  local def = field.def
  if field.required then
    return nil, "required field missing"
  elseif def.eq ~= nil and def.eq ~= null then
    return validators.by_name.eq(null, def.eq)
  elseif def.ne == null then
    return validators.by_name.ne(null, null)
  end
  return true
end

local function validate_value(field, value)
  local def = field.def
  if def.type == "string" and value == "" and not def.len_min then
    return nil, "length must be at least 1"
  end
  for _, name in ipairs(field.validators) do
    local ok, message = validators.by_name[name](value, def[name], def)
    if not ok then
      return nil, message
    end
  end
  return true
end

-- What kind of value it is, before anything looks inside.
local function validate_type(def, value)
  if def.eq == null then
    return validators.by_name.eq(value, null)
  end
  local check = types[def.type]
  if not check[1](value) then
    return nil, check[2]
  end
  return true
end

local function has_contents(field)
  return field.record or field.elements or field.values
end

-- What process_field() says about a value with nothing inside that has rules of its own.
local function validate_leaf(field, value)
  if value == null then
    return validate_null(field)
  end
  local ok, message = validate_type(field.def, value)
  if ok then
    ok, message = validate_value(field, value)
  end
  return ok, not ok and field.def.err or message
end

-- The secret that a reference leads to; nil when that is reported. What is left empty can be known
-- to nobody for a password that was meant: only what is neither needed nor secret may be.
local function look_up(def, text, path, run)
  local secret, why
  if run.vault then
    secret, why = run.vault:get(text)
  else
    why = "there is no vault here"
  end
  if secret then
    return secret
  elseif def.required or def.encrypted then
    report(run, path, why)
    return nil
  end
  warn(run, path, why .. "; it is left empty")
  return ""
end

function process_field(field, value, holder, key, run)
  local def = field.def
  if def.referenceable and reference.is(value) then
    value = look_up(def, value, step(holder, key), run)
    if value == nil or value == "" then
      return value or null
    end
  end
  if value == null then
    local ok, message = validate_null(field)
    if not ok then
      report(run, step(holder, key), message)
    end
    return null
  end
  local ok, message = validate_type(def, value)
  if not ok then
    report(run, step(holder, key), def.err or message)
    return null
  end
  local errors_before = #run.errors
  local result = process_contents(field, value, holder, key, run)
  if #run.errors == errors_before then
    ok, message = validate_value(field, result)
    if not ok then
      report(run, step(holder, key), def.err or message)
    end
  end
  return result
end

-- What an unset field is processed as. A default is not copied, since processing makes new tables.
local function initial_value(field)
  local def = field.def
  if def.default ~= nil then
    return def.default
  elseif field.generate then
    return field.generate()
  elseif field.record and field.required then
    return {}
  end
  return null
end

-- Warns of a field that goes away, unless it only says what would hold anyway.
local function warn_of_deprecated(run, path, name, deprecation, value)
  if not deprecation or value == nil or value == null or equal(value, deprecation.old_default) then
    return
  end
  local message = deprecation.message or ("'%s' is deprecated"):format(name)
  local removal = deprecation.removal_in_version
  warn(run, step(path, name), removal
    and ("%s (scheduled for removal in %s)"):format(message, removal) or message)
end

-- Notes in a processed record what was written as a reference.
local function note_references(field, name, value, result, run)
  local found = secrets.references_in(field, value)
  if found then
    result["$refs"] = result["$refs"] or {}
    result["$refs"][name] = found
    run.has_references = true
  end
end

local NO_ORIGIN = {}

-- Replaces shorthand fields by what they stand for. Returns the fields, a copy where there was
-- something to replace, and which of them came from which shorthand.
local function expand_shorthands(record, input, path, run)
  if not shorthands.used(record, input) then
    return input, NO_ORIGIN
  end
  local data, origin = {}, {}
  for key, value in pairs(input) do
    data[key] = value
  end
  for _, item in ipairs(record.shorthands) do
    local value = data[item.name]
    data[item.name] = nil
    if value ~= nil and value ~= null then
      local def = item.field.def
      local errors_before = #run.errors
      -- A reference is for the field that the shorthand stands for.
      if not reference.is(value) then
        value = process_field(item.field, value, path, item.name, run)
      end
      warn_of_deprecated(run, path, item.name, def.deprecation, value)
      local expansion = #run.errors == errors_before and def.func and def.func(value)
      if type(expansion) == "table" then
        for key in pairs(expansion) do
          origin[key] = data[key] == nil and item.name or nil
        end
        shorthands.merge(data, expansion)
      end
    end
  end
  return data, origin
end

local function has_unknown(record, data)
  for key in pairs(data) do
    if not record.by_name[key] then
      return true
    end
  end
  return false
end

local function report_unknown(record, data, path, run)
  if not has_unknown(record, data) then
    return
  end
  for _, key in ipairs(tables.sorted_keys(data)) do
    if not record.by_name[key] then
      local message = "unknown field" .. suggest.phrase(key, record.names)
      report(run, step(path, key), message, { at_key = true })
    end
  end
end

-- Whether an error was reported at or below the field `name` (dotted) of the record at depth
-- `depth`.
local function is_invalid(run, first_error, depth, name)
  local steps = {}
  for part in name:gmatch("[^.]+") do
    table.insert(steps, part)
  end
  for i = first_error, #run.errors do
    local path, same = run.errors[i].path, true
    for k, part in ipairs(steps) do
      same = same and path[depth + k] == part
    end
    if same then
      return true
    end
  end
  return false
end

local function field_by_dotted_name(record, name)
  local field
  for part in name:gmatch("[^.]+") do
    field = record and record.by_name[part]
    record = field and field.record
  end
  return field
end

-- match -> name -> { record, narrowed }: what fields become under further attributes. Checks belong
-- to definitions, so there are few of them, and entities by the thousand.
local narrowed = setmetatable({}, { __mode = "k" })

-- A record's field, as it would be if it also had the attributes in `match`.
local function narrow(record, name, match)
  local by_name = narrowed[match] or {}
  narrowed[match] = by_name
  local known = by_name[name]
  if known and known.record == record then
    return known.narrowed
  end
  local field = field_by_dotted_name(record, name)
  local def = {}
  for key, attribute in pairs(field and field.def or { type = "any" }) do
    def[key] = attribute
  end
  for key, attribute in pairs(match) do
    def[key] = attribute
  end
  by_name[name] = { record = record, narrowed = definition_of.field(def, name) }
  return by_name[name].narrowed
end

local ROOT = {}

-- Whether `value` would be valid for a field if it also had the attributes in `match`, or why not.
local function matches(record, name, match, value)
  local field = narrow(record, name, match)
  if not has_contents(field) then
    return validate_leaf(field, value)
  end
  local run = { errors = {}, warnings = {} }
  process_field(field, value, ROOT, name, run)
  local first = run.errors[1]
  return first == nil, first and first.message
end

local function dotted_step(path, name)
  for part in name:gmatch("[^.]+") do
    path = step(path, part)
  end
  return path
end

local function run_check(name, arg, data, path, run, first_error, tools)
  local checker = checks[name]
  local with_invalid = checker.with_invalid
    or checker.runs_with_invalid and checker.runs_with_invalid(arg)
  if not with_invalid and #run.errors >= first_error then
    local depth = #path_array(path)
    for _, field in ipairs(checker.fields(arg)) do
      if is_invalid(run, first_error, depth, field) then
        return
      end
    end
  end
  local ok, errors = checker.check(data, arg, tools)
  if ok then
    return
  end
  for _, err in ipairs(errors) do
    report(run, err.field and dotted_step(path, err.field) or path, err.message,
      { entity_check = err.entity_check or (not err.field and err.message) or nil })
  end
end

local function tools_for(record)
  return {
    matches = function(field, match, value)
      return matches(record, field, match, value)
    end,
  }
end

local function run_checks(record, data, path, run, first_error)
  record.tools = record.tools or tools_for(record)
  for _, item in ipairs(record.entity_checks) do
    local name, arg = next(item)
    run_check(name, arg, data, path, run, first_error, record.tools)
  end
  if record.check and #run.errors < first_error then
    local ok, message = record.check(data)
    if not ok then
      report(run, path, message or "entity check failed", { entity_check = message })
    end
  end
end

function process_record(record, input, path, run)
  local first_error = #run.errors + 1
  local data, origin = expand_shorthands(record, input, path, run)
  report_unknown(record, data, path, run)
  local result = new_table(0, #record.ordered)
  for _, item in ipairs(record.ordered) do
    local name, field = item.name, item.field
    local value = data[name]
    warn_of_deprecated(run, path, name, field.def.deprecation, value)
    if value == nil then
      value = initial_value(field)
    end
    result[name] = process_field(field, value, path, name, run)
    if field.may_refer then
      note_references(field, name, value, result, run)
    end
  end
  run_checks(record, result, path, run, first_error)
  if #run.errors < first_error then
    transformations.write(record.transformations, result, run.transform)
    shorthands.fill(record, result)
  end
  local at_root = path.parent == nil
  for i = first_error, #run.errors do
    local err = run.errors[i]
    err.written_as = err.written_as or at_root and origin[err.path[1]] or nil
  end
  return result
end

-- A copy without nulls. Its tables have the size of what is left in them: entities come by the
-- thousand, with most of their fields unset.
local function strip_nulls(value)
  if type(value) ~= "table" then
    return value
  end
  local count = 0
  for _, item in pairs(value) do
    count = item == null and count or count + 1
  end
  local length = #value
  local result = new_table(length, count - math.min(length, count))
  for key, item in pairs(value) do
    if item ~= null then
      result[key] = strip_nulls(item)
    end
  end
  return result
end

--- Validates `input` and completes it.
-- @tparam table input left as it is
-- @tparam[opt] table options `transform`: false skips transformations (`_transform: false`);
-- `vault`: what looks up the secrets that `referenceable` fields may refer to (weir.vault). Where
-- some do, records in the result have the references by their fields in `$refs`
-- @treturn table the completed record; of no use when there are errors
-- @treturn {table,...} errors in the order of the fields: { path = { keys and indices }, message,
--   entity_check = the text of the record-level rule that was broken, at_key = true when the key is
--   the mistake, written_as = the shorthand that the value came from }
-- @treturn {table,...} warnings: { path, message }
-- @treturn boolean whether there are references to secrets
function Schema:process(input, options)
  options = options or {}
  local run = {
    errors = {}, warnings = {}, transform = options.transform, vault = options.vault,
    has_references = false,
  }
  local root = {}
  if not types.record[1](input) then
    report(run, root, "expected a record")
    return {}, run.errors, run.warnings
  end
  local result = process_record(self.record, input, root, run)
  return strip_nulls(result), run.errors, run.warnings, run.has_references
end

--- Finishes an entity whose references are resolved: runs the transformations that look into
-- referenced entities, and those for reading, since what is loaded now is what is read.
-- @tparam table value what process() gave, its references resolved; changed in place
-- @tparam[opt] table options as for process()
function Schema:settle(value, options)
  transformations.write(self.record.late, value, options and options.transform)
  transformations.read(self.record.transformations, value)
  transformations.read(self.record.late, value)
end

return Schema
