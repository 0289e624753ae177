-- What plugins see in the balancer phase of the try that is about to be made.
local ffi = require("ffi")
local abi = require("weir.abi")

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

return try
