-- Entity checks: rules about several fields of one record.
--
-- A checker takes (record, argument, tools) and returns true, or nil and a list of errors { field =
-- name or nil, message, entity_check = text or nil }. `fields(arg)` lists the fields it reads, by
-- dotted names; unless `with_invalid`, it does not run when one of them is invalid already.
-- `tools.matches(field name, match, value)` says whether a value would be valid for that field
-- under the extra attributes in `match`.
local null = require("cjson").null
local dotted = require("weir.schema.dotted")
local quoted = require("weir.schema.validators").quoted

local get, set = dotted.get, dotted.set

local checks = {}

local function is_empty(value)
  return value == null or value == "" or type(value) == "table" and next(value) == nil
end

local function count_set(record, names)
  local n = 0
  for _, name in ipairs(names) do
    if not is_empty(get(record, name)) then
      n = n + 1
    end
  end
  return n
end

local function objection(message)
  return nil, { { message = message } }
end

local function all_names(arg)
  return arg
end

checks.at_least_one_of = {
  fields = all_names, with_invalid = true,
  check = function(record, names)
    if count_set(record, names) > 0 then
      return true
    end
    return objection("at least one of these fields must be non-empty: " .. quoted(names))
  end,
}

checks.only_one_of = {
  fields = all_names, with_invalid = true,
  check = function(record, names)
    if count_set(record, names) == 1 then
      return true
    end
    return objection("exactly one of these fields must be non-empty: " .. quoted(names))
  end,
}

checks.mutually_required = {
  fields = all_names, with_invalid = true,
  check = function(record, names)
    local n = count_set(record, names)
    if n == 0 or n == #names then
      return true
    end
    return objection("all or none of these fields must be set: " .. quoted(names))
  end,
}

checks.mutually_exclusive = {
  fields = all_names, with_invalid = true,
  check = function(record, names)
    if count_set(record, names) <= 1 then
      return true
    end
    return objection("only one or none of these fields must be set: " .. quoted(names))
  end,
}

checks.mutually_exclusive_sets = {
  fields = function(arg)
    local names = {}
    for _, list in ipairs({ arg.set1, arg.set2 }) do
      for _, name in ipairs(list) do
        names[#names + 1] = name
      end
    end
    return names
  end,
  with_invalid = true,
  check = function(record, arg)
    if count_set(record, arg.set1) == 0 or count_set(record, arg.set2) == 0 then
      return true
    end
    return objection(("these sets are mutually exclusive: (%s), (%s)")
      :format(quoted(arg.set1), quoted(arg.set2)))
  end,
}

checks.distinct = {
  fields = all_names,
  check = function(record, names)
    local seen = {}
    for _, name in ipairs(names) do
      local value = get(record, name)
      if value ~= null and seen[value] then
        return objection("values of these fields must be distinct: " .. quoted(names))
      end
      seen[value] = true
    end
    return true
  end,
}

checks.conditional_at_least_one_of = {
  fields = function(arg)
    return { arg.if_field }
  end,
  check = function(record, arg, tools)
    local value = get(record, arg.if_field)
    local names, custom
    if tools.matches(arg.if_field, arg.if_match, value) then
      names, custom = arg.then_at_least_one_of, arg.then_err
    elseif arg.else_match and tools.matches(arg.if_field, arg.else_match, value) then
      names, custom = arg.else_then_at_least_one_of, arg.else_then_err
    end
    if not names or count_set(record, names) > 0 then
      return true
    end
    local list = quoted(names)
    return objection(custom and custom:format(list)
      or "at least one of these fields must be non-empty: " .. list)
  end,
}

checks.conditional = {
  fields = function(arg)
    return { arg.if_field, arg.then_field }
  end,
  check = function(record, arg, tools)
    if not tools.matches(arg.if_field, arg.if_match, get(record, arg.if_field)) then
      return true
    end
    local ok, message = tools.matches(arg.then_field, arg.then_match, get(record, arg.then_field))
    if ok then
      return true
    end
    return nil, {
      {
        field = arg.then_field,
        message = message,
        entity_check = arg.then_err
          or ("failed conditional validation given value of field '%s'"):format(arg.if_field),
      },
    }
  end,
}

local function errors_of_custom_check(err)
  if type(err) ~= "table" then
    return { { message = err or "entity check failed" } }
  end
  local names = {}
  for name in pairs(err) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  local list = {}
  for i, name in ipairs(names) do
    list[i] = { field = type(name) == "string" and name or nil, message = tostring(err[name]) }
  end
  return list
end

-- The function sees only the fields it names, unset ones as null, so that it cannot come to depend
-- on others.
checks.custom_entity_check = {
  fields = function(arg)
    return arg.field_sources
  end,
  runs_with_invalid = function(arg)
    return arg.run_with_invalid_fields
  end,
  check = function(record, arg)
    local view = {}
    for _, name in ipairs(arg.field_sources) do
      set(view, name, get(record, name))
    end
    local ok, err = arg.fn(view)
    if ok then
      return true
    end
    return nil, errors_of_custom_check(err)
  end,
}

return checks
