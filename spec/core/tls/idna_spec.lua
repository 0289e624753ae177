local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/idna.h")

local function ascii(text)
  local out, why = ffi.new("char[?]", C.IDNA_MAX + 1), ffi.new("char[?]", C.IDNA_WHY)
  local err = C.idna_ascii(ffi.new("struct str", { ffi.cast("const char *", text), #text }), out,
    why)
  if err ~= nil then
    assert.equal("address", ffi.string(err.code))
    return nil, ffi.string(why)
  end
  return ffi.string(out), ffi.string(why)
end

describe("idna", function()
  it("writes names as DNS and certificates have them", function()
    for text, expected in pairs({
      ["bücher.example"] = "xn--bcher-kva.example",
      ["BÜCHER.Example"] = "xn--bcher-kva.example",
      ["bu\204\136cher.example"] = "xn--bcher-kva.example", -- u and a combining diaeresis
      ["bücher.example."] = "xn--bcher-kva.example.",
      ["例え.テスト"] = "xn--r8jz45g.xn--zckzah",
      ["bücher。example"] = "xn--bcher-kva.example", -- an ideographic full stop
      ["a_b.bücher"] = "a_b.xn--bcher-kva",
      ["www.xn--bcher-kva.bücher"] = "www.xn--bcher-kva.xn--bcher-kva",
    }) do
      assert.same({ expected, "" }, { ascii(text) })
    end
  end)

  it("keeps apart what IDNA 2008 keeps apart", function()
    assert.equal("xn--strae-oqa.example", ascii("straße.example"))
    assert.equal("xn--fa-hia.example", ascii("faß.example"))
  end)

  for what, case in pairs({
    ["a byte that is no UTF-8"] = { "b\252cher.example", "encoding" },
    ["a cut character"] = { "b\195", "encoding" },
    ["a NUL"] = { "bü\0.example", "NUL" },
    ["a symbol"] = { "☃.example", "disallowed" },
    ["a joiner out of its place"] = { "a\226\128\141b.example", "context%-j" },
    ["a character that stands for a slash"] = { "℀.example", "names do not have" },
    ["a colon of full width"] = { "ü.example：80", "." },
    ["a space"] = { "b ü", "." },
    ["an address in digits of full width"] = { "１２７.０.０.１", "address" },
    ["a number that is an address"] = { "２１３０７０６４３３", "address" },
    ["a label that is too long"] = { ("ü"):rep(64) .. ".example", "too large" },
    ["a name that is too long"] = { ("bücher."):rep(25) .. "example", "long" },
    ["what cannot be any name"] = { ("ü"):rep(600), "long" },
    ["a wrong A-label beside it"] = { "ü.xn--b\195\188", "." },
  }) do
    it("refuses " .. what, function()
      local out, why = ascii(case[1])
      assert.is_nil(out)
      assert.matches(case[2], why)
    end)
  end
end)
