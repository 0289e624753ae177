local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("base/base64.h")

local function encode(text, alphabet, pad)
  local out = ffi.new("char[?]", 4 * math.floor((#text + 2) / 3) + 1)
  return ffi.string(out, C.base64_encode(http.str(text), alphabet, pad, out))
end

local function decode(text, alphabet)
  local out = ffi.new("unsigned char[?]", 3 * math.floor(#text / 4) + 2)
  local n = ffi.new("size_t[1]")
  if not C.base64_decode(http.str(text), alphabet, out, n) then
    return nil
  end
  return ffi.string(out, n[0])
end

-- RFC 4648 §10, and bytes that tell the alphabets apart.
local PAIRS = {
  [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
  foobar = "Zm9vYmFy", ["\0\255\254"] = "AP/+", ["\251\240"] = "+/A=",
}

describe("base/base64", function()
  it("encodes and decodes", function()
    for plain, encoded in pairs(PAIRS) do
      assert.equal(encoded, encode(plain, C.BASE64_STANDARD, true))
      assert.equal(encoded:gsub("=", ""), encode(plain, C.BASE64_STANDARD, false))
      assert.equal(plain, decode(encoded, C.BASE64_STANDARD))
      assert.equal(plain, decode((encoded:gsub("=", "")), C.BASE64_STANDARD))
      local url = encoded:gsub("[+/]", { ["+"] = "-", ["/"] = "_" })
      assert.equal(url, encode(plain, C.BASE64_URL, true))
      assert.equal(plain, decode(url, C.BASE64_URL))
    end
  end)

  it("keeps every byte at every place", function()
    for lead = 0, 3 do
      local text = ("x"):rep(lead)
      for i = 0, 255 do
        text = text .. string.char(i)
      end
      assert.equal(text, decode(encode(text, C.BASE64_URL, false), C.BASE64_URL))
    end
  end)

  it("refuses other characters and a rest that is no byte", function()
    for _, text in ipairs({ "a", "abcde", "ab*d", "ab d", "ab\n", "a=", "ab\0d", "ab\200" }) do
      assert.is_nil(decode(text, C.BASE64_STANDARD), text)
    end
    assert.is_nil(decode("+/A", C.BASE64_URL))
    assert.is_nil(decode("-_A", C.BASE64_STANDARD))
  end)

  it("ends at the first =", function()
    assert.equal("f", decode("Zg=*", C.BASE64_STANDARD))
    assert.equal("", decode("=", C.BASE64_STANDARD))
  end)
end)
