-- What worker VMs need of a configuration, as one text (weir.worker decodes it):
--
--   plugins   list of { id, name, module, instance_name, conf, hash, phases, route, service,
--             consumer }; `hash` is equal for equal content, `phases` are the bits of the phases
--             that the configuration needs
--   chains    plan -> list of indices into `plugins`, in the order of execution
--   choices   plan -> where consumers have configurations of their own, besides its chain: a list
--             of { index into `plugins` or 0, index into `consumers`, … }, a plugin each, in the
--             order of execution. The first that has the request's consumer counts, else the index
--             at the head; 0 runs nothing
--   consumers list of { [id of a consumer] = index into `plugins` or 0 }
--   rewrite   the same for the plugins that run before a route is known
--   plans     plan -> { route_id, service_id, effective = index, error, targets = list of { target,
--             effective, error } }; `effective` for upstreams that are reached over TLS, `error`
--             when requests are refused, `targets` those of the upstream that differ
--   services  id -> the same, for services without a route
--   effective list of { policy = its id, mode, fields = list of { name, value, origin } }: how
--             upstreams are verified, and what says so; each once, however many plans share it
--   entities  TYPE -> { [id] = entity }, without private keys, references in place of secrets
--   settings  what plugins may see of the settings, and node_id
--   packed    where consumers and entities of plugins, which are not in `entities`, are in the text
--             beside this one (weir.db.packed)
--   loaded_at seconds since the epoch
local base = require("weir.entities").base
local bit = require("bit")
local buffer = require("string.buffer")
local Chains = require("weir.compile.chains")
local fingerprint = require("weir.crypto.fingerprint")
local Fold = require("weir.compile.fold")
local Packer = require("weir.db.packer")
local secrets = require("weir.schema.secrets")
local tables = require("weir.tables")
local Targets = require("weir.compile.targets")
local tls = require("weir.tls")

local Blob = {}
Blob.__index = Blob

local UPSTREAM_VERIFY = bit.lshift(1, 5)

local SECRETS = { key = true, key_alt = true }

local function copy(map)
  local result = {}
  for key, value in pairs(map) do
    result[key] = value
  end
  return result
end

local function without_secrets(entity)
  local result = copy(entity)
  for field in pairs(SECRETS) do
    result[field] = nil
  end
  return result
end

-- What the configuration refers to is not shown, but the references. Entities of plugins are not
-- for showing: plugins compare with their secrets.
local function show_references(entities, config)
  for _, place in ipairs(config.referring) do
    local kind, id = unpack(place)
    if base.definitions[kind] then
      local by_id = entities[kind]
      if by_id == config.by_id[kind] then
        by_id = copy(by_id)
        entities[kind] = by_id
      end
      by_id[id] = secrets.as_written(by_id[id])
    end
  end
end

-- Of consumers and of what plugins bring there may be very many: they are packed, not here.
local function public_entities(config)
  local entities = {}
  for kind in pairs(base.definitions) do
    entities[kind] = kind ~= "consumers" and config.by_id[kind] or nil
  end
  entities.certificates = {}
  for id, entity in pairs(config.by_id.certificates) do
    entities.certificates[id] = without_secrets(entity)
  end
  show_references(entities, config)
  return entities
end

--- @tparam table config validated entities (weir.declarative)
-- @tparam table settings what plugins may see of them
-- @tparam table chains a weir.compile.chains
function Blob.new(config, settings, chains)
  return setmetatable({
    config = config,
    chains = chains,
    indices = {},
    effective_indices = {},
    -- List of fields -> policy -> index: plans share these lists.
    known_effective = setmetatable({}, { __mode = "k" }),
    -- Map of consumers' entities -> protocols of routes -> index.
    known_consumers = {},
    content = {
      effective = {},
      plugins = {},
      chains = {},
      choices = {},
      consumers = {},
      rewrite = {},
      plans = {},
      services = {},
      entities = public_entities(config),
      settings = settings,
      loaded_at = os.time(),
    },
  }, Blob)
end

