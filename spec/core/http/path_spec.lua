local ffi = require("ffi")
local http = require("spec.support.http")
local C, str, text = http.C, http.str, http.text

local function normalise(path)
  local out, given = ffi.new("struct str"), str(path)
  local err = C.path_normalise(http.arena(), given, out)
  if err ~= nil then
    return nil, ffi.string(err.code)
  end
  return text(out), out.p == given.p
end

describe("path", function()
  local rows = {
    -- Kept as it is.
    { "/", "/" }, { "/a", "/a" }, { "/a/", "/a/" }, { "/a.b/c..d/e.", "/a.b/c..d/e." },
    { "/a%2Fb", "/a%2Fb" },
    { "/a;b=c,d:e@f!$&'()*+[]", "/a;b=c,d:e@f!$&'()*+[]" }, { "/%25", "/%25" },
    { "/%252e", "/%252e" },
    { "/...", "/..." }, { "/.a", "/.a" }, { "/..a", "/..a" }, { "/a../b", "/a../b" },
    -- Escapes.
    { "/%61", "/a" }, { "/%7euser", "/~user" }, { "/%41%2d%2E%5f", "/A-._" },
    { "/a%2fb", "/a%2Fb" },
    { "/%c3%a4", "/%C3%A4" }, { "/%2e%2e/a", "/a" }, { "/a/%2E./b", "/b" }, { "/%20", "/%20" },
    { "/%3f", "/%3F" },
    { "/a|b", "/a%7Cb" }, { "/{a}\"<>^`\\", "/%7Ba%7D%22%3C%3E%5E%60%5C" }, { "/a b", "/a%20b" },
    { "/\195\164", "/%C3%A4" },
    -- Dot segments.
    { "/a/../b", "/b" }, { "/a/..", "/" }, { "/a/../", "/" }, { "/a/b/..", "/a/" },
    { "/a/b/../c", "/a/c" },
    { "/..", "/" }, { "/../..", "/" }, { "/../a", "/a" }, { "/a/../../b", "/b" }, { "/.", "/" },
    { "/./", "/" },
    { "/./a", "/a" }, { "/a/.", "/a/" }, { "/a/./b", "/a/b" }, { "/a/b/./../c/", "/a/c/" },
    { "/%2e", "/" },
    { "/a/%2e%2e", "/" },
    -- Slashes.
    { "//", "/" }, { "//a///b", "/a/b" }, { "/a//", "/a/" }, { "/a//../b", "/b" },
    { "/a/b//..//c", "/a/c" },
    { "//..//", "/" }, { "///.///..///a", "/a" },
  }
  for _, row in ipairs(rows) do
    it(("%q becomes %q"):format(row[1], row[2]), function()
      local path, same = normalise(row[1])
      assert.equal(row[2], path)
      assert.equal(row[1] == row[2] and not row[1]:find("%", 1, true)
        and not row[1]:find("/.", 1, true), same)
      assert.equal(path, (normalise(path)))
    end)
  end

  local broken = { "", "a", "*", "?", "a/b", "/%", "/%4", "/a%0", "/%zz", "/%4g", "/%00", "/\0" }
  for _, path in ipairs(broken) do
    it(("%q is refused"):format(path), function()
      local out, code = normalise(path)
      assert.is_nil(out)
      assert.equal("bad_request", code)
    end)
  end
end)
