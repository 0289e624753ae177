-- The report of `weir tls diff` as text.
local changes = require("weir.cli.tls.changes")
local host = require("weir.text.host")
local render = require("weir.cli.tls.render")
local rfc3339 = require("weir.text.rfc3339")

-- ---- policies

local function shown(part)
  return part and ("%s (%s)"):format(render.value(part.value), part.origin or "-") or "not set"
end

local function add_members(lines, what, members)
  for _, member in ipairs(members or {}) do
    lines[#lines + 1] = ("  %s %s (%s)"):format(what, member.subject, member.sha256:sub(1, 16))
  end
end

local function changed(change)
  local lines = {}
  for _, field in ipairs(change.fields or {}) do
    lines[#lines + 1] = ("  %s: %s -> %s"):format(field.name, shown(field.old), shown(field.new))
  end
  add_members(lines, "trusts no more", change.trusts_no_more)
  add_members(lines, "trusts now", change.trusts_now)
  if #lines == 0 then
    lines[1] = "  what its fields refer to has changed"
  end
  return table.concat(lines, "\n")
end

local CHANGES = {
  changed = changed,
  refused = function(change)
    return ("  requests are refused: %s -> %s"):format(change.old_error or "no",
      change.new_error or "no")
  end,
  gone = function() return "  is gone" end,
  new = function() return "  is new" end,
}

-- ---- chains

local function outcome(of)
  if of.error then
    return "refused: " .. of.error
  elseif of.mode == "report" and of.verdict.code ~= "ok" then
    return of.verdict.code .. ", reported only"
  end
  return of.verdict.code .. (of.refused and ", refused" or "")
end

local function add_reason(lines, of)
  local verdict = of.verdict
  if not verdict or verdict.code == "ok" or of.mode == "off" then
    return
  end
  lines[#lines + 1] = ("  OpenSSL %d: %s%s"):format(verdict.openssl, verdict.text or "-",
    verdict.depth and (", at depth %d: %s"):format(verdict.depth, verdict.subject or "-") or "")
  if verdict.code == "name_mismatch" then
    lines[#lines + 1] = ("  wanted %s, seen %s"):format(verdict.names_wanted or "-",
      verdict.names_seen or "-")
  end
  lines[#lines + 1] = render.wrap(of.remedy, "  Remedy: ", "    ")
end

local function chain_lines(lines, change)
  local peer = change.peer
  lines[#lines + 1] = ("%s, %s%s, seen %s"):format(changes.title(change),
    host.format(peer.ip, peer.port), peer.name and (" (%s)"):format(peer.name) or "",
    rfc3339.format(change.time))
  lines[#lines + 1] = ("  %s -> %s"):format(outcome(change.old), outcome(change.new))
  add_reason(lines, change.new)
end

local function add_last_seen(lines, last_seen)
  lines[#lines + 1] = ("last seen: %d chain%s judged, %s otherwise"):format(last_seen.judged,
    last_seen.judged == 1 and "" or "s",
    #last_seen.changes == 0 and "none" or tostring(#last_seen.changes))
  for _, change in ipairs(last_seen.changes) do
    chain_lines(lines, change)
  end
end

--- The whole report.
-- @tparam table report policies (weir.cli.tls.changes), last_seen (weir.cli.tls.rejudge) or nil
-- @treturn string
return function(report)
  local lines = {}
  for _, change in ipairs(report.policies) do
    lines[#lines + 1] = changes.title(change)
    lines[#lines + 1] = CHANGES[change.change](change)
  end
  if #lines == 0 then
    lines[1] = "no policy differs"
  end
  if report.last_seen then
    add_last_seen(lines, report.last_seen)
  end
  return table.concat(lines, "\n") .. "\n"
end
