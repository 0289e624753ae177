-- What worker VMs need of a configuration, as one text (weir.worker decodes it):
--
--   plugins   list of { id, name, module, instance_name, conf, hash, route, service }; `hash` is
--             equal for equal content
--   chains    plan -> list of indices into `plugins`, in the order of execution
--   rewrite   the same for the plugins that run before a route is known
--   plans     plan -> { route_id, service_id, effective = index, error }; `effective` for upstreams
--             that are reached over TLS, `error` when requests of the plan are refused
--   effective list of { policy = its id, mode, fields = list of { name, value, origin } }: how
--             upstreams are verified, and what says so; each once, however many plans share it
--   entities  TYPE -> { [id] = entity }, private keys left out
--   settings  what plugins may see of the settings, and node_id
local buffer = require("string.buffer")
local fingerprint = require("weir.fingerprint")
local Fold = require("weir.compile.fold")
local tls = require("weir.tls")

local Blob = {}
Blob.__index = Blob

local SECRETS = { key = true, key_alt = true }

local function without_secrets(entity)
  local copy = {}
  for field, value in pairs(entity) do
    if not SECRETS[field] then
      copy[field] = value
    end
  end
  return copy
end

local function public_entities(config)
  local entities = {}
  for kind, by_id in pairs(config.by_id) do
    entities[kind] = by_id
  end
  entities.certificates = {}
  for id, entity in pairs(config.by_id.certificates) do
    entities.certificates[id] = without_secrets(entity)
  end
  return entities
end

function Blob.new(config, settings)
  return setmetatable({
    indices = {},
    effective_indices = {},
    content = {
      effective = {},
      plugins = {},
      chains = {},
      rewrite = {},
      plans = {},
      entities = public_entities(config),
      settings = settings,
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
      route = entity.route and entity.route.id,
      service = entity.service and entity.service.id,
    })
    self.indices[entity.id] = index
  end
  return index
end

--- The index of an effective policy, added when it is new.
-- @tparam table decision what Fold:run() gave
function Blob:effective(decision)
  local policy = tls.policy_id(decision.policy)
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

function Blob:encode()
  return buffer.encode(self.content)
end

return Blob
