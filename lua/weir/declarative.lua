-- Whole declarative files: from text to validated, flattened entities, or to the complete list of
-- what is wrong.
--
-- A configuration is { format_version, transform, model, by_id = { TYPE = { [id] = entity } }, TYPE
-- = { entity, … } } with all of model.names (weir.entities) as TYPE. Entities have their `id`, all
-- defaults, references as { id = … } (`ca_certificates` of a service: ids). What is not set is
-- absent. In place of references to secrets are the secrets; `referring` lists the entities that
-- have some, as { type, id }.
local null = require("cjson").null
local failure = require("weir.runner.failure")
local document = require("weir.document")
local entities = require("weir.entities")
local loader = require("weir.loader")
local records = require("weir.declarative.records")
local references = require("weir.declarative.references")
local suggest = require("weir.text.suggest")
local Vault = require("weir.vault")

local extend = records.extend

local FORMAT_VERSIONS = { ["1.1"] = true, ["2.1"] = true, ["3.0"] = true }

local declarative = {}

-- { "services", 1, "port" } -> "services[0].port"
local function path_text(path)
  local parts = {}
  for _, key in ipairs(path) do
    local text
    if type(key) == "number" then
      text = ("[%d]"):format(key - 1)
    elseif key:find("^[%w_-]+$") then
      text = #parts > 0 and "." .. key or key
    else
      text = ("[%q]"):format(key)
    end
    table.insert(parts, text)
  end
  return table.concat(parts)
end

-- ---- findings

local Findings = {}
Findings.__index = Findings

local function new_findings(doc)
  return setmetatable({ document = doc, errors = {}, warnings = {} }, Findings)
end

