-- What `weir tls explain` finds out: the policy, the chain, and what comes of the two.
local blocks_of = require("weir.pem").blocks
local chains = require("weir.cli.tls.chain")
local file = require("weir.source.file")
local host = require("weir.host")
local ip = require("weir.ip")
local judge = require("weir.judge")
local options = require("weir.cli.options")
local policies = require("weir.cli.tls.policies")
local resolve = require("weir.cli.tls.resolve")
local rules = require("weir.cli.tls.rules")
local tls = require("weir.tls")

local DEFAULT_PORT = 443
local MAX_DEPTH = 100

-- What ends the command, raised where it is found: `code` 1 or 2.
local function stop(code, format, ...)
  error({ code = code, message = format:format(...) }, 0)
end

local function read(path)
  local text, err = file.new(path):load()
  return text or stop(1, "%s", err)
end

-- ---- the policy

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

local function whole(text, option, low, high)
  local number = text:find("^%d+$") and tonumber(text)
  if not number or number < low or number > high then
    stop(2, "%s: expected a whole number from %d to %d, got '%s'", option, low, high, text)
  end
  return number
end

local function from_options(args)
  local pems = {}
  for i, path in ipairs(args.ca) do
    pems[i] = read(path)
  end
  local trust, err = tls.trust(pems)
  if not trust then
    stop(1, "--ca: %s", err)
  end
  local depth = args.depth and whole(args.depth, "--depth", 0, MAX_DEPTH)
  local line, default = "command line", "default"
  return {
    choice = { verify = true, trust = trust, depth = depth },
    notes = {},
    pems = pems,
    fields = {
      { name = "mode", value = "enforce", origin = line },
      { name = "ca_certificates", value = args.ca, origin = #pems > 0 and line or default },
      { name = "tls_verify_depth", value = depth or MAX_DEPTH, origin = depth and line or default },
    },
  }
end

local function target_of(text, option)
  local parsed, err = host.parse((text:gsub("^https://", ""):gsub("/$", "")))
  if not parsed then
    stop(2, "%s: %s", option, err)
  end
  return { host = parsed.host, port = parsed.port or DEFAULT_PORT,
    canonical = host.canonical(parsed.host) }
end

-- Which of the service's targets is meant: --target has to be one, TARGET may be.
local function own_target(args, item)
  local text = args.of_target or args.target
  local wanted = text and target_of(text, args.of_target and "--target" or "TARGET")
  local known = {}
  for i, target in ipairs(item.targets or {}) do
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

-- What else is to be known: other policies of the same service, and other names of the upstream.
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
-- preserves it, the client's Host.
local function name_of(list, found, target, notes)
  if found.client_hosts then
    local first, others = found.client_hosts[1], table.concat(found.client_hosts, ", ", 2)
    table.insert(notes, "its name is the Host that the client asks for (preserve_host)"
      .. (others ~= "" and ("; see --name for others: %s"):format(others) or ""))
    return first
  end
  for _, other in ipairs(list) do
    if other.service == found.service and other.route and not found.route and not other.target
      and other.client_hosts then
      table.insert(notes, ("route '%s' passes on the client's Host (preserve_host), which is then "
        .. "the name: see --route"):format(other.route))
    end
  end
  return found.host_header or target and target.host or found.service_entity.host
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
  local notes = notes_of(list, found, args)
  return {
    choice = found.choice, fields = found.fields, pems = found.pems, notes = notes,
    configured = true, host = name_of(list, found, target or of_plan.targets[1], notes),
    target = (target or of_plan.targets[1] or {}).target,
  }
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
local function add_names(policy, args, own)
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
  elseif choice.names or choice.verify_name == false then
    return
  elseif not own then
    choice.verify_name = false
    table.insert(policy.notes, "no name is known: only the chain is judged; see --name")
  else
    policy.name = { kind = kind_of(own), value = own }
    policy.fields = with_field(policy.fields,
      { name = "names", value = own, origin = "host of the upstream" })
  end
end

-- ---- the chain

-- Shakes hands. Returns the verdict, the chain and the address.
local function connect(policy, target, own, timeout)
  local parsed = target_of(target, "TARGET")
  local name, port = parsed.host, parsed.port
  local address, err = resolve.address(name)
  if not address then
    stop(1, "%s", err)
  end
  local verdict, chain = judge.connection(policy.choice, address, port, own or name, timeout)
  if not verdict then
    stop(1, "%s:%d: %s", address, port, chain)
  elseif chain == "" then
    stop(1, "%s:%d: no certificate was sent", address, port)
  end
  return verdict, chain, ("%s:%d"):format(address, port)
end

-- ---- the report

local function mode_of(choice)
  return choice.mode or choice.verify and "enforce" or "off"
end

-- What a policy with soft OCSP lets pass.
local LACKS_OCSP = {
  none = "no OCSP response", bad = "an OCSP response that is not good",
  unknown = "an OCSP response that does not know its certificate",
}

local function add_ocsp_note(notes, verdict)
  if verdict.code == "ok" and LACKS_OCSP[verdict.ocsp] then
    table.insert(notes, ("the upstream staples %s: ocsp soft lets that pass, hard would not")
      :format(LACKS_OCSP[verdict.ocsp]))
  end
end

local function report_of(case, verdicts, live)
  local verdict = verdicts[1]
  local mode = mode_of(case.policy.choice)
  local counted = live and live.code ~= "unverified" and live or verdict
  add_ocsp_note(case.policy.notes, counted)
  return {
    title = case.title,
    mode = mode,
    accepted = mode ~= "enforce" or counted.code == "ok",
    verdict = counted,
    failed = rules.is_stapled(verdict, live) and "ocsp"
      or counted.code ~= "ok" and rules.broken(counted) or nil,
    remedy = counted.code ~= "ok" and rules.remedy(counted) or nil,
    chain = case.chain,
    depth = {
      intermediates = case.chain.intermediates, allowed = case.policy.choice.depth or MAX_DEPTH,
    },
    rules = rules.list(case.policy.fields, verdicts, live),
    notes = case.policy.notes,
  }
end

local function own_name(args, policy)
  if policy.configured then
    return policy.host
  end
  return args.target and target_of(args.target, "TARGET").host or nil
end

-- @tparam table args of the command line; timeout in milliseconds
-- @tparam table process { stderr, environment }
-- @treturn table title, mode, accepted, verdict (weir.verdict), failed (name of the rule), remedy,
--   chain (weir.cli.tls.chain), depth = { intermediates, allowed }, rules (weir.cli.tls.rules),
--   notes
-- Raises { code = exit status, message } where there is nothing to report.
return function(args, process)
  local policy = args.config and from_config(args, process) or from_options(args)
  local target = args.target or policy.target
  local own = own_name(args, policy)
  add_names(policy, args, own)
  local live, pem, address
  if args.chain then
    pem = read(args.chain)
  elseif not target then
    stop(2, "TARGET is missing: the service's upstream has no target")
  else
    live, pem, address = connect(policy, target, own, args.timeout)
  end
  local blocks = blocks_of(pem)
  if #blocks == 0 then
    stop(1, "%s: no certificate in it", args.chain or address)
  end
  local chain, err = chains.of(blocks, policy.pems, policy.choice.partial_chain, os.time())
  if not chain then
    stop(1, "%s: %s", args.chain or address, err)
  end
  local verdicts
  verdicts, err = rules.judge({
    choice = policy.choice, pems = blocks, name = policy.name, path = chain.path,
  })
  if not verdicts then
    stop(1, "%s", err)
  end
  local case = { policy = policy, chain = chain, title = args.chain or address }
  return report_of(case, verdicts, live)
end
