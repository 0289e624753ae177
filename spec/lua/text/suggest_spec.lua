local suggest = require("weir.text.suggest")

describe("weir.text.suggest", function()
  local NAMES = { "tls_verify", "tls_verify_depth", "host", "hosts", "port" }

  it("finds the name that was meant", function()
    for word, expected in pairs({
      tls_verfy = "tls_verify",
      tls_verify_dept = "tls_verify_depth",
      ["tls-verify"] = "tls_verify",
      hsot = "host",
      Prot = "port",
    }) do
      assert.equal(expected, suggest.nearest(word, NAMES))
    end
  end)

  it("prefers the nearer, then the alphabetically first", function()
    assert.equal("hosts", suggest.nearest("hostz", { "hosts", "hostess" }))
    assert.equal("a1", suggest.nearest("a3", { "a2", "a1" }))
  end)

  it("finds nothing when nothing is near", function()
    for _, word in ipairs({ "zzz", "", "x", ("h"):rep(100) }) do
      assert.is_nil(suggest.nearest(word, NAMES))
    end
    assert.is_nil(suggest.nearest(5, NAMES))
    assert.is_nil(suggest.nearest("host", {}))
  end)

  it("makes a phrase of it, or nothing", function()
    assert.equal(" (did you mean 'host'?)", suggest.phrase("hots", { "host" }))
    assert.equal("", suggest.phrase("zzz", NAMES))
  end)
end)
