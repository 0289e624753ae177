-- kong.client.tls: the client's side of its TLS connection.
local current = require("weir.pdk.current")
local phase = require("weir.pdk.phase")

local VERIFY = phase.set("rewrite", "access", "balancer", "response")

local tls = {}

--- Says how the client's certificate was judged, for plugins that log and for $ssl_client_verify: a
-- plugin has judged it.
-- @tparam string result "SUCCESS", "NONE" or "FAILED:reason"
function tls.set_client_verify(result)
  phase.check(VERIFY)
  if type(result) ~= "string" then
    error("client verify result must be a string", 2)
  elseif result ~= "SUCCESS" and result ~= "NONE" and not result:find("^FAILED:.") then
    error(('unknown client verify result "%s": "SUCCESS", "NONE" or "FAILED:reason" expected')
      :format(result), 2)
  end
  -- Kong's field, where plugins look for it.
  current.ctx("ngx").CLIENT_VERIFY_OVERRIDE = result
end

return tls
