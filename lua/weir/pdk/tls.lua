-- kong.tls: ways to verify an upstream, made once and chosen per request
-- (kong.service.set_tls_policy). Not in Kong.
--
-- Parsing certificates takes milliseconds, so these belong into `configure` or module scope. In
-- requests the result is one pointer.
local ffi = require("ffi")
local abi = require("weir.abi")
local choices = require("weir.tls.choice")
local handles = require("weir.tls")
local statistics = require("weir.tls.statistics")

local C = abi.C

local tls = {}

local function check_table(value, name)
  if type(value) ~= "table" then
    error(name .. " must be a table", 3)
  end
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

--- A policy. A mistake in the choice is an error; what only the core can judge (a CRL that does not
-- parse, a cipher that there is not) is returned.
-- @tparam table choice the fields of weir.tls.policy: `verify` (boolean) or `mode` has to be there
-- @treturn cdata|nil
-- @treturn nil|string
-- @usage
-- local trust = assert(kong.tls.trust({ pem }))
-- local policy = assert(kong.tls.policy({ verify = true, depth = 1, trust = trust }))
function tls.policy(choice)
  check_table(choice, "choice")
  local ok, err = choices.check(choice)
  if not ok then
    error(err, 2)
  end
  return handles.policy(choice)
end

local counters = ffi.new("struct weir_counters")

--- What is counted of TLS with upstreams, for metrics: all workers since the start.
-- @treturn table what the Admin API's /status has as `tls`, and `services`: name of a service (its
-- host where it has none) -> mode -> code of a verdict -> handshakes that came to it
function tls.get_statistics()
  C.weir_counters(counters)
  local result = statistics.total(counters)
  result.services = statistics.verdicts_by_service()
  return result
end

return tls
