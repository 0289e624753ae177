-- Views of the gateway's tables for code that is not trusted: it can use what they hold, not change
-- it.
--
-- A view is a table of its own whose metatable shows another one. Tables in that appear as views,
-- too; handles of the core (cdata, userdata) do not appear at all. Two sandboxes never share a
-- view: what one writes into its views with table.insert() and the like is nobody else's.

local null = require("cjson").null

local guarded = {}

local SCALARS = { string = true, number = true, boolean = true }

local function refuse(_, name)
  error(("cannot modify %s: it is protected by the sandbox"):format(tostring(name)), 2)
end

-- `find(name, view)` says what is shown; that is kept in the view.
local function new_view(real, find)
  return setmetatable({}, {
    __metatable = false,
    __index = function(view, name)
      local shown = find(name, view)
      if shown ~= nil then
        rawset(view, name, shown)
      end
      return shown
    end,
    __newindex = refuse,
    __call = function(_, ...)
      return real(...)
    end,
  })
end

--- What a single value appears as.
-- @return nil when it must not appear
function guarded.show(value)
  local kind = type(value)
  if SCALARS[kind] or kind == "function" or value == null then
    return value
  end
  return kind == "table" and guarded.functions(value) or nil
end

--- A view of a table of functions, and of the tables in it.
-- @tparam table real
-- @treturn table
function guarded.functions(real)
  return new_view(real, function(name)
    return guarded.show(real[name])
  end)
end

--- A view of an object. Its methods get the object itself, and only they.
-- @tparam table real
-- @treturn table
function guarded.object(real)
  return new_view(real, function(name, view)
    local method = real[name]
    if type(method) ~= "function" then
      return SCALARS[type(method)] and method or nil
    end
    return function(self, ...)
      return method(self == view and real or self, ...)
    end
  end)
end

--- A view of a table of objects.
-- @tparam table real
-- @treturn table
function guarded.objects(real)
  return new_view(real, function(name)
    local object = real[name]
    return type(object) == "table" and guarded.object(object) or nil
  end)
end

--- A view of a table that holds values of the request: they are read and written as they are.
-- @tparam table real
-- @treturn table
function guarded.values(real)
  return setmetatable({}, {
    __metatable = false,
    __index = function(_, name)
      return real[name]
    end,
    __newindex = function(_, name, value)
      real[name] = value
    end,
  })
end

-- What a rule makes of a value.
local function apply(rule, value)
  if value == nil or rule == nil then
    return nil
  elseif type(rule) == "table" then
    return guarded.chosen(value, rule)
  end
  return guarded[rule](value)
end

--- A view of chosen fields of a table.
-- @tparam table real
-- @tparam table rules name -> the function of this module that makes its appearance ("show",
--   "functions", "object", "objects", "values"), "field" for a value of the request, which is read
--   and written as it is, or the rules for what is in that table
-- @treturn table
function guarded.chosen(real, rules)
  local fixed = new_view(real, function(name)
    return apply(rules[name], real[name])
  end)
  return setmetatable({}, {
    __metatable = false,
    __index = function(_, name)
      if rules[name] == "field" then
        return real[name]
      end
      return fixed[name]
    end,
    __newindex = function(_, name, value)
      if rules[name] ~= "field" then
        refuse(nil, name)
      end
      real[name] = value
    end,
  })
end

return guarded
