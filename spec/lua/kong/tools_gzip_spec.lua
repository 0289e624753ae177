describe("kong.tools.gzip", function()
  local gzip = require("kong.tools.gzip")

  it("compresses and inflates texts of any length", function()
    for _, text in ipairs({ "", "x", ("0123456789"):rep(50000) }) do
      local packed = gzip.deflate_gzip(text)
      assert.equal("\31\139", packed:sub(1, 2))
      assert.equal(text, gzip.inflate_gzip(packed))
    end
  end)

  it("gives nothing of a text that is cut, and says so", function()
    local packed = gzip.deflate_gzip(("0123456789"):rep(50000))
    assert.same({ nil, "it ends too early" }, { gzip.inflate_gzip(packed:sub(1, -9)) })
    assert.same({ nil, "incorrect header check" }, { gzip.inflate_gzip("plain text") })
  end)
end)
