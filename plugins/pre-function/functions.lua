-- Code of a configuration as a plugin: the handler and the schema of pre-function and of
-- post-function, which differ in their names and priorities.
--
-- A piece of code is loaded once for each configuration, and run when its phase first comes. When
-- that gives a function, it is called from then on, and the locals around it last as long as the
-- configuration; otherwise the code itself runs each time.

local sandbox = require("kong.tools.sandbox")
local typedefs = require("kong.db.schema.typedefs")
local version = require("kong.meta").version
local phases = require("kong.plugins.pre-function.phases")

local functions = {}

-- How messages call a piece of code.
local function name_of(plugin, phase, number)
  return ("=%s.%s[%d]"):format(plugin, phase, number)
end

local function load_all(plugin, phase, codes)
  local loaded = {}
  for i, code in ipairs(codes) do
    loaded[i] = { run = sandbox.sandbox(code, { chunk_name = name_of(plugin, phase, i) }) }
  end
  return loaded
end

local function run(piece)
  local result = piece.run()
  if piece.started then
    return
  end
  piece.started = true
  if type(result) == "function" then
    piece.run = result
    result()
  end
end

local function make_phase(plugin, phase)
  local by_conf = setmetatable({}, { __mode = "k" })
  return function(_, conf)
    local pieces = by_conf[conf]
    if not pieces then
      pieces = load_all(plugin, phase, conf[phase])
      by_conf[conf] = pieces
    end
    for _, piece in ipairs(pieces) do
      run(piece)
    end
  end
end

--- Makes a handler.
-- @tparam string plugin its name
-- @tparam number priority
-- @treturn table
function functions.handler(plugin, priority)
  local handler = { PRIORITY = priority, VERSION = version }
  for _, phase in ipairs(phases) do
    handler[phase] = make_phase(plugin, phase)
  end
  function handler.phases(_, conf)
    local needed = {}
    for _, phase in ipairs(phases) do
      needed[phase] = conf[phase][1] ~= nil
    end
    return needed
  end
  return handler
end

local function check(code)
  return sandbox.validate_safe(code, { chunk_name = "=code" })
end

--- Makes a schema.
-- @tparam string plugin its name
-- @treturn table
function functions.schema(plugin)
  local lists, names = {}, {}
  for i, phase in ipairs(phases) do
    lists[i] = { [phase] = {
      type = "array", required = true, default = {},
      elements = { type = "string", custom_validator = check },
    } }
    names[i] = "config." .. phase
  end
  return {
    name = plugin,
    fields = {
      { consumer = typedefs.no_consumer },
      { protocols = typedefs.protocols },
      { config = { type = "record", fields = lists } },
    },
    entity_checks = { { at_least_one_of = names } },
  }
end

return functions
