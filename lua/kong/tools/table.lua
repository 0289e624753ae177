-- kong.tools.table.
local clone = require("table.clone")
local count_of = require("table.nkeys")
local helpers = require("weir.pdk.table")
local is_indexed = require("table.isarray")

local tables = {
  table_merge = helpers.merge,
  -- A table for where there is none, which nothing can be put into.
  EMPTY = setmetatable({}, {
    __newindex = function()
      error("attempt to change the empty table of kong.tools.table", 2)
    end,
  }),
}

--- Arguments as a list with their number in `n`.
function tables.pack(...)
  return { n = select("#", ...), ... }
end

--- The items of a list, as many as its `n` says.
function tables.unpack(t, from, to)
  return unpack(t, from or 1, to or t.n or #t)
end

--- Whether one of a table's values is `value`.
function tables.table_contains(t, value)
  for _, item in pairs(t or {}) do
    if item == value then
      return true
    end
  end
  return false
end

--- Whether a table is a list without holes whose numbers may be texts.
function tables.is_lapis_array(t)
  if type(t) ~= "table" then
    return false
  end
  for i = 1, count_of(t) do
    if t[i] == nil and t[tostring(i)] == nil then
      return false
    end
  end
  return true
end

--- Whether a table is a list.
-- @param t
-- @tparam ?string mode "strict" (nil): no holes; "fast": holes are allowed; "lapis": numbers may be
-- texts
-- @treturn boolean
function tables.is_array(t, mode)
  if type(t) ~= "table" then
    return false
  elseif mode == "lapis" then
    return tables.is_lapis_array(t)
  elseif mode == "fast" then
    return is_indexed(t)
  end
  local count = count_of(t)
  for i = 1, count do
    if t[i] == nil then
      return false
    end
  end
  return true
end

--- A copy of a table, its keys and values as they are, without metatable.
function tables.shallow_copy(value)
  return type(value) == "table" and clone(value) or value
end

--- A copy of all tables in a value, each copied once, with the same metatables.
-- @param value
-- @tparam ?boolean without_metatables
-- @tparam ?boolean with_keys copies tables that are keys, too
-- @tparam ?table known tables that are copied already
function tables.cycle_aware_deep_copy(value, without_metatables, with_keys, known)
  if type(value) ~= "table" then
    return value
  end
  known = known or {}
  if known[value] then
    return known[value]
  end
  local copy = {}
  known[value] = copy
  for key, item in pairs(value) do
    local own_key = with_keys
      and tables.cycle_aware_deep_copy(key, without_metatables, with_keys, known) or key
    copy[own_key] = tables.cycle_aware_deep_copy(item, without_metatables, with_keys, known)
  end
  return without_metatables and copy or setmetatable(copy, getmetatable(value))
end

--- A copy of all tables in a value, keys and metatables too; one that is there twice is copied
-- twice.
-- @param value without cycles
-- @tparam ?boolean with_metatables true if nil
function tables.deep_copy(value, with_metatables)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, item in next, value do
    copy[tables.deep_copy(key)] = tables.deep_copy(item, with_metatables)
  end
  if with_metatables ~= false then
    setmetatable(copy, tables.deep_copy(getmetatable(value)))
  end
  return copy
end

-- Puts copies of b's fields into a, table into table.
local function merge_into(a, b, copy)
  for key, item in pairs(b) do
    if type(item) == "table" and type(a[key]) == "table" then
      merge_into(a[key], item, copy)
    else
      a[key] = copy(item)
    end
  end
  return a
end

--- A table with the fields of both, table by table; those of the second win.
function tables.deep_merge(a, b)
  return merge_into(tables.deep_copy(a), b, tables.deep_copy)
end

--- The same for tables with cycles.
function tables.cycle_aware_deep_merge(a, b, without_metatables, with_keys, known)
  known = known or {}
  local function copy(value)
    return tables.cycle_aware_deep_copy(value, without_metatables, with_keys, known)
  end
  return merge_into(copy(a), b, copy)
end

--- The items of lists as one list.
function tables.concat(...)
  local all = {}
  for _, list in ipairs({ ... }) do
    for _, item in ipairs(list) do
      all[#all + 1] = item
    end
  end
  return all
end

-- Marks lists of errors, which are added to.
local error_list = {}

--- Adds an error to a table of errors by field; several of one field become a list.
-- @tparam ?table errors
-- @treturn table errors
function tables.add_error(errors, field, message)
  errors = errors or {}
  local old = errors[field]
  if old == nil then
    errors[field] = message
  elseif getmetatable(old) == error_list then
    old[#old + 1] = message
  else
    errors[field] = setmetatable({ old, message }, error_list)
  end
  return errors
end

return tables
