-- The report of `weir tls explain` as text.
local rfc3339 = require("weir.text.rfc3339")

local WIDTH = 78

local render = {}

--- A value on one line: lists in brackets, tables by their keys.
-- @param value of a field
-- @treturn string
function render.value(value)
  if value == nil then
    return "-"
  elseif type(value) ~= "table" then
    return (tostring(value):gsub("%c+", " "))
  end
  local parts, keys = {}, {}
  for i, item in ipairs(value) do
    parts[i] = render.value(item)
  end
  for key in pairs(value) do
    if type(key) ~= "number" then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    parts[#parts + 1] = ("%s: %s"):format(key, render.value(value[key]))
  end
  return "[" .. table.concat(parts, ", ") .. "]"
end

--- Breaks a text into lines.
-- @tparam string text
-- @tparam string first what the first line begins with
-- @tparam string indent what the others begin with
-- @treturn string
function render.wrap(text, first, indent)
  local lines, line = {}, first
  for word in text:gmatch("%S+") do
    if #line + 1 + #word > WIDTH then
      lines[#lines + 1] = line
      line = indent .. word
    else
      line = (line == "" or line:find("%s$")) and line .. word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function days(certificate)
  local left = certificate.days_left
  return left < 0 and ("over for %d days"):format(-left) or ("%d days left"):format(left)
end

local function key(certificate)
  if not certificate.key_type then
    return "key that cannot be read"
  end
  local size = certificate.key_group or certificate.key_bits and certificate.key_bits .. " bits"
  return size and certificate.key_type .. " " .. size or certificate.key_type
end

local ROLES = {
  anchor = "anchor, of the bundle",
  leaf = "leaf, sent",
  unused = "sent, not used",
}

local function role(certificate)
  if certificate.role == "intermediate" then
    return certificate.place == "sent" and "intermediate, sent" or "intermediate, of the bundle"
  end
  return ROLES[certificate.role]
end

local function certificate_lines(out, certificate, first, rest)
  local function add(format, ...)
    out[#out + 1] = rest .. format:format(...)
  end
  out[#out + 1] = ("%s%s  (%s)"):format(first, certificate.subject or "(no subject)",
    role(certificate))
  add("valid %s to %s, %s", rfc3339.format(certificate.not_before),
    rfc3339.format(certificate.not_after), days(certificate))
  add("%s, signed with %s, serial %s", key(certificate), certificate.signature or "?",
    certificate.serial or "-")
  if certificate.names then
    add("names %s", certificate.names)
  end
  if certificate.purposes then
    add("purposes %s", certificate.purposes)
  end
  add("sha256 %s", certificate.sha256)
end

local function chain_lines(out, chain)
  local top = chain.path[#chain.path]
  local level = 0
  out[#out + 1] = "Chain"
  if not chain.anchor then
    out[#out + 1] = ("  %s  (not in the bundle)"):format(top and top.issuer or "(no issuer)")
    level = 1
  end
  for i = #chain.path, 1, -1 do
    local indent = ("   "):rep(level)
    local first = level == 0 and "  " or "  " .. ("   "):rep(level - 1) .. "`- "
    certificate_lines(out, chain.path[i], first, "  " .. indent .. (i > 1 and "|  " or "   "))
    level = level + 1
  end
  for _, certificate in ipairs(chain.unused) do
    certificate_lines(out, certificate, "  beside it: ", "     ")
  end
end

local function pad(text, width)
  return text .. (" "):rep(width - #text)
end

local function rule_lines(out, rules)
  local name_width, value_width, origin_width = 4, 5, 6
  for _, rule in ipairs(rules) do
    name_width = math.max(name_width, #rule.name)
    origin_width = math.max(origin_width, #(rule.origin or "-"))
    value_width = math.max(value_width, math.min(#render.value(rule.value), 44))
  end
  out[#out + 1] = "Rules"
  for _, rule in ipairs(rules) do
    local failed = not (rule.result == "ok" or rule.result:find("^not "))
    out[#out + 1] = table.concat({
      (failed and "! " or "  ") .. pad(rule.name, name_width),
      pad(render.value(rule.value), value_width),
      pad(rule.origin or "-", origin_width),
      rule.result,
    }, "  ")
  end
end

local function verdict_lines(out, report)
  local verdict = report.verdict
  if verdict.code == "ok" then
    out[#out + 1] = ("Accepted: the chain ends at %s."):format(
      verdict.anchor or report.chain.anchor and report.chain.anchor.subject or "a trusted one")
    return
  end
  local head = report.accepted
    and ("Accepted, because the mode is %s; enforcing would refuse it: "):format(report.mode)
    or "Refused: "
  out[#out + 1] = render.wrap(("%s (OpenSSL %d: %s)"):format(verdict.code, verdict.openssl,
    verdict.text or "-"), head, "  ")
  if verdict.depth then
    out[#out + 1] = ("  at depth %d: %s"):format(verdict.depth, verdict.subject or "-")
  end
  if verdict.code == "name_mismatch" then
    out[#out + 1] = ("  wanted %s"):format(verdict.names_wanted or "-")
    out[#out + 1] = ("  seen   %s"):format(verdict.names_seen or "-")
  end
  out[#out + 1] = render.wrap(report.remedy, "Remedy: ", "  ")
end

local function depth_line(report)
  local count, limit = report.depth.intermediates, report.depth.allowed
  local text = ("%d intermediate%s %s, %d allowed; neither leaf nor anchor counts."):format(count,
    count == 1 and "" or "s",
    report.chain.anchor and "between leaf and anchor" or "above the leaf, and no anchor", limit)
  return render.wrap(text, "Depth: ", "  ")
end

--- The whole report.
-- @tparam table report what explain makes
-- @treturn string
function render.text(report)
  local out = { report.title, "" }
  chain_lines(out, report.chain)
  out[#out + 1] = ""
  out[#out + 1] = depth_line(report)
  out[#out + 1] = ""
  rule_lines(out, report.rules)
  out[#out + 1] = ""
  verdict_lines(out, report)
  for _, note in ipairs(report.notes) do
    out[#out + 1] = render.wrap(note, "Note: ", "  ")
  end
  return table.concat(out, "\n") .. "\n"
end

return render
