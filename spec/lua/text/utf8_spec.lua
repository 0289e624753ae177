local utf8 = require("weir.text.utf8")

describe("weir.text.utf8", function()
  it("accepts well-formed text", function()
    for _, s in ipairs({ "", "ascii", "é", "日本", "😀", "\239\191\189", "\244\143\191\191" }) do
      assert.is_nil(utf8.invalid_at(s))
    end
  end)

  it("says where text stops being well-formed", function()
    for s, at in pairs({
      ["a\255"] = 2,
      ["\128"] = 1,
      ["\192\175"] = 1,            -- overlong "/"
      ["\224\128\175"] = 1,        -- the same in three bytes
      ["é\237\160\128"] = 3,       -- a surrogate
      ["\244\144\128\128"] = 1,    -- above U+10FFFF
      ["ab\226\130"] = 3,          -- cut short
      ["\226\130x"] = 1,
    }) do
      assert.equal(at, utf8.invalid_at(s))
    end
  end)

  it("encodes code points of every length", function()
    for code, expected in pairs({
      [0x41] = "A", [0xE9] = "é", [0x20AC] = "€", [0x1F600] = "😀", [0x10FFFF] = "\244\143\191\191",
    }) do
      assert.equal(expected, utf8.encode(code))
      assert.is_nil(utf8.invalid_at(utf8.encode(code)))
    end
  end)
end)
