-- The entry of the control thread's VM: reads the configuration, and puts it in force if it is
-- valid.
--
-- core/control.c calls start() once and reload() for SIGHUP. A configuration that is refused
-- changes nothing: the one in force goes on.
local buffer = require("string.buffer")
local abi = require("weir.abi")
local Builder = require("weir.compile.builder")
local compile = require("weir.compile")
local declarative = require("weir.declarative")
local enabled = require("weir.plugins.enabled")
local file = require("weir.source.file")
local fingerprint = require("weir.crypto.fingerprint")
local Packer = require("weir.db.packer")
local uuid = require("weir.text.uuid")

local C = abi.C

local ERROR, WARN = 3, 4 -- enum log_level

-- Reading a large file, this VM is the largest of the process. So it is collected when its heap is
-- larger by a third than after the last time, which costs some time, instead of twice as large.
local GC_PAUSE = 133

local control = {}

-- What start() sets: settings, source, plugins (loaded), node_id.
local state

local function log(level, text)
  C.weir_log(level, text, #text)
end

local function source_of(description)
  if description.type == "file" then
    return file.new(description.path)
  end
  return {
    load = function()
      return description.text, description.name
    end,
  }
end

local function log_findings(findings, name)
  for _, warning in ipairs(findings.warnings) do
    log(WARN, declarative.format(warning, name, "warning"))
  end
  for _, finding in ipairs(findings.errors) do
    log(ERROR, declarative.format(finding, name))
  end
end

local function count(number, what)
  return ("%d %s%s"):format(number, what, number == 1 and "" or "s")
end

-- What is wrong with plugins, in texts of several lines.
local function log_problems(problems)
  for _, problem in ipairs(problems) do
    for line in problem:gmatch("[^\n]+") do
      log(ERROR, (line:gsub("\t", "  ")))
    end
  end
end

-- Gives back what is of no use any more: this VM may not need it again for days, and the workers
-- are about to take memory.
local function clean_up()
  collectgarbage()
  collectgarbage()
  C.weir_memory_trim()
end

-- Loads and validates. What is wrong is logged line by line.
-- Returns { config, name = its source's, hash, builder and packer with the entities that are not in
-- config }; or nil and how many errors there were.
local function read()
  local text, name = state.source:load()
  if not text then
    log(ERROR, name)
    return nil, 1
  end
  local builder = Builder.new()
  local packer = Packer.new(builder)
  local config, findings = declarative.load(text, {
    filename = name, plugins = state.names, settings = state.settings, packer = packer,
  })
  log_findings(findings, name)
  if not config then
    return nil, #findings.errors
  end
  return {
    config = config, name = name, hash = fingerprint.of_text(text):sub(1, 32),
    builder = builder, packer = packer,
  }
end

-- Loads and compiles. Returns a builder; or nil and how many errors there were.
local function prepare()
  local loaded, errors = read()
  if not loaded then
    return nil, errors
  end
  local builder, problems = compile.run(loaded.config, {
    settings = state.settings,
    plugins = state.plugins,
    hash = loaded.hash,
    builder = loaded.builder,
    packer = loaded.packer,
    node_id = state.node_id,
  })
  if not builder then
    log(ERROR, loaded.name .. ": " .. problems)
    return nil, 1
  end
  for _, problem in ipairs(problems) do
    log(problem.severity == "error" and ERROR or WARN, problem.message)
  end
  return builder
end

local function apply()
  local builder, errors = prepare()
  clean_up()
  if not builder then
    return nil, errors
  end
  builder:publish()
  return true
end

--- Puts the first configuration in force.
-- @tparam string blob string.buffer's encoding of { settings, source } (weir.cli.options)
-- @treturn true|nil
-- @treturn nil|string why the gateway cannot start
function control.start(blob)
  collectgarbage("setpause", GC_PAUSE)
  local action = buffer.decode(blob)
  -- Plugins are code of this node, so one that cannot be used stops the start, whatever the
  -- configuration says.
  local loaded, problems = enabled.load(action.settings)
  if not loaded then
    log_problems(problems)
    return nil, count(#problems, "plugin") .. " cannot be loaded"
  end
  state = {
    settings = action.settings,
    names = action.settings.plugins,
    plugins = loaded,
    source = source_of(action.source),
    node_id = uuid.v4(),
  }
  local ok, errors = apply()
  if not ok then
    return nil, ("configuration refused: %s"):format(count(errors, "error"))
  end
  return true
end

--- Reads the configuration again. What became of it is in the log.
-- @treturn true
function control.reload()
  local ok, errors = apply()
  if not ok then
    log(ERROR, ("configuration refused: %s, the running configuration stays in force")
      :format(count(errors, "error")))
  end
  return true
end

return control
