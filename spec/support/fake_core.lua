-- Stands in for weir.core where the core is not built: SHA-1 in Lua, certificates and keys as
-- words.
--
-- A "certificate" is a line like `CERT ca=true name=root not_after=2000000000`, a "key" a line `KEY
-- name=root`.
local bit = require("bit")

local fake = {}

local function rounds(w, h)
  local a, b, c, d, e = unpack(h)
  for i = 0, 79 do
    local f, k
    if i < 20 then
      f, k = bit.bor(bit.band(b, c), bit.band(bit.bnot(b), d)), 0x5A827999
    elseif i < 40 then
      f, k = bit.bxor(b, c, d), 0x6ED9EBA1
    elseif i < 60 then
      f, k = bit.bor(bit.band(b, c), bit.band(b, d), bit.band(c, d)), 0x8F1BBCDC
    else
      f, k = bit.bxor(b, c, d), 0xCA62C1D6
    end
    a, b, c, d, e = bit.tobit(bit.rol(a, 5) + f + e + k + w[i]), a, bit.rol(b, 30), c, d
  end
  for i, v in ipairs({ a, b, c, d, e }) do
    h[i] = bit.tobit(h[i] + v)
  end
end

local function be32(n)
  return string.char(bit.band(bit.rshift(n, 24), 255), bit.band(bit.rshift(n, 16), 255),
    bit.band(bit.rshift(n, 8), 255), bit.band(n, 255))
end

function fake.sha1(s)
  local h = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 }
  local padded = s .. "\128" .. ("\0"):rep((55 - #s) % 64) .. be32(0) .. be32(#s * 8)
  for at = 1, #padded, 64 do
    local w = {}
    for i = 0, 15 do
      local a, b, c, d = padded:byte(at + i * 4, at + i * 4 + 3)
      w[i] = bit.bor(bit.lshift(a, 24), bit.lshift(b, 16), bit.lshift(c, 8), d)
    end
    for i = 16, 79 do
      w[i] = bit.rol(bit.bxor(w[i - 3], w[i - 8], w[i - 14], w[i - 16]), 1)
    end
    rounds(w, h)
  end
  return be32(h[1]) .. be32(h[2]) .. be32(h[3]) .. be32(h[4]) .. be32(h[5])
end

function fake.random(n)
  local bytes = {}
  for i = 1, n do
    bytes[i] = string.char(math.random(0, 255))
  end
  return table.concat(bytes)
end

local function hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

function fake.x509_info(pem)
  local list = {}
  for line in pem:gmatch("CERT [^\n]*") do
    list[#list + 1] = {
      not_before = tonumber(line:match("not_before=(%d+)") or 0),
      not_after = tonumber(line:match("not_after=(%d+)") or 4102444800),
      is_ca = line:find("ca=true", 1, true) ~= nil,
      subject = "CN=" .. (line:match("name=(%S+)") or "?"),
      sha256 = hex(fake.sha1(line)),
    }
  end
  if #list == 0 then
    return nil, "no PEM certificate found"
  end
  return list
end

-- `issuer=` is the name's own without one; `names=`, `key_id=` and `issuer_key_id=` may be missing.
function fake.x509_describe(pem)
  local list, err = fake.x509_info(pem)
  if not list then
    return nil, err
  end
  local i = 0
  for line in pem:gmatch("CERT [^\n]*") do
    i = i + 1
    local entry = list[i]
    entry.issuer = "CN=" .. (line:match("issuer=(%S+)") or line:match("name=(%S+)") or "?")
    entry.names = line:match("names=(%S+)")
    entry.key_id = line:match(" key_id=(%S+)")
    entry.issuer_key_id = line:match("issuer_key_id=(%S+)")
    entry.key_type, entry.key_group, entry.key_bits = "EC", "P-256", 256
    entry.signature, entry.serial, entry.version = "ecdsa-with-SHA256", "01", 3
  end
  return list
end

function fake.keypair_check(cert, key)
  if cert:match("name=(%S+)") == key:match("name=(%S+)") then
    return true
  end
  return nil, "certificate does not match key"
end

-- Knows two names.
local ASCII = {
  ["bücher"] = "xn--bcher-kva", ["bücher.example"] = "xn--bcher-kva.example",
}

function fake.host_ascii(name)
  return ASCII[name], not ASCII[name] and "no such name" or nil
end

function fake.regex_check(pattern)
  if pattern:find("(", 1, true) and not pattern:find(")", 1, true) then
    return nil, "missing closing parenthesis"
  end
  return true
end

function fake.versions()
  return { { name = "weir", version = "0.1.0" }, { name = "OpenSSL", version = "3.0" } }
end

--- Makes `require "weir.core"` answer with this module, for the modules that load after this call.
function fake.install()
  package.loaded["weir.core"] = fake
  return fake
end

return fake
