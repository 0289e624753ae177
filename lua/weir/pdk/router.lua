-- kong.router: what the request was matched with.
--
-- As in Kong these are fields of ngx.ctx, where plugins look for them, too.
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local fields = require("weir.pdk.ctx_fields")
local deep_copy = require("kong.tools.table").deep_copy
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local request = require("weir.pdk.request")

local C = abi.C
local check, ROUTED = phase.check, phase.ROUTED

local router = {}

-- The request's plan; nil where there is none, and until the route is known one that names nothing.
local function plan()
  local generation = current.generation
  return generation and generation.plans[native.number(C.WEIR_REQUEST_PLAN)]
end

-- The entity that the plan names by `field`.
local function entity(kind, field)
  local of_request = plan()
  local id = of_request and of_request[field]
  return id and deep_copy(current.generation.entities[kind][id])
end

-- What the route's expression has taken out of the path: its groups by number and name, and all of
-- what it matched.
local function uri_captures()
  local groups = request.get_uri_captures()
  if groups.unnamed[1] == nil then
    return nil
  end
  local captures = groups.unnamed
  captures[0] = native.text(C.WEIR_ROUTE_PREFIX)
  for name, value in pairs(groups.named) do
    captures[name] = value
  end
  return captures
end

function fields.route()
  return entity("routes", "route_id")
end

function fields.service()
  return entity("services", "service_id")
end

function fields.router_matches()
  local of_request = plan()
  return of_request and of_request.route_id and { uri_captures = uri_captures() }
end

--- The route as an entity.
-- @treturn table|nil
function router.get_route()
  check(ROUTED)
  return current.ctx("ngx").route
end

--- The service as an entity.
-- @treturn table|nil
function router.get_service()
  check(ROUTED)
  return current.ctx("ngx").service
end

return router
