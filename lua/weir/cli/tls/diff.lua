-- `weir tls diff`: what a change of the declarative file does to policies, and to the upstreams
-- that are judged by them.
local cjson = require("cjson")
local options = require("weir.cli.options")

local diff = { summary = "show which policies two declarative files disagree about" }

local EPILOG = [[
For each service that is reached over TLS, and each of its routes and targets
with a policy of its own, the fields that differ are shown with old and new
value and where they come from. CA certificates are compared by their content,
too: the same id may stand for another bundle.

With --against-last-seen the chains that a gateway's upstreams presented last
are judged by the old and by the new policy of the routes that they served, by
the code of a handshake, and those that would end otherwise are shown with the
reason and what would mend it. What belongs to the handshake itself (protocol
versions, ciphers, stapled responses, client certificates, plugins that judge
upstreams) is not judged.

Exit status:
   0  no policy differs, and no chain would be judged otherwise
   1  at least one policy differs, or one chain would be judged otherwise
   2  the command line is not valid, or a file or what was seen cannot be used
   3  an upstream that is accepted by OLD would be refused by NEW

Examples:
   weir tls diff running.yml proposed.yml
   weir tls diff running.yml proposed.yml --against-last-seen http://127.0.0.1:8001
   curl -s '127.0.0.1:8001/tls/last-seen?size=1024' >seen.json
   weir tls diff running.yml proposed.yml --against-last-seen seen.json --json]]

local REFUSES = 3

function diff.configure(parser)
  parser:description("Shows how the verification policies of two declarative files differ.")
  parser:argument("OLD", "The declarative file in force."):argname("OLD"):target("old")
  parser:argument("NEW", "The declarative file that is to replace it."):argname("NEW")
    :target("new")
  parser:option("--against-last-seen", "Judge the chains that a gateway saw last: the URL of its\n"
    .. "Admin API (http), or a file with what /tls/last-seen answered.")
    :argname("URL|FILE"):target("against")
  parser:flag("--json", "Write one JSON object.")
  options.add_settings(parser)
  parser:epilog(EPILOG)
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

-- Reads both files, and compares them. Returns what to show; or nil, when stderr has the reason.
local function examine(args, process)
  local settings = options.load_settings(args, {}, process)
  local old = settings and load(args.old, settings, process)
  local new = settings and load(args.new, settings, process)
  if not (old and new) then
    return nil
  end
  local report = { policies = require("weir.cli.tls.changes").of(old, new) }
  if args.against then
    local entries, err = require("weir.cli.tls.last_seen").read(args.against)
    if entries then
      report.last_seen, err = require("weir.cli.tls.rejudge")(entries, old, new)
    end
    if err then
      process.stderr:write("Error: ", err, "\n")
      return nil
    end
  end
  return report
end

-- cjson would write an empty list as an object.
local function encode_list(list)
  local parts = {}
  for i, item in ipairs(list) do
    parts[i] = cjson.encode(item)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encode(report)
  local text = ('{"policies":%s'):format(encode_list(report.policies))
  if report.last_seen then
    text = ('%s,"last_seen":{"judged":%d,"changes":%s}'):format(text, report.last_seen.judged,
      encode_list(report.last_seen.changes))
  end
  return text .. "}\n"
end

local function status_of(report)
  local judged = report.last_seen and report.last_seen.changes or {}
  for _, change in ipairs(judged) do
    if change.new.refused and not change.old.refused then
      return REFUSES
    end
  end
  return #report.policies + #judged > 0 and 1 or 0
end

function diff.execute(args, process)
  local report = examine(args, process)
  if not report then
    return options.exit(2)
  end
  process.stdout:write(args.json and encode(report) or require("weir.cli.tls.differences")(report))
  return options.exit(status_of(report))
end

return diff
