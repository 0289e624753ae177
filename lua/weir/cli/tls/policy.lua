-- The policy that `weir tls explain` judges by: of options, or of a service in a file.
local arguments = require("weir.cli.tls.arguments")
local ip = require("weir.text.ip")
local options = require("weir.cli.options")
local policies = require("weir.cli.tls.policies")
local tls = require("weir.tls")

local MAX_DEPTH = 100

local stop = arguments.stop

-- ---- of options

local function from_options(args)
  local pems = {}
  for i, path in ipairs(args.ca) do
    pems[i] = arguments.read(path)
  end
  local trust, err = tls.trust(pems)
  if not trust then
    stop(1, "--ca: %s", err)
  end
  local depth = args.depth and arguments.whole(args.depth, "--depth", 0, MAX_DEPTH)
  local line, default = "command line", "default"
  return {
    choice = { verify = true, trust = trust, depth = depth },
    own_name = args.target and arguments.target(args.target, "TARGET").host,
    notes = {},
    pems = pems,
    fields = {
      { name = "mode", value = "enforce", origin = line },
      { name = "ca_certificates", value = args.ca, origin = #pems > 0 and line or default },
      { name = "tls_verify_depth", value = depth or MAX_DEPTH, origin = depth and line or default },
    },
  }
end

-- ---- of a service

-- Which of the service's targets is meant: --target has to be one, TARGET may be.
local function own_target(args, item)
  local text = args.of_target or args.target
  local wanted = text and arguments.target(text, args.of_target and "--target" or "TARGET")
  local known = {}
  for i, target in ipairs(item.targets) do
    if not wanted or target.canonical == wanted.canonical and target.port == wanted.port then
      return target
    end
    known[i] = target.target
  end
  if args.of_target then
    stop(1, "service '%s' has no target '%s'; it has: %s", item.service, args.of_target,
      known[1] and table.concat(known, ", ") or "none")
  end
end

-- What else is to be known: other policies of the same service.
local function notes_of(list, found, args)
  local notes = {}
  for _, other in ipairs(list) do
    local differs = other.service == found.service and other.id ~= found.id
    if differs and other.target and other.route == found.route then
      table.insert(notes,
        ("target '%s' has a policy of its own: see --target"):format(other.target))
    elseif differs and other.route and not other.target and not args.route then
      table.insert(notes, ("route '%s' has a policy of its own: see --route"):format(other.route))
    end
  end
  return notes
end

-- What the upstream is called by: its host_header, else the host of the target; where the route
-- preserves it, the client's Host. And what is to be known about that.
local function name_of(list, found, target)
  if found.client_hosts then
    local first, others = found.client_hosts[1], table.concat(found.client_hosts, ", ", 2)
    return first, { "its name is the Host that the client asks for (preserve_host)"
      .. (others ~= "" and ("; see --name for others: %s"):format(others) or "") }
  end
  local notes = {}
  for _, other in ipairs(list) do
    if other.service == found.service and other.route and not found.route and not other.target
      and other.client_hosts then
      table.insert(notes, ("route '%s' passes on the client's Host (preserve_host), which is then "
        .. "the name: see --route"):format(other.route))
    end
  end
  return found.host_header or target and target.host or found.service_entity.host, notes
end

local function from_config(args, process)
  local settings = options.load_settings(args, {}, process)
  if not settings then
    stop(1, "the settings are not valid")
  end
  local list, problems = policies.load(args.config, settings)
  if not list then
    stop(1, "%s", table.concat(problems, "\n"))
  end
  local of_plan = policies.find(list, args.service, args.route)
  if not of_plan then
    stop(1, "%s: there is no service '%s'%s that is reached over TLS", args.config, args.service,
      args.route and (" with a route '%s'"):format(args.route) or "")
  end
  local target = own_target(args, of_plan)
  local found = target and policies.find(list, args.service, args.route, target) or of_plan
  if found.error then
    stop(1, "service '%s' cannot be proxied to: %s", found.service, found.error)
  end
  target = target or of_plan.targets[1]
  local own_name, name_notes = name_of(list, found, target)
  return {
    choice = found.choice, fields = found.fields, pems = found.pems,
    notes = notes_of(list, found, args), own_name = own_name, name_notes = name_notes,
    target = target and target.target,
  }
end

-- ---- names

local function kind_of(name)
  return ip.family(name) and "ip" or name:find("^%a[%w+.-]*:") and "uri" or "dns"
end

-- `names` of a policy, from --name options; nil without any.
local function names_of(list)
  if #list == 0 then
    return nil
  end
  local names = { match = "any" }
  for _, name in ipairs(list) do
    local kind = kind_of(name)
    names[kind] = names[kind] or {}
    table.insert(names[kind], name)
  end
  return names
end

-- Puts a field into a copy of the list, in place of the one of that name.
local function with_field(fields, field)
  local copy, replaced = {}, false
  for i, other in ipairs(fields) do
    copy[i] = other.name == field.name and field or other
    replaced = replaced or other.name == field.name
  end
  if not replaced then
    table.insert(copy, field)
  end
  return copy
end

-- What the certificate has to carry: of --name, else of the policy, else the upstream's own.
local function add_names(policy, args)
  local own = policy.own_name
  local choice = {}
  for name, value in pairs(policy.choice) do
    choice[name] = value
  end
  policy.choice = choice
  local given = names_of(args.name)
  if given then
    choice.names, choice.verify_name = given, nil
    policy.fields = with_field(policy.fields,
      { name = "names", value = given, origin = "command line" })
    return
  elseif choice.names or choice.verify_name == false then
    return
  end
  for _, note in ipairs(policy.name_notes or {}) do
    table.insert(policy.notes, note)
  end
  if not own then
    choice.verify_name = false
    table.insert(policy.notes, "no name is known: only the chain is judged; see --name")
  else
    policy.name = { kind = kind_of(own), value = own }
    policy.fields = with_field(policy.fields,
      { name = "names", value = own, origin = "host of the upstream" })
  end
end

-- @tparam table args of the command line
-- @tparam table process { stderr, environment }
-- @treturn table choice (as for weir.tls.policy), fields (list of { name, value, origin }), pems
--   (its trust bundle), notes (list of texts), own_name (what the upstream is called by, nil: not
--   known), name (to look for, unless the choice says otherwise: { kind, value }), target
--   ("HOST:PORT" of the service's, nil: it has none)
-- Raises { code = exit status, message } where there is none.
return function(args, process)
  local policy = args.config and from_config(args, process) or from_options(args)
  add_names(policy, args)
  return policy
end
