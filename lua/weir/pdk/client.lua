-- kong.client: who sent the request.
local abi = require("weir.abi")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local router = require("weir.pdk.router")

local C = abi.C
local text, number = native.text, native.number

local client = {}

--- The address of the peer of the connection.
function client.get_ip()
  phase.check_not_init()
  return text(C.WEIR_CLIENT_IP)
end

--- The address of the client, as far as trusted peers tell it (`trusted_ips`, `real_ip_header`).
function client.get_forwarded_ip()
  phase.check_not_init()
  return text(C.WEIR_CLIENT_FORWARDED_IP)
end

--- The port of the peer of the connection.
function client.get_port()
  phase.check_not_init()
  return number(C.WEIR_CLIENT_PORT)
end

--- The port of the client, as far as trusted peers tell it.
function client.get_forwarded_port()
  phase.check_not_init()
  return number(C.WEIR_CLIENT_FORWARDED_PORT)
end

--- The protocol that the route was matched with.
-- @tparam ?boolean allow_terminated whether "https" is also what a trusted peer says in
-- X-Forwarded-Proto
-- @treturn string|nil "http" or "https"
-- @treturn nil|string
function client.get_protocol(allow_terminated)
  phase.check(phase.ROUTED)
  if not router.get_route() then
    return nil, "No active route found"
  end
  if number(C.WEIR_REQUEST_IS_TLS) == 1 then
    return "https"
  end
  local terminated = allow_terminated and number(C.WEIR_CLIENT_TRUSTED) == 1
    and native.header(C.WEIR_HEADERS_REQUEST, "x-forwarded-proto")
  return terminated and terminated:lower() == "https" and "https" or "http"
end

return client