function Findings:add(list, path, message, at)
  local line, col
  if at == "key" then
    line, col = self.document:key_position(path)
  else
    line, col = self.document:position(at or path)
  end
  table.insert(list, {
    line = line, col = col, path = path_text(path), message = message, rank = #list,
  })
  return list[#list]
end

local function sort_findings(list)
  table.sort(list, function(a, b)
    if a.line ~= b.line then
      return a.line < b.line
    elseif a.col ~= b.col then
      return a.col < b.col
    end
    return a.rank < b.rank
  end)
  return list
end

function Findings:sorted()
  return { errors = sort_findings(self.errors), warnings = sort_findings(self.warnings) }
end

-- ---- the file itself

local function check_header(doc, report)
  local file = doc.value
  local version, transform = file._format_version, file._transform
  if version == nil or version == null then
    report({ "_format_version" }, "required field missing")
  elseif type(version) ~= "string" then
    report({ "_format_version" }, 'expected a string: "3.0"')
  elseif not FORMAT_VERSIONS[version] then
    report({ "_format_version" }, "expected one of: 1.1, 2.1, 3.0")
  end
  if transform ~= nil and transform ~= null and type(transform) ~= "boolean" then
    report({ "_transform" }, "expected a boolean")
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

local function check_keys(doc, model, findings, report)
  local known = { "_format_version", "_transform", "_comment", "_ignore", unpack(model.names) }
  local is_known = {}
  for _, name in ipairs(known) do
    is_known[name] = true
  end
  for key, value in pairs(doc.value) do
    if not is_known[key] then
      local message = why_unknown(key) or "unknown field" .. suggest.phrase(key, known)
      findings:add(findings.errors, { key }, message, "key")
    else
      records.check_metadata(key, value, {}, report)
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

-- The schema that judges a record: a plugin's own for a plugin, if there is one.
local function schema_of(record, context)
  local schema = context.model.schemas[record.type]
  local enabled, report = context.enabled, context.report
  local name = record.input.name
  if record.type ~= "plugins" or type(name) ~= "string" then
    return schema
  elseif not enabled[name] then
    report(extend(record.path, "name"), not_enabled(name, enabled))
    record.invalid = true
    return schema
  end
  local own, err = context.model.definitions.plugins.schema_of(name)
  if not own then
    report(extend(record.path, "name"), err)
    record.invalid = true
  end
  return own or schema
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
    return ("plugin '%s'"):format(record.input.name)
  elseif not entities.base.schemas[record.type] then
    return ("'%s'"):format(record.type)
  end
end

-- Calls a function of a record's schema. What plugins bring has functions of its own, which may
-- raise errors: a finding, not the end. Returns true and the results, or false and why.
local function call(record, method, ...)
  local ok, first, second, third, fourth = failure.call(record.schema[method], record.schema, ...)
  if ok then
    return true, first, second, third, fourth
  elseif not brought_by(record) then
    error(first, 0)
  end
  return false, ("the schema of %s failed: %s"):format(brought_by(record), tostring(first))
end

local function process(record, context)
  local ok, value, errors, warnings, refers = call(record, "process", record.input, context)
  if ok then
    record.refers = refers
    return value, errors, warnings
  end
  return {}, { { path = {}, message = value } }, {}
end

-- The part of processing that needs resolved references.
local function settle(record, context)
  if record.invalid then
    return
  end
  local ok, err = call(record, "settle", record.value, context)
  if not ok then
    context.report(record.path, err)
    record.invalid = true
  end
end

local function validate(record, context)
  local findings = context.findings
  record.schema = schema_of(record, context)
  local value, errors, warnings = process(record, context)
  record.value, record.bad_fields = value, {}
  for _, err in ipairs(errors) do
    local path = extend(record.path, unpack(err.path))
    local at = err.at_key and "key" or err.written_as and extend(record.path, err.written_as)
    local known_elsewhere = err.at_key and why_unknown(err.path[#err.path])
    findings:add(findings.errors, path, known_elsewhere or error_text(err), at or nil)
    record.bad_fields[err.path[1] or ""] = true
    record.invalid = true
  end
  for _, warning in ipairs(warnings) do
    findings:add(findings.warnings, extend(record.path, unpack(warning.path)), warning.message)
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
    local warning = context.findings:add(context.findings.warnings,
      extend(record.path, unpack(advice.path or { advice.field })), advice.message)
    warning.name = record.value.name
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

local function assemble(list, model, file)
  local config = {
    format_version = file._format_version, transform = file._transform ~= false, model = model,
    by_id = {}, referring = {},
  }
  for _, name in ipairs(model.names) do
    config[name], config.by_id[name] = {}, {}
  end
  for _, record in ipairs(list) do
    table.insert(config[record.type], record.value)
    config.by_id[record.type][record.id] = record.value
    if record.refers then
      table.insert(config.referring, { record.type, record.id })
    end
  end
  return config
end

-- Where references to secrets are looked up. Vaults come first among the records, so they are
-- known when the others are processed.
local function vault_of(list, settings)
  local by_prefix = {}
  for _, record in ipairs(list) do
    if record.type == "vaults" and type(record.input.prefix) == "string" then
      by_prefix[record.input.prefix] = record
    end
  end
  return Vault.new(function(prefix)
    return by_prefix[prefix] and by_prefix[prefix].value
  end, function(name)
    return settings[name]
  end)
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
--   `settings`: weir.settings, for vaults
-- @treturn table|nil the configuration; nil when there are errors
-- @treturn table { errors = { … }, warnings = { … } }, each a list by position of { line, col,
--   path, message, name }
function declarative.load(text, options)
  local doc, problem = document.parse(text, options.filename)
  if not doc then
    return nil, syntax_error(problem)
  end
  local findings = new_findings(doc)
  local function report(path, message)
    findings:add(findings.errors, path, message)
  end
  if doc:kind(doc.value) ~= "map" then
    report({}, 'expected an object with at least _format_version: "3.0"')
    return nil, findings:sorted()
  end
  local model, problems = entities.model(options.plugins)
  for _, message in ipairs(problems) do
    report({}, message)
  end
  check_header(doc, report)
  check_keys(doc, model, findings, report)
  local context = {
    findings = findings,
    model = model,
    report = report,
    enabled = enabled_set(options.plugins),
    transform = doc.value._transform ~= false,
    now = options.now or os.time(),
  }
  local list = records.collect(doc, model, doc.value._format_version ~= "3.0", report)
  context.vault = vault_of(list, options.settings or {})
  for _, record in ipairs(list) do
    validate(record, context)
  end
  references.settle(list, model, report)
  for _, record in ipairs(list) do
    settle(record, context)
  end
  context.plugins = plugins_of(list)
  context.config = #findings.errors == 0 and assemble(list, model, doc.value) or nil
  for _, record in ipairs(list) do
    advise(record, context)
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
