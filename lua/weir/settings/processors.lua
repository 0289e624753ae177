-- How many processors this process may run on: what `nginx_worker_processes = auto` stands for.
local ffi = require("ffi")
local bit = require("bit")

ffi.cdef("int sched_getaffinity(int pid, size_t size, void *mask);")

local MASK_BYTES = 1024    -- room for 8192 processors

local processors = {}

--- The number of processors in the affinity mask, as `nproc` counts.
-- @treturn number at least 1
function processors.count()
  local mask = ffi.new("uint8_t[?]", MASK_BYTES)
  if ffi.C.sched_getaffinity(0, MASK_BYTES, mask) ~= 0 then
    return 1
  end
  local count = 0
  for i = 0, MASK_BYTES - 1 do
    local byte = mask[i]
    while byte ~= 0 do
      byte = bit.band(byte, byte - 1)
      count = count + 1
    end
  end
  return math.max(count, 1)
end

return processors
