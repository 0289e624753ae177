-- Whose turn it is: the plugin that runs, its request's place, and the ctx tables that live as long
-- as the request.
--
-- The runner (weir.worker) sets the fields before it calls a handler; the PDK reads them. A request
-- that waits is followed by others, so whoever yields saves the fields and puts them back
-- (weir.wait does).

local clear = require("table.clear")
local new = require("table.new")

local current = {
  plugin = nil,      -- the plugin record that runs: { name, id, instance_name, conf, … }
  slot = 0,          -- the request's place, 0 outside of requests
  phase = nil,       -- enum WEIR_PHASE_…
  generation = nil,  -- the configuration the request runs on: entities, plans, settings
  newest = nil,      -- the one that timers and new requests run on
}

-- slot -> { key, table, key, table, … } of the request in it; a request has very few keys.
local stores = {}

-- Cleared tables and empty stores that wait for the next request.
local SPARE = 256
local spare_tables, spare_count = new(SPARE, 0), 0
local spare_stores, spare_store_count = new(SPARE, 0), 0

local function take_table()
  if spare_count == 0 then
    return {}
  end
  local t = spare_tables[spare_count]
  spare_count = spare_count - 1
  return t
end

local function give_table(t)
  if spare_count < SPARE then
    setmetatable(t, nil)
    clear(t)
    spare_count = spare_count + 1
    spare_tables[spare_count] = t
  end
end

local function take_store()
  if spare_store_count == 0 then
    return {}
  end
  local store = spare_stores[spare_store_count]
  spare_store_count = spare_store_count - 1
  return store
end

--- A table of the current request, made when it is first asked for.
-- @param key what it belongs to: "shared", "ngx", or a plugin record for that plugin's own
-- @treturn table|nil nil outside of a request
function current.ctx(key)
  local slot = current.slot
  if slot == 0 then
    return nil
  end
  local store = stores[slot]
  if not store then
    store = take_store()
    stores[slot] = store
  end
  local at = 1
  while store[at] ~= nil do
    if store[at] == key then
      return store[at + 1]
    end
    at = at + 2
  end
  local t = take_table()
  store[at], store[at + 1] = key, t
  return t
end

--- Forgets the tables of a request that is over.
-- @tparam number slot
function current.release(slot)
  local store = stores[slot]
  if not store then
    return
  end
  stores[slot] = nil
  local at = 1
  while store[at] ~= nil do
    give_table(store[at + 1])
    at = at + 2
  end
  clear(store)
  if spare_store_count < SPARE then
    spare_store_count = spare_store_count + 1
    spare_stores[spare_store_count] = store
  end
end

return current
