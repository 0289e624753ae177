-- Whole declarative files: from text to validated, flattened entities, or to the complete list of
-- what is wrong.
--
-- A configuration is { format_version, transform, model, by_id = { TYPE = { [id] = entity } }, TYPE
-- = { entity, … } } with all of model.names (weir.entities) as TYPE. Entities have their `id`, all
-- defaults, references as { id = … } (`ca_certificates` of a service: ids). What is not set is
-- absent. In place of references to secrets are the secrets; `referring` lists the entities that
-- have some, as { type, id }.
local null = require("cjson").null
local bounds = require("weir.bounds")
local failure = require("weir.runner.failure")
local document = require("weir.document")
local entities = require("weir.entities")
local Findings = require("weir.declarative.findings")
local loader = require("weir.loader")
local records = require("weir.declarative.records")
local References = require("weir.declarative.references")
local suggest = require("weir.text.suggest")
local Vault = require("weir.vault")

local path_of = records.path

local FORMAT_VERSIONS = { ["1.1"] = true, ["2.1"] = true, ["3.0"] = true }

local declarative = {}

-- ---- the file itself

local function check_header(file, findings)
  local version, transform = file._format_version, file._transform
  if version == nil or version == null then
    findings:error({ "_format_version" }, "required field missing")
  elseif type(version) ~= "string" then
    findings:error({ "_format_version" }, 'expected a string: "3.0"')
  elseif not FORMAT_VERSIONS[version] then
    findings:error({ "_format_version" }, "expected one of: 1.1, 2.1, 3.0")
  end
  if transform ~= nil and transform ~= null and type(transform) ~= "boolean" then
    findings:error({ "_transform" }, "expected a boolean")
  end
end

-- What decK writes for itself.
local DECKS = { _info = true, _konnect = true, _plugin_configs = true, _workspace = true }

-- What to say of a type that other plugins or other versions have; nil for one that nobody has.
local function why_unknown(name)
  local owner = entities.owners[name]
  if owner then
    return ("these entities belong to plugin '%s', which is not enabled"):format(owner)
  elseif entities.unsupported[name] then
    return "not supported by this version of weir"
  elseif DECKS[name] then
    return "decK's own, which gateways do not read; leave it out"
  end
end

local function check_keys(file, model, findings)
  local known = { "_format_version", "_transform", "_comment", "_ignore", unpack(model.names) }
  local is_known = {}
  for _, name in ipairs(known) do
    is_known[name] = true
  end
  for key, value in pairs(file) do
    local _, why = records.metadata(key, value)
    if not is_known[key] then
      findings:key_error({ key }, why_unknown(key) or "unknown field" .. suggest.phrase(key, known))
    elseif why then
      findings:error({ key }, why)
    end
  end
end

-- ---- entities

local function not_enabled(name, enabled)
  local message = ("plugin '%s' not enabled; add it to the 'plugins' configuration property")
    :format(name)
  local meant = suggest.phrase(name, enabled)
  if meant ~= "" or loader.locate(("kong.plugins.%s.handler"):format(name)) then
    return message .. meant
  end
  return message .. " and the folder that it is in to 'plugin_path': it does not come with weir"
end

-- The schema that judges a plugin's record: its own, if there is one.
local function schema_of(record, context)
  local enabled, name = context.enabled, record.input.name
  local own, err
  if type(name) == "string" and not enabled[name] then
    err = not_enabled(name, enabled)
  elseif type(name) == "string" then
    own, err = context.model.definitions.plugins.schema_of(name)
  end
  if err then
    context.findings:error(path_of(record, "name"), err)
    record.invalid = true
  end
  return own or context.model.schemas.plugins
end

local function error_text(err)
  if err.entity_check and err.entity_check ~= err.message then
    return ("%s (%s)"):format(err.message, err.entity_check)
  end
  return err.message
end

