-- Tries at upstreams: the one that is about to be made (phase balancer), and those that were.
local ffi = require("ffi")
local abi = require("weir.abi")
local native = require("weir.pdk.native")
local verdicts = require("weir.tls.verdict")

local C = abi.C

local try = {}

local out = ffi.new("struct weir_try")

local function text(s)
  return s.n > 0 and ffi.string(s.p, s.n) or nil
end

--- The current try.
-- @treturn table index (from 1), ip and port of the target, host (nil where the target is an
-- address), upstream (its name; nil for a target that a plugin set), failure (code of the error
-- that the try before ended with)
function try.current()
  if C.weir_try(out) < 0 then
    error("no try is being made", 0)
  end
  return {
    index = out.index, ip = text(out.ip), port = out.port, host = text(out.host),
    upstream = text(out.upstream), failure = text(out.failure),
  }
end

local tried = ffi.new("struct weir_tried")

local NS_PER_MS = 1000000

-- Under the names that Kong's log serializer has for them. A failure is Kong's `state` and `code`,
-- and the code of weir's error.
local function record()
  local began, chosen_in = tonumber(tried.began_ns), tonumber(tried.chosen_in_ns)
  local failure = text(tried.failure)
  return {
    ip = text(tried.ip),
    port = tried.port,
    state = failure and "failed",
    code = failure and tried.status,
    failure = failure,
    balancer_start = math.floor(began / NS_PER_MS),
    balancer_latency = math.floor(chosen_in / NS_PER_MS),
    balancer_start_ns = began,
    balancer_latency_ns = chosen_in,
  }
end

--- The tries that were made for the current request.
-- @treturn {table,...} ip, port, state ("failed") and code (the HTTP status that the failure stands
-- for) and failure (its code) of one that failed, balancer_start (ms since the epoch) and
-- balancer_latency (ms until the address was known), the same with _ns
function try.made()
  local list = {}
  while C.weir_tried(#list, tried) == 0 do
    list[#list + 1] = record()
  end
  return list
end

--- What the tries came to, as nginx's $upstream_status says it.
-- @tparam table made what made() returned
-- @treturn string status of each, "-" where one was broken off before there was one; "" without
-- tries
function try.statuses(made)
  local parts = {}
  for i, one in ipairs(made) do
    parts[i] = one.code or i == #made and native.number(C.WEIR_SERVICE_STATUS) or "-"
  end
  return table.concat(parts, ", ")
end

local verdict = ffi.new("struct weir_verdict")

--- How upstream certificates were judged.
-- @tparam number count of tries that were made
-- @treturn {table,...}|nil for each try that came to a verdict: the fields of
-- kong.service.get_tls_verdict(), and `try`, its number from 1; nil when there was none
function try.verdicts(count)
  local list
  for i = 1, count do
    if C.weir_tried_verdict(i - 1, verdict) == 0 then
      list = list or {}
      local judged = verdicts.of(verdict)
      judged.try = i
      list[#list + 1] = judged
    end
  end
  return list
end

return try