--- Adds a plugin record.
-- @tparam table record what `plugins` holds, without hash
-- @treturn number its index
function Blob:add(record)
  local list = self.content.plugins
  record.hash = fingerprint.of({
    record.name, record.module, record.conf, record.route or "", record.service or "",
    record.consumer or "",
  })
  list[#list + 1] = record
  return #list
end

--- The index of a `plugins` entity, added when it is new.
function Blob:plugin(entity)
  local index = self.indices[entity.id]
  if not index then
    index = self:add({
      id = entity.id,
      name = entity.name,
      module = ("kong.plugins.%s.handler"):format(entity.name),
      instance_name = entity.instance_name,
      conf = entity.config or {},
      phases = self.chains:needs(entity),
      route = entity.route and entity.route.id,
      service = entity.service and entity.service.id,
      consumer = entity.consumer and entity.consumer.id,
    })
    self.indices[entity.id] = index
  end
  return index
end

function Blob:add_effective(policy, decision)
  local key = policy .. Fold.text_of(decision.fields)
  local index = self.effective_indices[key]
  if not index then
    local list = self.content.effective
    index = #list + 1
    list[index] = { policy = policy, mode = decision.mode, fields = decision.fields }
    self.effective_indices[key] = index
  end
  return index
end

-- The index of an effective policy, added when it is new; nil when there is none.
function Blob:effective(decision)
  if not (decision and decision.policy) then
    return nil
  end
  local policy = tls.policy_id(decision.policy)
  local known = self.known_effective[decision.fields] or {}
  self.known_effective[decision.fields] = known
  known[policy] = known[policy] or self:add_effective(policy, decision)
  return known[policy]
end

--- What to show of the verification of a plan's upstream.
-- @tparam table scope route, service (entities or nil), targets, judge_names (what judges() gave)
-- @tparam table|nil decision what Fold:run() gave
-- @tparam ?string why requests are refused
function Blob:plan(scope, decision, why)
  local targets
  for _, target in ipairs(decision and scope.targets or {}) do
    local differing = Targets.find(decision.targets, target)
    if differing then
      targets = targets or {}
      table.insert(targets, {
        target = target.target, effective = self:effective(differing), error = differing.error,
      })
    end
  end
  return {
    route_id = scope.route and scope.route.id, service_id = scope.service and scope.service.id,
    effective = self:effective(decision), error = why, targets = targets,
    judges = scope.judge_names,
  }
end

-- Links whose plugin has nothing to run when a request comes, or when a worker starts, need no
-- place.
local function runs_in_workers(plugin)
  return plugin.phases ~= 0 or plugin.handler.init_worker or plugin.handler.configure
end

--- The indices of a chain.
-- @tparam table links what Chains:select() gave
-- @treturn table list
function Blob:chain(links)
  local indices = {}
  for _, link in ipairs(links) do
    if runs_in_workers(link.plugin) then
      indices[#indices + 1] = self:plugin(link.entity)
    end
  end
  return indices
end

-- The index of a map of consumers, as it is for routes with these protocols; added when it is new.
function Blob:consumers(entities, route)
  local key = table.concat(tables.sorted_keys(Chains.protocols(route)), ",")
  local known = self.known_consumers[entities] or {}
  self.known_consumers[entities] = known
  if not known[key] then
    local map = {}
    for _, consumer in ipairs(tables.sorted_keys(entities)) do
      local entity = entities[consumer]
      map[consumer] = Chains.fits(entity, route) and self:plugin(entity) or 0
    end
    table.insert(self.content.consumers, map)
    known[key] = #self.content.consumers
  end
  return known[key]
end

--- What a plan chooses from while it authenticates.
-- @tparam table choices what Chains:choices() gave
-- @tparam table route
-- @treturn table list, as `choices` holds it
function Blob:choices(choices, route)
  local list = {}
  for _, choice in ipairs(choices) do
    if runs_in_workers(choice.plugin) then
      local item = { choice.entity and self:plugin(choice.entity) or 0 }
      for _, entities in ipairs(choice.consumers) do
        item[#item + 1] = self:consumers(entities, route)
      end
      list[#list + 1] = item
    end
  end
  return list
end

--- Which plugins of a chain judge upstreams (upstream_verify), as a text that is equal for the same
-- ones in the same order and with the same content only. It is a part of the policy, so that what
-- was obtained under other judges is out of reach.
-- @tparam table links what Chains:select() gave
-- @treturn string|nil nil when none does
-- @treturn table|nil names of the plugins
function Blob:judges(links)
  local judges, names = {}, {}
  for _, link in ipairs(links) do
    if bit.band(link.phases, UPSTREAM_VERIFY) ~= 0 then
      local record = self.content.plugins[self:plugin(link.entity)]
      judges[#judges + 1] = { record.id, record.hash }
      names[#names + 1] = link.plugin.name
    end
  end
  if judges[1] then
    return fingerprint.of(judges), names
  end
end

-- The packer that has the entities of which there may be very many.
local function packer_of(config, builder, given)
  local packer = given or Packer.new(builder)
  for _, definition in ipairs(config.model:packed()) do
    for _, entity in ipairs(config[definition.name]) do
      packer:add(definition, entity)
    end
  end
  return packer
end

--- Encodes all.
-- @tparam table builder weir.compile.builder, which gets what workers decode, and what they look
-- entities up in
-- @tparam ?table packer what has entities that are not in the configuration (weir.db.packer)
-- @raise as packer:finish()
function Blob:encode(builder, packer)
  local all = packer_of(self.config, builder, packer)
  self.content.packed = all:finish(self.config.model:packed())
  builder:blob(buffer.encode(self.content))
end

return Blob
