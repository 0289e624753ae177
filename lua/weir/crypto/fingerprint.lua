-- A digest of a Lua value by its content: equal for equal values, however their tables were filled.
local buffer = require("string.buffer")
local ffi = require("ffi")
local abi = require("weir.abi")
local hex = require("weir.text.hex")

local C = abi.C

local fingerprint = {}

local write

local function by_type_and_value(a, b)
  if type(a) ~= type(b) then
    return type(a) < type(b)
  end
  return a < b
end

local function write_table(out, value)
  local keys = {}
  for key in pairs(value) do
    keys[#keys + 1] = key
  end
  table.sort(keys, by_type_and_value)
  out:put("{", #keys, ";")
  for _, key in ipairs(keys) do
    write(out, key)
    write(out, value[key])
  end
end

-- Every value says its type and, where that is not evident, its length: no two values write the
-- same.
function write(out, value)
  local kind = type(value)
  if kind == "table" then
    write_table(out, value)
  elseif kind == "string" then
    out:put("s", #value, ":", value)
  elseif kind == "number" then
    out:putf("n%.17g;", value)
  elseif kind == "boolean" then
    out:put(value and "t" or "f")
  else
    error("a " .. kind .. " has no fingerprint", 0)
  end
end

local digest = ffi.new("char[32]")

--- SHA-256 of a text.
-- @tparam string text
-- @treturn string 64 hexadecimal digits
function fingerprint.of_text(text)
  C.weir_sha256(text, #text, digest)
  return hex.encode(ffi.string(digest, 32))
end

--- SHA-256 over strings, numbers, booleans and tables of them.
-- @treturn string 64 hexadecimal digits
function fingerprint.of(value)
  local out = buffer.new()
  write(out, value)
  return fingerprint.of_text(out:tostring())
end

return fingerprint
