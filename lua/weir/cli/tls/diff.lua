-- `weir tls diff`: what a change of the declarative file does to policies.
local core = require("weir.core")
local options = require("weir.cli.options")
local render = require("weir.cli.tls.render")

local diff = { summary = "show which policies two declarative files disagree about" }

local EPILOG = [[
For each service that is reached over TLS, and each of its routes and targets
with a policy of its own, the fields that differ are shown with old and new value and
where they come from. CA certificates are compared by their content, too: the
same id may stand for another bundle.

Exit status:
   0  no policy differs
   1  at least one does
   2  the command line is not valid, or a file cannot be used

Example:
   weir tls diff running.yml proposed.yml]]

function diff.configure(parser)
  parser:description("Shows how the verification policies of two declarative files differ.")
  parser:argument("OLD", "The declarative file in force."):argname("OLD"):target("old")
  parser:argument("NEW", "The declarative file that is to replace it."):argname("NEW")
    :target("new")
  options.add_settings(parser)
  parser:epilog(EPILOG)
end

-- How the owner of a policy is called; for a target also how its service or route is.
local function key_of(item)
  local owner = item.route and ("service '%s', route '%s'"):format(item.service, item.route)
    or ("service '%s'"):format(item.service)
  return item.target and ("%s, target '%s'"):format(owner, item.target) or owner, owner
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

local function add_bundle(lines, old, new)
  local before, after = members(old), members(new)
  local changes = {}
  for sha256, subject in pairs(before) do
    if not after[sha256] then
      changes[#changes + 1] = ("  trusts no more %s (%s)"):format(subject, sha256:sub(1, 16))
    end
  end
  for sha256, subject in pairs(after) do
    if not before[sha256] then
      changes[#changes + 1] = ("  trusts now %s (%s)"):format(subject, sha256:sub(1, 16))
    end
  end
  table.sort(changes)
  for _, line in ipairs(changes) do
    lines[#lines + 1] = line
  end
end

local function fields_of(item)
  local by_name = {}
  for _, field in ipairs(item.fields) do
    by_name[field.name] = field
  end
  return by_name
end

local function shown(field)
  return field and ("%s (%s)"):format(render.value(field.value), field.origin or "-") or "not set"
end

-- A field is another when its value is; that the same value comes from elsewhere changes nothing.
local function add_fields(lines, old, new)
  local before, after = fields_of(old), fields_of(new)
  local names = {}
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
      lines[#lines + 1] = ("  %s: %s -> %s"):format(name, shown(a), shown(b))
    end
  end
end

-- What differs between two policies; nothing when they are the same.
local function compare(old, new)
  local lines = {}
  if old.error or new.error then
    if old.error ~= new.error then
      lines[1] = ("  requests are refused: %s -> %s"):format(old.error or "no", new.error or "no")
    end
    return lines
  end
  if old.id ~= new.id then
    add_fields(lines, old, new)
    add_bundle(lines, old, new)
    if #lines == 0 then
      lines[1] = "  what its fields refer to has changed"
    end
  end
  return lines
end

-- A target that differs in one file only is compared with what holds for it in the other.
local function all_differences(old, new)
  local before, old_keys, old_owners = index(old)
  local after, new_keys, new_owners = index(new)
  local found = {}
  local function add(key, a, b)
    local lines = a and b and compare(a, b) or { a and "  is gone" or "  is new" }
    if #lines > 0 then
      found[#found + 1] = key .. "\n" .. table.concat(lines, "\n")
    end
  end
  for _, key in ipairs(old_keys) do
    add(key, before[key], after[key] or after[old_owners[key]])
  end
  for _, key in ipairs(new_keys) do
    if not before[key] then
      add(key, before[new_owners[key]], after[key])
    end
  end
  return found
end

local function load(path, settings, process)
  local list, problems = require("weir.cli.tls.policies").load(path, settings)
  if not list then
    for _, problem in ipairs(problems) do
      process.stderr:write("Error: ", problem, "\n")
    end
  end
  return list
end

function diff.execute(args, process)
  local settings = options.load_settings(args, {}, process)
  local old = settings and load(args.old, settings, process)
  local new = settings and load(args.new, settings, process)
  if not (old and new) then
    return options.exit(2)
  end
  local found = all_differences(old, new)
  for _, text in ipairs(found) do
    process.stdout:write(text, "\n")
  end
  if #found == 0 then
    process.stdout:write("no policy differs\n")
  end
  return options.exit(#found == 0 and 0 or 1)
end

return diff
