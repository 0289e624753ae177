-- Judging certificate chains outside of a gateway, through the code that judges them in one.
--
-- For the command line: judge.connection() blocks.
local ffi = require("ffi")
local abi = require("weir.abi")
local choices = require("weir.tls.choice")
local description = require("weir.tls.description")
local tls = require("weir.tls")
local verdict = require("weir.verdict")

local C = abi.C

-- As struct weir_name has them.
local KINDS = { dns = 1, ip = 2, uri = 3, email = 4 }

local MAX_CHAIN = 256 * 1024

C.weir_tls_prepare()

local judge = {}

local buffer

local out = ffi.new("struct weir_verdict")

local function last_error()
  return ffi.string(C.weir_error())
end

-- The core's description of a choice.
local function describe(choice)
  local ok, err = choices.check(choice)
  if not ok then
    return nil, err
  end
  return description.of(choice, choice.trust or tls.trust({}))
end

local function name_struct(name)
  if not name then
    return nil
  end
  local struct = ffi.new("struct weir_name")
  struct.kind = KINDS[name.kind]
  struct.value.p, struct.value.n = name.value, #name.value
  return struct
end

--- Judges a chain.
-- @tparam table choice the policy, as for weir.tls.policy()
-- @tparam table pems list of PEM texts, the leaf first
-- @tparam ?table name { kind = "dns", "ip", "uri" or "email", value } to look for; without one, the
-- policy's names
-- @tparam ?number at seconds since the epoch; now
-- @treturn table|nil verdict (weir.verdict)
-- @treturn nil|string why there is none
function judge.chain(choice, pems, name, at)
  local desc, err = describe(choice)
  if not desc then
    return nil, err
  end
  local texts = ffi.new("struct weir_str[?]", math.max(#pems, 1))
  for i, pem in ipairs(pems) do
    texts[i - 1].p, texts[i - 1].n = pem, #pem
  end
  if C.weir_tls_judge(desc, texts, #pems, name_struct(name), at or 0, out) ~= 0 then
    return nil, last_error()
  end
  return verdict.of(out)
end

--- Shakes hands with an upstream.
-- @tparam table choice the policy, as for weir.tls.policy()
-- @tparam string address an IP literal
-- @tparam number port
-- @tparam string name of the upstream, for SNI and verification
-- @tparam number timeout in milliseconds
-- @treturn table|nil verdict
-- @treturn string the chain that it sent, as PEM; or why there is no verdict
function judge.connection(choice, address, port, name, timeout)
  local desc, err = describe(choice)
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
