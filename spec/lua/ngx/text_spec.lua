-- Functions of ngx on texts: base64, digests, URIs, SQL.

local base64 = require("weir.ngx.base64")
local base64url = require("ngx.base64")
local digest = require("weir.ngx.digest")
local quoting = require("weir.ngx.quoting")
local uri = require("weir.ngx.uri")

describe("ngx.encode_base64 and decode_base64", function()
  it("are each other's inverse", function()
    assert.equal("Zm9vYg==", base64.encode_base64("foob"))
    assert.equal("Zm9vYg", base64.encode_base64("foob", true))
    assert.equal("MTI=", base64.encode_base64(12))
    assert.equal("foob", base64.decode_base64("Zm9vYg=="))
    assert.equal("foob", base64.decode_base64("Zm9vYg"))
    assert.equal("", base64.decode_base64(""))
    local long = ("0123456789"):rep(1000)
    assert.equal(long, base64.decode_base64(base64.encode_base64(long)))
  end)

  it("refuse what is no base64", function()
    assert.is_nil(base64.decode_base64("a"))
    assert.is_nil(base64.decode_base64("ab*d"))
    assert.is_nil(base64.decode_base64("Z=g="))
    assert.has_error(function() base64.decode_base64(1) end, "string argument only")
  end)

  it("have siblings for URLs", function()
    assert.equal("-_A", base64url.encode_base64url("\251\240"))
    assert.equal("\251\240", base64url.decode_base64url("-_A"))
    assert.equal("\251\240", base64url.decode_base64url("-_A="))
    assert.same({ nil, "invalid input" }, { base64url.decode_base64url("+/A") })
    assert.has_error(function() base64url.encode_base64url(1) end, "must provide a string")
    assert.has_error(function() base64url.decode_base64url() end, "must provide a string")
  end)
end)

describe("ngx's digests", function()
  it("are those of the standards", function()
    assert.equal("5d41402abc4b2a76b9719d911017c592", digest.md5("hello"))
    assert.equal("\93\65\64\42", digest.md5_bin("hello"):sub(1, 4))
    assert.equal("\170\244\198\29", digest.sha1_bin("hello"):sub(1, 4))
    assert.equal(20, #digest.hmac_sha1("key", "text"))
    assert.equal("3nybhbi3iqa8ino29wqQcBydtNk=",
      base64.encode_base64(digest.hmac_sha1("key", "The quick brown fox jumps over the lazy dog")))
    assert.equal("202cb962ac59075b964b07152d234b70", digest.md5(123))
  end)

  it("include CRC-32", function()
    assert.equal(3421780262, digest.crc32_long("123456789"))
    assert.equal(907060870, digest.crc32_short("hello"))
    assert.equal(0, digest.crc32_short(""))
    assert.equal(4278190080, digest.crc32_long("\255"))
  end)
end)

describe("ngx.escape_uri and unescape_uri", function()
  it("escape a component", function()
    assert.equal("a%20b%2F%3F%26%3D%2B%C3%A4-._~Z9", uri.escape_uri("a b/?&=+ä-._~Z9"))
    assert.equal("%00%7F", uri.escape_uri("\0\127"))
    assert.equal("1", uri.escape_uri(1))
    assert.equal("%21%2A%27%28%29", uri.escape_uri("!*'()", 2))
  end)

  it("escape a whole URI", function()
    assert.equal("http://a/b%20c%3Fd=1&e%23%25%C3%A4", uri.escape_uri("http://a/b c?d=1&e#%ä", 0))
    assert.equal("%00%1F%7F", uri.escape_uri("\0\31\127", 0))
    assert.has_error(function() uri.escape_uri("", 3) end, '"type" 3 out of range')
    assert.has_error(function() uri.escape_uri("", "x") end, '"type" is not number')
  end)

  it("undo it, and leave alone what is not well-formed", function()
    assert.equal("a b/c+ä", uri.unescape_uri("a+b%2Fc%2b%C3%A4"))
    assert.equal("try %search% %again%", uri.unescape_uri("try %search%%20%again%"))
  end)
end)

describe("ngx.encode_args and decode_args", function()
  it("write arguments", function()
    assert.equal("a=1&b&d=x%20y&d=2&d", uri.encode_args({
      a = 1, b = true, c = false, d = { "x y", 2, true },
    }))
    assert.equal("", uri.encode_args({}))
    assert.equal("a%26=%3D", uri.encode_args({ ["a&"] = "=" }))
  end)

  it("raise ngx_lua's errors", function()
    assert.has_error(function() uri.encode_args("x") end,
      "bad argument #1 to 'encode_args' (table expected, got string)")
    assert.has_error(function() uri.encode_args({ "x" }) end,
      'attempt to use a non-string key in the "args" option table')
    assert.has_error(function() uri.encode_args({ a = print }) end,
      "attempt to use function as query arg value")
    assert.has_error(function() uri.encode_args({ a = { {} } }) end,
      "attempt to use table as query arg value")
  end)

  it("read them", function()
    assert.same({ a = { "1", "2" }, b = true, c = "", ["d e"] = "f g" },
      uri.decode_args("a=1&b&a=2&c=&d+e=f%20g&=x"))
    local many = ("a=1&"):rep(150)
    local args, err = uri.decode_args(many)
    assert.equal(100, #args.a)
    assert.equal("truncated", err)
    args, err = uri.decode_args(many, 0)
    assert.equal(150, #args.a)
    assert.is_nil(err)
    assert.same({ { a = "1" }, "truncated" }, { uri.decode_args("a=1&b=2", 1) })
  end)
end)

describe("ngx.quote_sql_str", function()
  it("makes a literal", function()
    assert.equal([['it\'s \"x\" \\ \0\b\n\r\t\Z %']],
      quoting.quote_sql_str("it's \"x\" \\ \0\b\n\r\t\26 %"))
    assert.equal("''", quoting.quote_sql_str(""))
    assert.equal("'1'", quoting.quote_sql_str(1))
  end)
end)
