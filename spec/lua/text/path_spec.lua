local path = require("weir.text.path")

describe("weir.text.path", function()
  it("checks characters and escapes", function()
    for _, s in ipairs({ "/", "/a/b", "/a%20b", "/~x", "/a:@!$&'()*+,;=-._" }) do
      assert.is_true(path.check(s))
    end
    local _, err = path.check("/a b")
    assert.equal("invalid path: '/a b' "
      .. "(characters outside of the reserved list of RFC 3986 found)", err)
    for s, bad in pairs({ ["/%zz/a"] = "%zz", ["/a%"] = "%", ["/a%2"] = "%2" }) do
      _, err = path.check(s)
      assert.equal(("invalid url-encoded value: '%s'"):format(bad), err)
    end
  end)

  it("normalizes", function()
    for s, expected in pairs({
      ["/"] = "/",
      ["/a/./b"] = "/a/b",
      ["/a/../b"] = "/b",
      ["/a/.."] = "/",
      ["/a/."] = "/a/",
      ["/../a"] = "/a",
      ["/a/"] = "/a/",
      ["/%7eb"] = "/~b",
      ["/%2f"] = "/%2F",
      ["/a%2e%2e/b"] = "/a../b",
      ["/a/%2e%2e/b"] = "/b",
    }) do
      assert.equal(expected, path.normalize(s), s)
    end
  end)
end)
