-- ngx.arg in body_filter: [1] the piece of the body, [2] whether it is the last.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

local piece = ffi.new("struct weir_str")
local last = ffi.new("int[1]")

-- What a piece is replaced with: a text, or nested lists of them; nil is an empty one.
local function text_of(value)
  local kind = type(value)
  if kind == "table" then
    local parts = {}
    for i, item in ipairs(value) do
      parts[i] = text_of(item)
    end
    return table.concat(parts)
  elseif kind == "string" or kind == "number" then
    return tostring(value)
  end
  return value ~= nil and error("bad chunk data type: " .. kind, 0) or ""
end

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
      local replacement = text_of(value)
      result = C.weir_chunk_set(replacement, #replacement)
    else
      result = C.weir_chunk_set_last(value and 1 or 0)
    end
    if result < 0 then
      error("API disabled in the current context", 2)
    end
  end,
})
