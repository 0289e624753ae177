-- What `weir tls explain` finds out: what comes of a policy and a chain.
local arguments = require("weir.cli.tls.arguments")
local blocks_of = require("weir.text.pem").blocks
local chains = require("weir.cli.tls.chain")
local judge = require("weir.tls.judge")
local policy_of = require("weir.cli.tls.policy")
local resolve = require("weir.cli.tls.resolve")
local rules = require("weir.cli.tls.rules")

local MAX_DEPTH = 100

local stop = arguments.stop

-- ---- the chain

-- Shakes hands. Returns the verdict, the chain and the address.
local function connect(policy, target, timeout)
  local parsed = arguments.target(target, "TARGET")
  local name, port = parsed.host, parsed.port
  local address, err = resolve.address(name)
  if not address then
    stop(1, "%s", err)
  end
  local verdict, chain = judge.connection(policy.choice, address, port, policy.own_name or name,
    timeout)
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

-- @tparam table args of the command line; timeout in milliseconds
-- @tparam table process { stderr, environment }
-- @treturn table title, mode, accepted, verdict (weir.tls.verdict), failed (name of the rule),
--   remedy, chain (weir.cli.tls.chain), depth = { intermediates, allowed }, rules
--   (weir.cli.tls.rules), notes
-- Raises { code = exit status, message } where there is nothing to report.
return function(args, process)
  local policy = policy_of(args, process)
  local target = args.target or policy.target
  local live, pem, address
  if args.chain then
    pem = arguments.read(args.chain)
  elseif not target then
    stop(2, "TARGET is missing: the service's upstream has no target")
  else
    live, pem, address = connect(policy, target, args.timeout)
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
