-- Loads Lua that stands in configurations (pre-function, templates): nobody has looked at it as at
-- the code of a plugin.
--
-- The setting untrusted_lua says whether that is done at all ("off"), with the globals of
-- weir.sandbox.environment ("sandbox"), or with all ("on").

local configuration = require("weir.pdk.configuration")
local environment = require("weir.sandbox.environment")

local sandbox = {}

local OFF = "loading of untrusted Lua code disabled because 'untrusted_lua' config option is set "
  .. "to 'off'"

local everything = { __index = _G }

-- A text, or a function that gives it in pieces as for Lua's load(), as one text. Bytecode has no
-- checks that would keep it within bounds, so it is not loaded at all.
local function text_of(chunk)
  if type(chunk) == "function" then
    local pieces = {}
    for piece in chunk do
      if piece == "" then
        break
      end
      pieces[#pieces + 1] = piece
    end
    chunk = table.concat(pieces)
  end
  if type(chunk) ~= "string" then
    return nil, ("a text was expected, not a %s"):format(type(chunk))
  end
  return chunk
end

local function load_text(chunk, name, env)
  local text, err = text_of(chunk)
  if not text then
    return nil, err
  end
  return load(text, name, "t", env)
end

-- load() as untrusted code has it: what it loads has its globals, or a table of its own making.
local function inner_load(env)
  return function(chunk, name, _, own)
    return load_text(chunk, name, own or env)
  end
end

--- Loads a chunk.
-- @tparam string chunk
-- @tparam ?string name for messages, as in load()
-- @tparam ?table env globals of its own; the allowed ones are added to it
-- @treturn function|nil
-- @treturn nil|string why not
function sandbox.load(chunk, name, env)
  local mode = configuration.get("untrusted_lua")
  env = env or {}
  if mode == "off" then
    return nil, OFF
  elseif mode == "on" then
    return load_text(chunk, name, setmetatable(env, everything))
  end
  return load_text(chunk, name, environment.fill(env, inner_load(env)))
end

return sandbox
