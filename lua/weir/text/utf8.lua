-- UTF-8 well-formedness (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) and
-- encoding.
local utf8 = {}

local byte, char, find = string.byte, string.char, string.find

-- Length of the well-formed sequence at `i`, or nil. The second byte's range is what excludes
-- overlong forms, surrogates and values beyond Unicode.
local function sequence_length(s, i)
  local lead, second = byte(s, i, i + 1)
  local length, low, high
  if lead >= 0xC2 and lead <= 0xDF then
    length, low, high = 2, 0x80, 0xBF
  elseif lead >= 0xE0 and lead <= 0xEF then
    length = 3
    low = lead == 0xE0 and 0xA0 or 0x80
    high = lead == 0xED and 0x9F or 0xBF
  elseif lead >= 0xF0 and lead <= 0xF4 then
    length = 4
    low = lead == 0xF0 and 0x90 or 0x80
    high = lead == 0xF4 and 0x8F or 0xBF
  end
  if not length or not second or second < low or second > high then
    return nil
  end
  for k = i + 2, i + length - 1 do
    local continuation = byte(s, k)
    if not continuation or continuation < 0x80 or continuation > 0xBF then
      return nil
    end
  end
  return length
end

--- Where a string stops being well-formed UTF-8.
-- @tparam string s
-- @treturn number|nil byte position of the first ill-formed sequence; nil when there is none
function utf8.invalid_at(s)
  local i = find(s, "[\128-\255]")
  while i do
    local length = sequence_length(s, i)
    if not length then
      return i
    end
    i = find(s, "[\128-\255]", i + length)
  end
  return nil
end

--- The UTF-8 encoding of a code point.
-- @tparam number code 0 to 0x10FFFF
-- @treturn string
function utf8.encode(code)
  local function tail(shift)
    return 0x80 + math.floor(code / 2 ^ shift) % 64
  end
  if code < 0x80 then
    return char(code)
  elseif code < 0x800 then
    return char(0xC0 + math.floor(code / 64), tail(0))
  elseif code < 0x10000 then
    return char(0xE0 + math.floor(code / 4096), tail(6), tail(0))
  end
  return char(0xF0 + math.floor(code / 262144), tail(12), tail(6), tail(0))
end

return utf8
