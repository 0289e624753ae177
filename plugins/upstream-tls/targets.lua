-- `targets` of the configurations: what they say about single targets of an upstream.
local Targets = require("weir.compile.targets")
local host = require("weir.text.host")

local targets = {}

local NONE = {}

--- What a target may be called: HOST:PORT, or HOST for all its ports.
-- @tparam string text
-- @treturn table|nil { text, canonical = the one spelling of the host, port = number or nil }
-- @treturn nil|string
function targets.parse(text)
  local parsed, err = host.parse(text)
  if not parsed then
    return nil, ("is not HOST or HOST:PORT (%s)"):format(err)
  elseif parsed.port == 0 then
    return nil, "has no valid port"
  end
  return { text = text, canonical = host.canonical(parsed.host), port = parsed.port }
end

local function key_of(place)
  return host.format(place.canonical, place.port)
end

--- A validator: each target once. Two entries for one would leave it to their order who is right.
-- @tparam table list of entries that are valid
function targets.check_distinct(list)
  local seen = {}
  for i, entry in ipairs(list) do
    local key = key_of(targets.parse(entry.target))
    if seen[key] then
      return nil, ("[%d] and [%d] are the same target"):format(seen[key] - 1, i - 1)
    end
    seen[key] = i
  end
  return true
end

-- List of entries -> places, each with its entry. Thousands of routes may share a configuration.
local places_of = setmetatable({}, { __mode = "k" })

local function places_in(list)
  if not places_of[list] then
    local places = {}
    for i, entry in ipairs(list) do
      places[i] = targets.parse(entry.target)
      places[i].entry = entry
    end
    places_of[list] = places
  end
  return places_of[list]
end

--- The places that configurations say something about, each once.
-- @tparam table configurations a plan's `layers`
-- @treturn table list of { text, canonical, port }
function targets.places(configurations)
  local list, seen = {}, {}
  for _, layer in ipairs(configurations) do
    for _, place in ipairs(places_in(layer.entity.config.targets or NONE)) do
      local key = key_of(place)
      if not seen[key] then
        seen[key] = true
        list[#list + 1] = place
      end
    end
  end
  return list
end

--- The entries that count for a place: configuration by configuration, the most specific first, and
-- in each the one for the port before the one for all ports.
-- @tparam table configurations a plan's `layers`
-- @tparam table place of places()
-- @treturn table list of { entry, layer }
function targets.entries(configurations, place)
  local list = {}
  for _, layer in ipairs(configurations) do
    local whole_host
    for _, other in ipairs(places_in(layer.entity.config.targets or NONE)) do
      if other.canonical == place.canonical and other.port == place.port then
        list[#list + 1] = { entry = other.entry, layer = layer }
      elseif other.canonical == place.canonical and not other.port then
        whole_host = other.entry
      end
    end
    if whole_host then
      list[#list + 1] = { entry = whole_host, layer = layer }
    end
  end
  return list
end

-- The services that a `plugins` entity applies to.
local function services_of(entity, config)
  if entity.route then
    local route = config.by_id.routes[entity.route.id]
    return route.service and { config.by_id.services[route.service.id] } or {}
  elseif entity.service then
    return { config.by_id.services[entity.service.id] }
  end
  return config.services
end

--- Warns of entries that fit no target.
-- @tparam table entity of `plugins`
-- @tparam table config the whole configuration
-- @treturn table list of { path, message }
function targets.advise(entity, config)
  local advice = {}
  local places = places_in(entity.config.targets or NONE)
  if #places == 0 then
    return advice
  end
  local known, fitting = Targets.new(config), {}
  for _, service in ipairs(services_of(entity, config)) do
    for _, target in ipairs(service.protocol == "https" and known:of(service) or {}) do
      fitting[target.canonical] = true
      fitting[host.format(target.canonical, target.port)] = true
    end
  end
  for i, place in ipairs(places) do
    if not fitting[key_of(place)] then
      advice[#advice + 1] = {
        path = { "config", "targets", i, "target" },
        message = ("'%s' is no target of a service that this applies to and that is reached over "
          .. "TLS; only a plugin can send requests there"):format(place.text),
      }
    end
  end
  return advice
end

return targets
