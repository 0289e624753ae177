-- DER, written from Lua: what `openssl` and other tools are too polite to write.

local der = {}

local function length(n)
  if n < 0x80 then
    return string.char(n)
  end
  local bytes = ""
  while n > 0 do
    bytes = string.char(n % 256) .. bytes
    n = math.floor(n / 256)
  end
  return string.char(0x80 + #bytes) .. bytes
end

--- One element.
-- @tparam number tag
-- @tparam string content
function der.element(tag, content)
  return string.char(tag) .. length(#content) .. content
end

function der.sequence(...)
  return der.element(0x30, table.concat({ ... }))
end

function der.set(...)
  return der.element(0x31, table.concat({ ... }))
end

--- [number], constructed.
function der.explicit(number, ...)
  return der.element(0xa0 + number, table.concat({ ... }))
end

--- [number], primitive.
function der.implicit(number, content)
  return der.element(0x80 + number, content)
end

--- A whole number that is not negative.
function der.integer(value)
  local bytes = ""
  repeat
    bytes = string.char(value % 256) .. bytes
    value = math.floor(value / 256)
  until value == 0
  if bytes:byte() >= 0x80 then
    bytes = "\0" .. bytes
  end
  return der.element(0x02, bytes)
end

function der.boolean(value)
  return der.element(0x01, value and "\255" or "\0")
end

function der.octets(content)
  return der.element(0x04, content)
end

--- Whole bytes, with `unused` bits at the end.
function der.bits(content, unused)
  return der.element(0x03, string.char(unused or 0) .. content)
end

function der.null()
  return "\5\0"
end

function der.utf8(text)
  return der.element(0x0c, text)
end

local function arc(value)
  local bytes = string.char(value % 128)
  value = math.floor(value / 128)
  while value > 0 do
    bytes = string.char(0x80 + value % 128) .. bytes
    value = math.floor(value / 128)
  end
  return bytes
end

--- An object identifier in dotted form.
function der.oid(dotted)
  local numbers = {}
  for number in dotted:gmatch("%d+") do
    numbers[#numbers + 1] = tonumber(number)
  end
  local content = arc(numbers[1] * 40 + numbers[2])
  for i = 3, #numbers do
    content = content .. arc(numbers[i])
  end
  return der.element(0x06, content)
end

--- A moment in the form that RFC 5280 demands: UTCTime up to 2049, GeneralizedTime later.
-- @tparam number at unix seconds
function der.time(at)
  if os.date("!%Y", at) < "2050" then
    return der.element(0x17, os.date("!%y%m%d%H%M%SZ", at))
  end
  return der.element(0x18, os.date("!%Y%m%d%H%M%SZ", at))
end

return der
