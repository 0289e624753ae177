-- The globals of one piece of untrusted code: Lua's harmless library, views of `kong` and `ngx`,
-- require() for chosen modules, and what the settings add.
--
-- They are made when they are first used, for that piece alone.

local configuration = require("weir.pdk.configuration")
local guarded = require("weir.sandbox.guarded")
local language = require("weir.sandbox.language")
local offered = require("weir.sandbox.offered")

local environment = {}

local function list(name)
  return configuration.get(name) or {}
end

-- require() for the modules of untrusted_lua_sandbox_requires. Who uses a module cannot change it
-- for others.
local function new_require()
  local shown = {}
  return function(name)
    for _, allowed in ipairs(list("untrusted_lua_sandbox_requires")) do
      if allowed == name then
        shown[name] = shown[name] or guarded.show(require(name))
        return shown[name]
      end
    end
    error(("require '%s' not allowed within sandbox"):format(tostring(name)), 2)
  end
end

local function view_of_kong()
  local kong = _G.kong
  local view = kong and guarded.chosen(kong, offered.kong)
  local remove_sensitive = kong and kong.configuration and kong.configuration.remove_sensitive
  if remove_sensitive then
    rawset(view, "configuration", guarded.functions(remove_sensitive()))
  end
  return view
end

local makers = {
  kong = view_of_kong,
  ngx = function()
    return _G.ngx and guarded.chosen(_G.ngx, offered.ngx)
  end,
  require = new_require,
}

-- Puts what `path` ("os.getenv") means outside into `value`, which is what the path's first part
-- is inside.
local function add(value, path)
  local real = _G
  for part in path:gmatch("[^.]+") do
    real = type(real) == "table" and real[part] or nil
  end
  local tail = path:match("%.(.+)$")
  if real == nil or not tail then
    return guarded.show(real)
  end
  local parent, field = value or {}, nil
  value = parent
  for part, dot in tail:gmatch("([^.]+)(%.?)") do
    if dot == "." then
      local child = parent[part] or {}
      rawset(parent, part, child)
      parent = child
    end
    field = part
  end
  rawset(parent, field, guarded.show(real))
  return value
end

local function global(name, load)
  local value
  if name == "load" or name == "loadstring" then
    value = load
  else
    value = makers[name] and makers[name]() or language.global(name)
  end
  for _, path in ipairs(list("untrusted_lua_sandbox_environment")) do
    if path:match("^[^.]+") == name then
      value = add(value, path)
    end
  end
  return value
end

--- What untrusted_lua_sandbox_environment adds.
-- @treturn table
function environment.added()
  local globals = {}
  for _, path in ipairs(list("untrusted_lua_sandbox_environment")) do
    local name = path:match("^[^.]+")
    globals[name] = add(globals[name], path)
  end
  return globals
end

--- Gives a table the globals of untrusted code; what it holds already comes before them.
-- @tparam table env
-- @tparam function load what `load` and `loadstring` are
-- @treturn table env
function environment.fill(env, load)
  rawset(env, "_G", env)
  return setmetatable(env, {
    __metatable = false,
    __index = function(_, name)
      local value = type(name) == "string" and global(name, load) or nil
      if value ~= nil then
        rawset(env, name, value)
      end
      return value
    end,
  })
end

return environment
