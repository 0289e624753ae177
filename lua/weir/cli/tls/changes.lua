-- What differs between the policies of two declarative files, as data.
local core = require("weir.core")
local render = require("weir.cli.tls.render")

local changes = {}

-- How the owner of a policy is called; for a target also how its service or route is.
local function key_of(item)
  local owner = item.route and ("service '%s', route '%s'"):format(item.service, item.route)
    or ("service '%s'"):format(item.service)
  return item.target and ("%s, target '%s'"):format(owner, item.target) or owner, owner
end

--- How the owner of a policy is called.
-- @tparam table item of weir.cli.tls.policies, or a change
-- @treturn string
function changes.title(item)
  return (key_of(item))
end

-- Policies by the names of their owners, and these in their order, a service before its routes,
-- each before its targets. `owners`: of targets, the name of what holds where nothing differs.
local function index(list)
  local by_key, keys, owners = {}, {}, {}
  for _, item in ipairs(list) do
    local key, owner = key_of(item)
    by_key[key] = by_key[key] or item
    owners[key] = item.target and owner
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return by_key, keys, owners
end

-- SHA-256 -> subject of each certificate of a bundle.
local function members(item)
  local found = {}
  for _, pem in ipairs(item.pems) do
    for _, certificate in ipairs(core.x509_describe(pem) or {}) do
      found[certificate.sha256] = certificate.subject or "(no subject)"
    end
  end
  return found
end

-- cjson would write an empty list as an object.
local function unless_empty(list)
  return list[1] and list or nil
end

-- What is in one bundle only: list of { subject, sha256 }.
local function missing(from, other)
  local list = {}
  for sha256, subject in pairs(from) do
    if not other[sha256] then
      list[#list + 1] = { subject = subject, sha256 = sha256 }
    end
  end
  table.sort(list, function(a, b)
    return a.subject .. a.sha256 < b.subject .. b.sha256
  end)
  return unless_empty(list)
end

local function fields_of(item)
  local by_name = {}
  for _, field in ipairs(item.fields) do
    by_name[field.name] = field
  end
  return by_name
end

local function part(field)
  return field and { value = field.value, origin = field.origin }
end

-- A field is another when its value is; that the same value comes from elsewhere changes nothing.
local function differing_fields(old, new)
  local before, after = fields_of(old), fields_of(new)
  local names, list = {}, {}
  for name in pairs(before) do
    names[#names + 1] = name
  end
  for name in pairs(after) do
    if not before[name] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local a, b = before[name], after[name]
    if render.value(a and a.value) ~= render.value(b and b.value) then
      list[#list + 1] = { name = name, old = part(a), new = part(b) }
    end
  end
  return unless_empty(list)
end

-- What differs between two policies, if they are not the same.
local function compare(old, new)
  if old.error or new.error then
    return old.error ~= new.error
      and { change = "refused", old_error = old.error, new_error = new.error } or nil
  elseif old.id == new.id then
    return nil
  end
  local before, after = members(old), members(new)
  return {
    change = "changed", old_policy = old.id, new_policy = new.id,
    fields = differing_fields(old, new),
    trusts_no_more = missing(before, after), trusts_now = missing(after, before),
  }
end

--- Compares. A target that differs in one file only is compared with what holds for it in the
-- other.
-- @tparam table old what weir.cli.tls.policies.load() gave
-- @tparam table new
-- @treturn table list of { service, route, target (nil where none), change = "changed", "refused"
--   (a policy that cannot be made), "gone" or "new" }, for "changed" with old_policy, new_policy,
--   fields = list of { name, old, new = { value, origin } or nil }, trusts_no_more and trusts_now =
--   lists of { subject, sha256 }, left out when they are empty; for "refused" with old_error,
--   new_error
function changes.of(old, new)
  local before, old_keys, old_owners = index(old)
  local after, new_keys, new_owners = index(new)
  local found = {}
  local function add(a, b)
    local change
    if a and b then
      change = compare(a, b)
    else
      change = { change = a and "gone" or "new" }
    end
    if change then
      local owner = a and a.target and a or b or a
      change.service, change.route, change.target = owner.service, owner.route, owner.target
      found[#found + 1] = change
    end
  end
  for _, key in ipairs(old_keys) do
    add(before[key], after[key] or after[old_owners[key]])
  end
  for _, key in ipairs(new_keys) do
    if not before[key] then
      add(before[new_owners[key]], after[key])
    end
  end
  return found
end

return changes
