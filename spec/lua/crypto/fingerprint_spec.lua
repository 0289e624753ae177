-- Digests of values by content.

require("spec.support.fake_abi").install()
local fingerprint = require("weir.crypto.fingerprint")

describe("weir.crypto.fingerprint", function()
  it("is 64 hexadecimal digits", function()
    assert.matches("^" .. ("%x"):rep(64) .. "$", fingerprint.of({ a = 1 }))
    assert.matches("^" .. ("%x"):rep(64) .. "$", fingerprint.of_text("text"))
  end)

  it("does not depend on how a table was filled", function()
    local forth, back = {}, {}
    for i = 1, 100 do
      forth["key" .. i] = i
    end
    for i = 100, 1, -1 do
      back["key" .. i] = i
    end
    assert.equal(fingerprint.of(forth), fingerprint.of(back))
  end)

  local different = {
    { { a = 1 }, { a = 2 } },
    { { a = 1 }, { a = "1" } },
    { { a = true }, { a = "true" } },
    { { "a", "b" }, { "b", "a" } },
    { { "ab", "c" }, { "a", "bc" } },
    { { { "a" }, "b" }, { { "a", "b" } } },
    { { a = { b = 1 } }, { a = 1, b = {} } },
    { { [1] = "x" }, { ["1"] = "x" } },
    { { a = 0.1 }, { a = 0.1 + 2 ^ -55 } },
    { {}, { {} } },
  }
  for i, pair in ipairs(different) do
    it("differs for different content, pair " .. i, function()
      assert.not_equal(fingerprint.of(pair[1]), fingerprint.of(pair[2]))
    end)
  end

  it("has none for what has no content", function()
    assert.has_error(function() fingerprint.of({ print }) end, "a function has no fingerprint")
  end)
end)
