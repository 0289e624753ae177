-- Judging certificate chains outside of a gateway, through the code that judges them in one.
--
-- For the command line: judge.connection() blocks.
local ffi = require("ffi")
local abi = require("weir.abi")
local tls = require("weir.tls")
local verdict = require("weir.tls.verdict")

local C = abi.C

local MAX_CHAIN = 256 * 1024

C.weir_tls_prepare()

local judge = {}

local buffer

local out = ffi.new("struct weir_verdict")

local function last_error()
  return ffi.string(C.weir_error())
end

--- Judges a chain.
judge.chain = tls.judge

--- Shakes hands with an upstream.
-- @tparam table choice the policy, as for weir.tls.policy()
-- @tparam string address an IP literal
-- @tparam number port
-- @tparam string name of the upstream, for SNI and verification
-- @tparam number timeout in milliseconds
-- @treturn table|nil verdict
-- @treturn string the chain that it sent, as PEM; or why there is no verdict
function judge.connection(choice, address, port, name, timeout)
  local desc, err = tls.describe(choice)
  if not desc then
    return nil, err
  end
  buffer = buffer or ffi.new("char[?]", MAX_CHAIN)
  buffer[0] = 0
  if C.weir_tls_probe(address, port, desc, name, #name, timeout, out, buffer, MAX_CHAIN) ~= 0 then
    return nil, last_error()
  end
  return verdict.of(out), ffi.string(buffer)
end

return judge
