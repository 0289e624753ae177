-- ngx.arg in body_filter: [1] the piece of the body, [2] whether it is the last.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

local piece = ffi.new("struct weir_str")
local last = ffi.new("int[1]")

return setmetatable({}, {
  __index = function(_, at)
    if C.weir_chunk_get(piece, last) < 0 then
      error("API disabled in the current context", 2)
    elseif at == 1 then
      return ffi.string(piece.p, piece.n)
    end
    return last[0] == 1
  end,
  __newindex = function(_, at, value)
    local result
    if at == 1 then
      local replacement = value == nil and "" or tostring(value)
      result = C.weir_chunk_set(replacement, #replacement)
    else
      result = C.weir_chunk_set_last(value and 1 or 0)
    end
    if result < 0 then
      error("API disabled in the current context", 2)
    end
  end,
})
