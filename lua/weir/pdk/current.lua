-- Whose turn it is: the plugin that runs, its request's place, and the ctx tables that live as long
-- as the request.
--
-- The runner (weir.worker) sets the fields before it calls a handler; the PDK reads them. A request
-- that waits is followed by others, so whoever yields saves the fields and puts them back
-- (weir.wait does).

local abi = require("weir.abi")
local clear = require("table.clear")
local new = require("table.new")

local running = abi.running

local C = abi.C

local current = {
  plugin = nil,      -- the plugin record that runs: { name, id, instance_name, conf, mark, … }
  slot = 0,          -- the request's place, 0 outside of requests
  phase = nil,       -- enum WEIR_PHASE_…
  generation = nil,  -- the configuration the request runs on: entities, plans, settings
  newest = nil,      -- the one that timers and new requests run on
  makers = {},       -- key -> what makes its table for ctx(), where that is not just an empty one
}

--- A plugin's turn begins; for the watchdog, too.
-- @tparam ?table plugin
function current.begin(plugin)
  current.plugin = plugin
  running[0] = plugin and plugin.mark or 0
end

-- slot -> { key, table, key, table, … } of the request in it; a request has very few keys.
local stores = {}

-- Empty stores that wait for the next request. The tables in them do not: a plugin may have kept
-- one, for a timer, and would find another request's values in it.
local SPARE = 256
local spare_stores, spare_store_count = new(SPARE, 0), 0

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
    C.weir_keep()
  end
  local at = 1
  while store[at] ~= nil do
    if store[at] == key then
      return store[at + 1]
    end
    at = at + 2
  end
  local make = current.makers[key]
  local t = make and make() or {}
  store[at], store[at + 1] = key, t
  return t
end

--- Makes a table the current request's.
-- @param key as for ctx()
-- @tparam table value
-- @treturn boolean false outside of a request
function current.assign(key, value)
  if not current.ctx(key) then
    return false
  end
  local store, at = stores[current.slot], 1
  while store[at] ~= key do
    at = at + 2
  end
  store[at + 1] = value
  return true
end

--- Forgets the tables of a request that is over.
-- @tparam number slot
function current.release(slot)
  local store = stores[slot]
  if not store then
    return
  end
  stores[slot] = nil
  clear(store)
  if spare_store_count < SPARE then
    spare_store_count = spare_store_count + 1
    spare_stores[spare_store_count] = store
  end
end

return current
