-- Chains that a gateway saw, judged by the policies of two declarative files.
local changes = require("weir.cli.tls.changes")
local host = require("weir.text.host")
local ip = require("weir.text.ip")
local judge = require("weir.tls.judge")
local policies = require("weir.cli.tls.policies")
local rules = require("weir.cli.tls.rules")

local function is_of_service(item, service)
  return item.service_entity.id == service.id
end

-- The policies that such a connection serves: those of the service's routes that are what the chain
-- was judged by, since routes with one policy share connections; else what the file has for the
-- route that asked.
local function items_for(entry, list, target)
  local service, route = entry.service, entry.route
  local found = {}
  for _, item in ipairs(list) do
    if item.route and item.id == entry.verdict.policy and is_of_service(item, service) then
      found[#found + 1] = item
    end
  end
  if not found[1] then
    found[1] = type(route) == "table" and policies.find(list, service.id, route.id, target)
      or policies.find(list, service.id, nil, target)
  end
  return found
end

-- What a certificate has to carry for this connection, if the policy names nothing itself: the name
-- that the upstream is called by.
local function name_of(item, entry, target)
  local choice, own = item.choice, entry.peer.name
  if choice.names or choice.verify_name == false then
    return nil
  elseif not item.client_hosts then
    own = item.host_header or own
    for _, known in ipairs(not item.host_header and item.targets or {}) do
      if known.canonical == target.canonical and known.port == target.port then
        own = known.host
      end
    end
  end
  return own and { kind = ip.family(own) and "ip" or "dns", value = own }
end

-- What the new file has in its place: for a target of its own, for this one, or for the upstream.
local function counterpart(list, item, target)
  return policies.find(list, item.service, item.route, item.target and item.targets[1] or target)
end

-- What would become of a handshake that presents this chain: { refused, mode, verdict } or, where
-- there can be no policy, { refused, error }.
local function outcome_of(item, entry, target)
  if item.error then
    return { refused = true, error = item.error }
  end
  local verdict, err = judge.chain(item.choice, entry.chain, name_of(item, entry, target))
  if not verdict then
    return nil, err
  end
  return {
    refused = verdict.mode == "enforce" and verdict.code ~= "ok", mode = verdict.mode,
    verdict = verdict,
    remedy = verdict.code ~= "ok" and verdict.mode ~= "off" and rules.remedy(verdict) or nil,
  }
end

local function differ(a, b)
  return a.refused ~= b.refused or (a.verdict and a.verdict.code) ~= (b.verdict and b.verdict.code)
end

-- One presentation under one pair of policies, however often a gateway names it.
local function identity(item, entry)
  return table.concat({
    changes.title(item), entry.peer.ip, entry.peer.port, entry.peer.name or "",
    table.concat(entry.chain),
  }, "\0")
end

local function judge_pair(old_item, new_item, entry, target)
  local old, err = outcome_of(old_item, entry, target)
  local new
  if old then
    new, err = outcome_of(new_item, entry, target)
  end
  if not new then
    return nil, ("%s: chain of %s:%d: %s"):format(changes.title(old_item), entry.peer.ip,
      entry.peer.port, err)
  end
  return {
    service = old_item.service, route = old_item.route, target = old_item.target,
    peer = entry.peer, time = entry.time, old = old, new = new,
  }
end

--- Judges each chain by the old and the new policy of what it served. Chains of services that one
-- of the files does not have are passed over; what is stapled is not judged.
-- @tparam table entries of weir.cli.tls.last_seen
-- @tparam table old what weir.cli.tls.policies.load() gave
-- @tparam table new
-- @treturn table|nil { judged = how many, changes = list of { service, route, target, peer, time,
--   old, new = { refused, mode, verdict, remedy, error } }, those that end otherwise }
-- @treturn nil|string
return function(entries, old, new)
  local report, seen = { judged = 0, changes = {} }, {}
  for _, entry in ipairs(entries) do
    local target = { canonical = host.canonical(entry.peer.ip), port = entry.peer.port }
    local items = type(entry.service) == "table" and items_for(entry, old, target) or {}
    for _, item in ipairs(items) do
      local key = identity(item, entry)
      local after = not seen[key] and counterpart(new, item, target)
      if after then
        seen[key] = true
        local pair, err = judge_pair(item, after, entry, target)
        if not pair then
          return nil, err
        end
        report.judged = report.judged + 1
        if differ(pair.old, pair.new) then
          table.insert(report.changes, pair)
        end
      end
    end
  end
  return report
end
