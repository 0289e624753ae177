-- ngx.ctx.balancer_data: the tries at upstreams, for plugins that log or trace, once all are made.
local current = require("weir.pdk.current")
local fields = require("weir.pdk.ctx_fields")
local phase = require("weir.pdk.phase")
local tries = require("weir.runner.try")

--- What there is of Kong's: `tries` (as kong.log.serialize() has them), `try_count`; of the last
-- try `ip`, `port` and `type` ("ipv4" or "ipv6"); `host` as the service has it.
function fields.balancer_data()
  local made = phase.is(phase.RESPONSE) and tries.made() or {}
  local last = made[#made]
  if not last then
    return nil
  end
  local service = current.ctx("ngx").service
  return {
    tries = made, try_count = #made, ip = last.ip, port = last.port,
    type = last.ip and (last.ip:find(":", 1, true) and "ipv6" or "ipv4"),
    host = service and service.host,
  }
end
