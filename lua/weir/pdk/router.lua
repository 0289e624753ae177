-- kong.router: what the request was matched with.
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")

local C = abi.C
local check, ROUTED = phase.check, phase.ROUTED

local router = {}

-- The entity that the request's plan names by `field`.
local function entity(kind, field)
  local generation = current.generation
  local plan = generation and generation.plans[native.number(C.WEIR_REQUEST_PLAN)]
  local id = plan and plan[field]
  return id and generation.entities[kind][id] or nil
end

--- The route as an entity.
-- @treturn table|nil
function router.get_route()
  check(ROUTED)
  return entity("routes", "route_id")
end

--- The service as an entity.
-- @treturn table|nil
function router.get_service()
  check(ROUTED)
  return entity("services", "service_id")
end

return router
