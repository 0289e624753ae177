-- kong.client: who sent the request.
local abi = require("weir.abi")
local choice = require("weir.runner.choice")
local current = require("weir.pdk.current")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local router = require("weir.pdk.router")
local uuid = require("weir.text.uuid")

local C = abi.C
local text, number = native.text, native.number

local ACCESS = phase.set("access")

local client = {}

--- The address of the peer of the connection.
-- @treturn string
function client.get_ip()
  phase.check_not_init()
  return text(C.WEIR_CLIENT_IP)
end

--- The address of the client, as far as trusted peers tell it (`trusted_ips`, `real_ip_header`).
-- @treturn string
function client.get_forwarded_ip()
  phase.check_not_init()
  return text(C.WEIR_CLIENT_FORWARDED_IP)
end

--- The port of the peer of the connection.
-- @treturn number
function client.get_port()
  phase.check_not_init()
  return number(C.WEIR_CLIENT_PORT)
end

--- The port of the client, as far as trusted peers tell it.
-- @treturn number
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

-- ---- who is authenticated. Both are fields of ngx.ctx, as in Kong, where plugins look for them.

--- The consumer.
-- @treturn table|nil
function client.get_consumer()
  phase.check(phase.ROUTED)
  return current.ctx("ngx").authenticated_consumer
end

--- What the client has authenticated with.
-- @treturn table|nil
function client.get_credential()
  phase.check(phase.ROUTED)
  return current.ctx("ngx").authenticated_credential
end

--- Says who the client is. Plugins whose turn comes later run with the configurations of that
-- consumer.
-- @tparam ?table consumer
-- @tparam ?table credential one of both is needed
-- @usage
-- kong.client.authenticate(kong.client.load_consumer(id), { id = key_id })
function client.authenticate(consumer, credential)
  phase.check(ACCESS)
  if consumer ~= nil and type(consumer) ~= "table" then
    error("consumer must be a table or nil", 2)
  elseif credential ~= nil and type(credential) ~= "table" then
    error("credential must be a table or nil", 2)
  elseif consumer == nil and credential == nil then
    error("either credential or consumer must be provided", 2)
  end
  local ctx = current.ctx("ngx")
  ctx.authenticated_consumer, ctx.authenticated_credential = consumer, credential
  choice.authenticated(consumer and consumer.id)
end

--- A consumer of the configuration that the request runs on.
-- @tparam string id a UUID, or a username
-- @tparam ?boolean search_by_username whether `id` may be a username, too
-- @treturn table|nil nil when there is none
function client.load_consumer(id, search_by_username)
  phase.check(phase.ROUTED)
  if type(id) ~= "string" then
    error("consumer_id must be a string", 2)
  elseif not search_by_username and not uuid.is_valid(id) then
    error("cannot load a consumer with an id that is not a uuid", 2)
  end
  local consumers = require("weir.db").consumers
  local consumer = uuid.is_valid(id) and consumers:select({ id = id })
  return consumer or search_by_username and consumers:select_by_username(id) or nil
end

return client
