-- kong.tls: ways to verify an upstream, made once and chosen per request
-- (kong.service.set_tls_policy). Not in Kong.
--
-- Parsing certificates takes milliseconds, so these belong into `configure` or module scope. In
-- requests the result is one pointer.
local handles = require("weir.tls")

local tls = {}

local function check_table(value, name)
  if type(value) ~= "table" then
    error(name .. " must be a table", 3)
  end
end

local function is_depth(value)
  return type(value) == "number" and value % 1 == 0 and value >= 0 and value <= 100
end

--- A bundle of CA certificates.
-- @tparam table pems list of PEM texts; an empty one makes the bundle that trusts nobody
-- @treturn cdata|nil
-- @treturn nil|string
function tls.trust(pems)
  check_table(pems, "pems")
  return handles.trust(pems)
end

--- A certificate chain with its key, to show to upstreams.
-- @tparam string cert PEM, leaf first
-- @tparam string key PEM
-- @treturn cdata|nil
-- @treturn nil|string
function tls.credential(cert, key)
  if type(cert) ~= "string" then
    error("cert must be a string", 2)
  elseif type(key) ~= "string" then
    error("key must be a string", 2)
  end
  return handles.credential(cert, key)
end

--- A policy.
-- @tparam table choice verify (boolean, required), depth (0 to 100), trust (of kong.tls.trust;
-- without one nobody is trusted), credential (of kong.tls.credential)
-- @treturn cdata|nil
-- @treturn nil|string
function tls.policy(choice)
  check_table(choice, "choice")
  if type(choice.verify) ~= "boolean" then
    error("verify must be a boolean", 2)
  elseif choice.trust ~= nil and not handles.is_trust(choice.trust) then
    error("trust must be of kong.tls.trust", 2)
  elseif choice.credential ~= nil and not handles.is_credential(choice.credential) then
    error("credential must be of kong.tls.credential", 2)
  elseif choice.depth ~= nil and not is_depth(choice.depth) then
    error("depth must be an integer between 0 and 100", 2)
  end
  return handles.policy(choice)
end

return tls
