-- Where functions of ngx may be called, with ngx_lua's text where they may not.
local phase = require("weir.pdk.phase")

local context = {}

-- Phases that ngx_lua has no directive for keep their name.
local function place()
  local name = phase.name()
  local own = name == "upstream_verify" or name == "response" or name == "timer"
  return own and name or name .. "_by_lua*"
end

--- Raises an error in the caller of the function of ngx unless the phase is one of a set.
-- @tparam number set of phases
-- @tparam ?number level as for error(), 3 if nil
function context.check(set, level)
  if not phase.is(set) then
    error("API disabled in the context of " .. place(), level or 3)
  end
end

return context
