-- Decisions that plugins make once per plan instead of once per request.
--
-- A handler with `plan(self, conf, plan)` is called for each plan that its configuration applies to
-- while the configuration is compiled. It may choose how the upstream is verified. What it chooses
-- is in the plan when the first request comes, and a plugin with nothing else to do is in no chain.
local Targets = require("weir.compile.targets")
local failure = require("weir.runner.failure")
local choices = require("weir.tls.choice")
local system_cas = require("weir.compile.system_cas")
local tls = require("weir.tls")

local Plan = {}
Plan.__index = Plan

-- Shares what plans of one configuration have in common.
local Fold = {}
Fold.__index = Fold

--- @tparam table config validated entities (weir.declarative)
-- @tparam table settings weir.settings: tls_system_cas, upstream_tls_session_reuse
function Fold.new(config, settings)
  return setmetatable({
    config = config,
    settings = settings,
    trusts = {},
    credentials = {},
    policies = {},
    -- Judges -> choice -> { its policy } or { nil, why not }, as long as somebody holds on to the
    -- choice.
    known = {},
    made = {},
    system = {},
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

-- The machine's CA certificates are read once for a configuration, and only if something asks.
function Fold:system_cas()
  return memo(self.system, "text", function()
    return system_cas.read(self.settings.tls_system_cas)
  end)
end

-- ---- what a handler's plan() is given: service, route, upstream (entities or nil), targets (list
-- of { target = "HOST:PORT", host, port, … }), tls, layers, configured, and these

function Plan:pems(ids, with_system)
  local pems = {}
  if with_system then
    local text, err = self.fold:system_cas()
    if not text then
      return nil, err
    end
    pems[1] = text
  end
  for _, id in ipairs(ids) do
    local entity = self.fold.config.by_id.ca_certificates[id]
    if not entity then
      return nil, ("CA Certificate '%s' does not exist"):format(id)
    end
    pems[#pems + 1] = entity.cert
  end
  return pems
end

--- The trust bundle of exactly these CA certificates.
-- @tparam ?table ids of ca_certificates entities; none at all make the bundle that trusts nobody
-- @tparam ?boolean with_system those of the machine, too
-- @treturn cdata|nil handle
-- @treturn nil|string
function Plan:trust(ids, with_system)
  ids = ids or {}
  local key = (with_system and "system," or "") .. table.concat(ids, ",")
  return memo(self.fold.trusts, key, function()
    local pems, err = self:pems(ids, with_system)
    if not pems then
      return nil, err
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

--- What a handler works out once for many plans.
-- @tparam table key what it depends on, beside the configuration
-- @tparam function make called as make(plan, key) when this configuration has not asked for it yet
-- @return what make() returned, two values at most
function Plan:once(key, make)
  local by_key = self.fold.made[make] or {}
  self.fold.made[make] = by_key
  local made = by_key[key]
  if not made then
    made = { make(self, key) }
    by_key[key] = made
  end
  return made[1], made[2]
end

-- The same text for equal choices only: every value with its name, type and length.
local function write(out, name, value)
  if type(value) == "table" then
    local keys = {}
    for key in pairs(value) do
      keys[#keys + 1] = key
    end
    table.sort(keys)
    out[#out + 1] = ("%s{%d"):format(name, #keys)
    for _, key in ipairs(keys) do
      write(out, key, value[key])
    end
  else
    local text = tostring(value)
    out[#out + 1] = ("%s=%s:%d:%s"):format(name, type(value), #text, text)
  end
end

local function text_of(value)
  local out = {}
  write(out, "", value)
  return table.concat(out, ";")
end

-- What an effective policy looks like when a plugin gives no account of it.
local function account(choice, origin)
  local names, fields = {}, {}
  for name, value in pairs(choice) do
    if type(value) ~= "cdata" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    fields[i] = { name = name, value = choice[name], origin = origin }
  end
  return fields
end

-- The policy of a choice as it is in force beside `judges`.
local function policy_of(choice, session_reuse, judges)
  local policy, err = tls.policy(choice)
  if not policy then
    return nil, err
  end
  return tls.in_force(policy, session_reuse, judges)
end

-- The same, made once.
function Fold:policy(choice, judges)
  local key = judges or ""
  self.known[key] = self.known[key] or setmetatable({}, { __mode = "k" })
  return memo(self.known[key], choice, function()
    return memo(self.policies, key .. ";" .. text_of(choice), function()
      return policy_of(choice, self.settings.upstream_tls_session_reuse, judges)
    end)
  end)
end

-- { policy, choice, mode, fields }, or nil and why there can be no such policy.
function Plan:make(choice, fields)
  local policy, err = self.fold:policy(choice, self.judges)
  if not policy then
    return nil, err
  end
  return {
    policy = policy, choice = choice, mode = choices.mode(choice),
    fields = fields or account(choice, ("plugin '%s'"):format(self.plugin)),
  }
end

--- Decides how the upstream is verified, whichever of its targets serves. The last plugin to decide
-- wins.
-- @tparam table choice as for weir.tls.policy()
-- @tparam ?table fields what to show of it: list of { name, value, origin }
-- @treturn true|nil
-- @treturn nil|string
function Plan:set_policy(choice, fields)
  local made, err = self:make(choice, fields)
  if not made then
    return nil, err
  end
  self.decision, self.differing = made, {}
  return true
end

-- Only what is said last about a place counts.
local function differ(self, place, made)
  made.text, made.canonical, made.port = place.text, place.canonical, place.port
  for i, other in ipairs(self.differing) do
    if other.canonical == place.canonical and other.port == place.port then
      self.differing[i] = made
      return
    end
  end
  table.insert(self.differing, made)
end

--- Decides how one target is verified, after set_policy(). It holds wherever a request comes to
-- that target from, also when a plugin sends it there.
-- @tparam table place { text = how it is called in messages, canonical = weir.text.host.canonical()
-- of its host, port = nil for all ports }; a place with the port counts before one without
-- @tparam table choice as for weir.tls.policy()
-- @tparam ?table fields what to show of it
-- @treturn true|nil
-- @treturn nil|string why it cannot be made; requests to that target are then refused
function Plan:set_target_policy(place, choice, fields)
  local made, err = self:make(choice, fields)
  if not made then
    return self:refuse_target(place, err)
  end
  differ(self, place, made)
  return true
end

--- Refuses requests to one target.
-- @tparam table place as for set_target_policy()
-- @tparam string why
-- @treturn nil
-- @treturn string why
function Plan:refuse_target(place, why)
  why = ("plugin '%s': %s"):format(self.plugin, why)
  differ(self, place, { error = why })
  return nil, why
end

--- Whether requests may come to a place: the plan's own upstream has such a target, or there are
-- plugins that may send requests anywhere.
-- @tparam table place as for set_target_policy()
function Plan:reaches(place)
  return self.may_divert or self:has_target(place)
end

--- Whether the plan's own upstream has such a target.
-- @tparam table place as for set_target_policy()
function Plan:has_target(place)
  for _, target in ipairs(self.targets) do
    if Targets.find({ place }, target) then
      return true
    end
  end
  return false
end

--- Something that whoever wrote the configuration should know, about this plan's upstream.
-- @tparam string text continues "service 'x' (route 'y') "
function Plan:warn(text)
  self.warnings[#self.warnings + 1] = text
end

-- ---- folding

-- An error raised by a plugin and one that it returned are the same here: the plan refuses its
-- requests.
local function call(plugin, conf, plan)
  local ok, result, err = failure.call(plugin.handler.plan, plugin.handler, conf, plan)
  if not ok then
    return tostring(result)
  end
  return err and tostring(err) or nil
end

--- Lets the plugins that apply to a plan decide.
-- @tparam table scope service, route, upstream: entities or nil; targets, of
-- weir.compile.targets; may_divert, whether plugins may send requests elsewhere; judges, which
-- plugins judge the upstream, as Blob:judges() has it
-- @tparam table links list of { plugin, entity (nil: no configuration), layers (all configurations
-- of the plugin that apply), configured } in the order of execution
-- @treturn table|nil for a service that is reached over TLS: policy, choice, mode, fields (list of
-- { name, value, origin }), warnings, and targets (of the upstream, or where plugins may send
-- requests): list of { text, canonical, port = number or nil }, each with policy, choice, mode and
-- fields, or with error
-- @treturn nil|string why there is none
function Fold:run(scope, links)
  local plan = setmetatable({
    fold = self,
    service = scope.service,
    route = scope.route,
    upstream = scope.upstream,
    targets = scope.targets or {},
    may_divert = scope.may_divert,
    judges = scope.judges,
    tls = scope.service ~= nil and scope.service.protocol == "https",
    differing = {},
    warnings = {},
  }, Plan)
  for _, link in ipairs(links) do
    if link.plugin.handler.plan then
      plan.plugin, plan.layers = link.plugin.name, link.layers or {}
      plan.configured = link.configured
      local err = call(link.plugin, link.entity and link.entity.config, plan)
      if err then
        return nil, ("plugin '%s': %s"):format(link.plugin.name, err)
      end
    end
  end
  if not plan.tls then
    return nil
  elseif not plan.decision then
    return nil, "no plugin decides how its upstream is verified"
  end
  local decision = plan.decision
  decision.targets, decision.warnings = plan.differing, plan.warnings
  return decision
end

local function text_of_field(field)
  local value = field.value
  if type(value) == "table" then
    value = text_of(value)
  elseif type(value) == "string" then
    value = #value .. ":" .. value
  end
  return ("%s=%s;%s"):format(field.name, tostring(value), field.origin)
end

-- Fields that are shared by many lists are written once.
local field_texts = setmetatable({}, { __mode = "k" })

--- A text that is the same for equal lists of { name, value, origin }, and only for those.
function Fold.text_of(fields)
  local out = {}
  for i, field in ipairs(fields) do
    local text = field_texts[field] or text_of_field(field)
    field_texts[field] = text
    out[i] = text
  end
  return table.concat(out, ";")
end

return Fold
