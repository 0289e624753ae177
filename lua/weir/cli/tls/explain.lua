-- `weir tls explain`: how an upstream's chain is judged, rule by rule.
local cjson = require("cjson")
local options = require("weir.cli.options")
local render = require("weir.cli.tls.render")

local explain = { summary = "show how an upstream's certificate chain is judged, and why" }

local EPILOG = [[
Shows the chain as a tree, the anchor that it reaches, how its depth is
counted, each rule with its value and origin, the rule that failed and what
would mend it. Rules behind the first that fails are judged, too, as far as
that is possible.

The policy is that of a service of a declarative file (--config, --service and
perhaps --route and --target), or made of --ca, --depth and --name; without --ca nobody is
trusted. With a file TARGET may be left out: then the service's --target is
asked, or its first one.

The chain comes from the upstream at TARGET, after a handshake under that
policy, or from a PEM file (--chain), the leaf first. No request is sent.

Exit status:
   0  the upstream would be accepted
   1  it would be refused, or could not be reached
   2  the command line is not valid

Examples:
   weir tls explain 127.0.0.1:8443 --ca root.crt --depth 1 --name kong.example
   weir tls explain --config weir.yml --service echo
   weir tls explain --chain chain.crt --ca root.crt --name kong.example --json]]

function explain.configure(parser)
  parser:description("Explains how the certificate chain of an upstream is judged.")
  parser:argument("TARGET", "HOST[:PORT] of the upstream; IPv6 addresses stand in brackets.\n"
    .. "Default port: 443."):args("?"):argname("TARGET"):target("target")
  parser:option("--config", "Take the policy from this declarative file."):argname("FILE")
  parser:option("--service", "Name or id of the service, with --config."):argname("NAME")
  parser:option("--route", "Name or id of one of its routes, which may differ."):argname("NAME")
  parser:option("--target", "HOST:PORT of one of its targets, which may differ.\n"
    .. "Default: TARGET, or the first one."):argname("HOST:PORT"):target("of_target")
  parser:option("--ca", "PEM file of trusted CA certificates. Repeatable."):argname("FILE")
    :count("*")
  parser:option("--depth", "Intermediates allowed, 0 to 100. Default: 100."):argname("N")
  parser:option("--name", "Name that the certificate must carry: a DNS name, an IP address or\n"
    .. "a URI; of several, one. Default: the host of TARGET or of the service.\n"
    .. "Repeatable."):argname("NAME"):count("*")
  parser:option("--chain", "Judge this PEM file instead of connecting."):argname("FILE")
  parser:option("--timeout", "Seconds to wait for the upstream. Default: 10."):argname("SECONDS")
  parser:flag("--json", "Write one JSON object.")
  options.add_settings(parser)
  parser:epilog(EPILOG)
end

local function check_together(args)
  if args.config and not args.service then
    return "--config needs --service"
  elseif (args.service or args.route or args.of_target) and not args.config then
    return "--service, --route and --target need --config"
  elseif args.config and (args.depth or #args.ca > 0) then
    return "--ca and --depth cannot be used with --config"
  elseif not (args.target or args.chain or args.config) then
    return "TARGET or --chain is missing"
  elseif args.target and args.chain then
    return "TARGET and --chain exclude each other"
  elseif args.timeout and not (tonumber(args.timeout) and tonumber(args.timeout) > 0) then
    return "--timeout: expected a number of seconds"
  end
end

function explain.execute(args, process, usage_error)
  local wrong = check_together(args)
  if wrong then
    return usage_error(wrong)
  end
  args.timeout = math.floor((tonumber(args.timeout) or 10) * 1000)
  local ok, report = pcall(require("weir.cli.tls.examine"), args, process)
  if not ok then
    if type(report) ~= "table" then
      error(report, 0)
    elseif report.code == 2 then
      return usage_error(report.message)
    end
    process.stderr:write("Error: ", report.message, "\n")
    return options.exit(1)
  end
  process.stdout:write(args.json and cjson.encode(report) .. "\n" or render.text(report))
  return options.exit(report.accepted and 0 or 1)
end

return explain