-- Whose functions a record's schema has that may raise errors; nil for weir's own.
local function brought_by(record)
  if record.type == "plugins" then
    return ("plugin '%s'"):format((record.value or record.input).name)
  elseif not entities.base.schemas[record.type] then
    return ("'%s'"):format(record.type)
  end
end

-- Calls a function of a record's schema. What plugins bring has functions of its own, which may
-- raise errors: a finding, not the end. Returns true and the results, or false and why.
local function call(record, context, method, ...)
  local schema = record.schema or context.model.schemas[record.type]
  local ok, first, second, third, fourth = failure.call(schema[method], schema, ...)
  if ok then
    return true, first, second, third, fourth
  elseif not brought_by(record) then
    error(first, 0)
  end
  return false, ("the schema of %s failed: %s"):format(brought_by(record), tostring(first))
end

local NONE = {}

local function process(record, context)
  local ok, value, errors, warnings, refers =
    call(record, context, "process", record.input, context)
  if ok then
    record.refers = refers or nil
    return value, errors, warnings
  end
  return {}, { { path = {}, message = value } }, NONE
end

local function add_error(record, err, findings)
  local path = path_of(record, unpack(err.path))
  if err.at_key then
    findings:key_error(path, why_unknown(err.path[#err.path]) or error_text(err))
  else
    findings:error(path, error_text(err), err.written_as and path_of(record, err.written_as))
  end
  record.bad_fields = record.bad_fields or {}
  record.bad_fields[err.path[1] or ""] = true
  record.invalid = true
end

-- What was written is let go of where nothing asks for it any more.
local function validate(record, context)
  if record.type == "plugins" then
    record.schema = schema_of(record, context)
  end
  local value, errors, warnings = process(record, context)
  record.value = value
  for _, err in ipairs(errors) do
    add_error(record, err, context.findings)
  end
  for _, warning in ipairs(warnings) do
    context.findings:warning(path_of(record, unpack(warning.path)), warning.message)
  end
  if not context.references:reads_input(record) then
    record.input = nil
  end
end

-- The part of processing that needs resolved references.
local function settle(record, context)
  context.references:settle(record)
  if record.invalid then
    return
  end
  local ok, err = call(record, context, "settle", record.value, context)
  if not ok then
    context.findings:error(path_of(record), err)
    record.invalid = true
  end
end

-- `context` has `now`, `plugins` (the names of those that are configured) and `config`, nil where
-- anything in the file is not valid.
local function advise(record, context)
  local give_advice = context.model.definitions[record.type].advise
  if not give_advice or record.invalid then
    return
  end
  for _, advice in ipairs(give_advice(record.value, context)) do
    context.findings:warning(path_of(record, unpack(advice.path or { advice.field })),
      advice.message, record.value.name)
  end
end

-- The names of the plugins that the file configures.
local function plugins_of(list)
  local names = {}
  for _, record in ipairs(list) do
    if record.type == "plugins" and not record.invalid and record.value.enabled then
      names[record.value.name] = true
    end
  end
  return names
end

local function new_configuration(model, file)
  local config = {
    format_version = file._format_version, transform = file._transform ~= false, model = model,
    by_id = {}, referring = {},
  }
  for _, name in ipairs(model.names) do
    config[name], config.by_id[name] = {}, {}
  end
  return config
end

-- Puts a settled entity into the configuration, unless that is refused anyway.
local function keep(record, context)
  local config, kind = context.result, record.type
  if not context.findings:valid() then
    return
  elseif context.packer and context.model:is_packed(kind) then
    context.packer:add(context.model.definitions[kind], record.value)
    return
  end
  table.insert(config[kind], record.value)
  config.by_id[kind][record.id] = record.value
  if record.refers then
    table.insert(config.referring, { kind, record.id })
  end
end

-- Where references to secrets are looked up.
local function vault_of(records_by_prefix, settings)
  return Vault.new(function(prefix)
    return records_by_prefix[prefix] and records_by_prefix[prefix].value
  end, function(name)
    return settings[name]
  end)
end

-- Whether nothing is to be done with a record that needs the rest of the file.
local function can_settle(record, context)
  return context.model:is_packed(record.type) and context.references:complete(record)
    and not context.model.definitions[record.type].advise
end

-- What is done with each record as it comes. Vaults come first, so they are known when others are
-- processed. Of the types of which there may be very many no record is kept, if possible.
local function take(record, context)
  if context.full then
    return
  end
  local has_room, why = bounds.has_room()
  if not has_room then
    context.full = true
    context.findings:error({}, why)
    return
  end
  if record.type == "vaults" and type(record.input.prefix) == "string" then
    context.vaults[record.input.prefix] = record
  end
  context.references:note(record)
  validate(record, context)
  if can_settle(record, context) then
    settle(record, context)
    keep(record, context)
  else
    table.insert(context.records, record)
  end
end

local function finish(context)
  for _, record in ipairs(context.records) do
    settle(record, context)
  end
  for _, record in ipairs(context.records) do
    keep(record, context)
  end
  context.plugins = plugins_of(context.records)
  context.config = context.findings:valid() and context.result or nil
  for _, record in ipairs(context.records) do
    advise(record, context)
  end
end

local function enabled_set(names)
  local enabled = {}
  for i, name in ipairs(names) do
    enabled[i], enabled[name] = name, true
  end
  return enabled
end

local function syntax_error(problem)
  return {
    errors = {
      { line = problem.line, col = problem.col, path = "", message = problem.message, rank = 0 },
    },
    warnings = {},
  }
end

--- Validates a declarative text.
-- @tparam string text YAML or JSON
-- @tparam table options `plugins`: names of the enabled plugins; `filename`: decides by its
--   extension what the text is; `now`: seconds since the epoch, for certificates' validity;
--   `settings`: weir.settings, for vaults; `packer`: takes entities of which there may be very many
--   (weir.db.packer), in place of the configuration
-- @treturn table|nil the configuration; nil when there are errors
-- @treturn table { errors = { … }, warnings = { … } }, each a list by position of { line, col,
--   path, message, name }
function declarative.load(text, options)
  local doc, problem = document.parse(text, options.filename)
  if not doc then
    return nil, syntax_error(problem)
  end
  local findings, file = Findings.new(doc), doc.value
  if document.kind(file) ~= "map" then
    findings:error({}, 'expected an object with at least _format_version: "3.0"')
    return nil, findings:sorted()
  end
  local model, problems = entities.model(options.plugins)
  for _, message in ipairs(problems) do
    findings:error({}, message)
  end
  check_header(file, findings)
  check_keys(file, model, findings)
  local vaults = {}
  local context = {
    findings = findings,
    model = model,
    references = References.new(model, findings),
    records = {},     -- those that are not settled yet
    result = new_configuration(model, file),
    packer = options.packer,
    enabled = enabled_set(options.plugins),
    transform = file._transform ~= false,
    now = options.now or os.time(),
    vaults = vaults,
    vault = vault_of(vaults, options.settings or {}),
  }
  records.each(doc, file._format_version ~= "3.0", take, context)
  if not context.full then
    finish(context)
  end
  return context.config, findings:sorted()
end

--- A finding as one line: `FILE:LINE:COL: services[0].port: message`.
-- @tparam table finding
-- @tparam string filename
-- @tparam[opt] string severity e.g. "warning", put before the path
-- @treturn string
function declarative.format(finding, filename, severity)
  local parts = { ("%s:%d:%d"):format(filename, finding.line, finding.col) }
  if severity then
    table.insert(parts, severity)
  end
  if finding.name then
    table.insert(parts, ("%s (%s)"):format(finding.path, finding.name))
  elseif finding.path ~= "" then
    table.insert(parts, finding.path)
  end
  table.insert(parts, finding.message)
  -- Keys and values come from the file: they shall not write lines or move a terminal's cursor.
  local line = table.concat(parts, ": "):gsub("\\?%s*\n%s*", " "):gsub("%c", "?")
  return line
end

return declarative
