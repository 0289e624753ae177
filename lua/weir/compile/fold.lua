-- Decisions that plugins make once per plan instead of once per request.
--
-- A handler with `plan(self, conf, plan)` is called for each plan that its configuration applies to
-- while the configuration is compiled. It may choose how the upstream is verified. What it chooses
-- is in the plan when the first request comes, and a plugin with nothing else to do is in no chain.
local tls = require("weir.tls")

local Plan = {}
Plan.__index = Plan

-- Shares what plans of one configuration have in common.
local Fold = {}
Fold.__index = Fold

--- @tparam table config validated entities (weir.declarative)
function Fold.new(config)
  return setmetatable({
    config = config,
    trusts = {},
    credentials = {},
    policies = {},
  }, Fold)
end

local function memo(cache, key, make)
  local found = cache[key]
  if not found then
    local value, err = make()
    found = { value, err }
    cache[key] = found
  end
  return found[1], found[2]
end

-- ---- what a handler's plan() is given: service, route, upstream (entities or nil), tls, and these

--- The trust bundle of exactly these CA certificates.
-- @tparam ?table ids of ca_certificates entities; none at all make the bundle that trusts nobody
-- @treturn cdata|nil handle
-- @treturn nil|string
function Plan:trust(ids)
  ids = ids or {}
  local fold = self.fold
  return memo(fold.trusts, table.concat(ids, ","), function()
    local pems = {}
    for i, id in ipairs(ids) do
      local entity = fold.config.by_id.ca_certificates[id]
      if not entity then
        return nil, ("CA Certificate '%s' does not exist"):format(id)
      end
      pems[i] = entity.cert
    end
    return tls.trust(pems)
  end)
end

--- The certificate and key to show to the upstream.
-- @tparam string id of a `certificates` entity
-- @treturn cdata|nil handle
-- @treturn nil|string
function Plan:credential(id)
  local fold = self.fold
  return memo(fold.credentials, id, function()
    local entity = fold.config.by_id.certificates[id]
    if not entity then
      return nil, ("Certificate '%s' does not exist"):format(id)
    end
    return tls.credential(entity.cert, entity.key)
  end)
end

local function policy_key(choice)
  return table.concat({
    tostring(choice.verify), tostring(choice.depth), tostring(choice.trust),
    tostring(choice.credential),
  }, "|")
end

--- Decides how the upstream is verified. The last plugin to decide wins.
-- @tparam table choice verify, depth, trust, credential as for weir.tls.policy()
-- @treturn true|nil
-- @treturn nil|string
function Plan:set_policy(choice)
  if type(choice.verify) ~= "boolean" then
    return nil, "verify must be a boolean"
  end
  local policy, err = memo(self.fold.policies, policy_key(choice), function()
    return tls.policy(choice)
  end)
  if not policy then
    return nil, err
  end
  self.policy, self.verified = policy, choice.verify
  return true
end

-- ---- folding

-- An error raised by a plugin and one that it returned are the same here: the plan refuses its
-- requests.
local function call(plugin, conf, plan)
  local ok, result, err = pcall(plugin.handler.plan, plugin.handler, conf, plan)
  if not ok then
    return tostring(result)
  end
  return err and tostring(err) or nil
end

--- Lets the plugins that apply to a plan decide.
-- @tparam table scope service, route, upstream: entities or nil
-- @tparam table links list of { plugin, entity (nil: no configuration) } in the order of execution
-- @treturn cdata|nil policy, for a service that is reached over TLS
-- @treturn nil|string why there is none
-- @treturn boolean|nil with a policy: whether it verifies
function Fold:run(scope, links)
  local plan = setmetatable({
    fold = self,
    service = scope.service,
    route = scope.route,
    upstream = scope.upstream,
    tls = scope.service ~= nil and scope.service.protocol == "https",
  }, Plan)
  for _, link in ipairs(links) do
    if link.plugin.handler.plan then
      local err = call(link.plugin, link.entity and link.entity.config, plan)
      if err then
        return nil, ("plugin '%s': %s"):format(link.plugin.name, err)
      end
    end
  end
  if plan.tls and not plan.policy then
    return nil, "no plugin decides how its upstream is verified"
  end
  if not plan.tls then
    return nil
  end
  return plan.policy, nil, plan.verified
end

return Fold
