-- gzip, for texts of plugins.
local ffi = require("ffi")
local abi = require("weir.abi")
local bounds = require("weir.bounds")

local C = abi.C

local gzip = {}

-- Bytes that are taken at once. Between two takes the plugin may turn out to be at its limits: a
-- small text can stand for any number of bytes.
local PIECE = 65536

local out = ffi.new("char[?]", PIECE)

local function run(inflate, text)
  local handle = C.weir_gzip_new(inflate, text, #text)
  if handle == nil then
    return nil, "zlib is of another version"
  end
  ffi.gc(handle, C.weir_gzip_free)
  local pieces = {}
  repeat
    bounds.check()
    local n = tonumber(C.weir_gzip_take(handle, out, PIECE))
    if n < 0 then
      return nil, ffi.string(C.weir_error())
    end
    table.insert(pieces, ffi.string(out, n))
  until n == 0
  C.weir_gzip_free(ffi.gc(handle, nil))
  return table.concat(pieces)
end

--- Compresses a text.
-- @tparam string text
-- @treturn string|nil
-- @treturn nil|string why it cannot be
function gzip.deflate(text)
  return run(0, text)
end

--- The text that was compressed.
-- @tparam string text gzip or zlib
-- @treturn string|nil
-- @treturn nil|string what is wrong
function gzip.inflate(text)
  return run(1, text)
end

return gzip
