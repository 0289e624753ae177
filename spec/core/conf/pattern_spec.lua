local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("conf/pattern.h")

local NOT_SET = 2 ^ 64
local MATCH_LIMIT = -47 -- PCRE2_ERROR_MATCHLIMIT

local function compile(text, flags)
  local why = ffi.new("char[?]", C.PATTERN_WHY)
  local pattern = C.pattern_new(http.str(text), flags or 0, why)
  if pattern == nil then
    return nil, ffi.string(why)
  end
  return ffi.gc(pattern, C.pattern_free)
end

-- The number of groups, and their texts, [0] the match.
local function search(pattern, subject, from, again)
  local count = C.pattern_search(pattern, http.str(subject), from or 0, again or false)
  local offsets, found = C.pattern_offsets(pattern), {}
  for i = 0, count - 1 do
    local first = tonumber(offsets[2 * i])
    found[i] = first ~= NOT_SET and subject:sub(first + 1, tonumber(offsets[2 * i + 1]))
  end
  return count, found
end

local function matches(text, flags, subject)
  return (search(compile(text, flags), subject)) > 0
end

describe("pattern", function()
  it("gives groups, and says which are not set", function()
    local count, found = search(compile("(a)(b)?(c)(d)?"), "xac")
    assert.equal(4, count)
    assert.same({ [0] = "ac", "a", false, "c" }, found)
    assert.equal(4, C.pattern_groups(compile("(a)(b)?(c)(d)?")))
    assert.equal(C.PATTERN_NO_MATCH, (search(compile("b"), "a")))
  end)

  it("searches from a place on, with what lies before it in view", function()
    local pattern = compile("(?<=a)b")
    assert.equal(1, (search(pattern, "ab", 1)))
    assert.equal(C.PATTERN_NO_MATCH, (search(pattern, "ab", 2)))
    assert.equal(1, (search(compile("$"), "ab", 2)))
    assert.equal(1, (search(compile(""), "")))
  end)

  it("knows every flag", function()
    for _, case in ipairs({
      { "b", C.PATTERN_ANCHORED, "b", "ab" },
      { "b", C.PATTERN_CASELESS, "B", "c" },
      { "^b", C.PATTERN_MULTILINE, "a\nb", "ab" },
      { "a.b", C.PATTERN_DOTALL, "a\nb", "ab" },
      { "a b", C.PATTERN_EXTENDED, "ab", "a b" },
      { "^.$", C.PATTERN_UTF, "ä", "ab" },
      { "^.$", C.PATTERN_UTF_TRUSTED, "ä", "ab" },
      { "(?<n>a)|(?<n>b)", C.PATTERN_DUPNAMES, "b", "c" },
      { "^\\1(a)", C.PATTERN_JAVASCRIPT, "a", "b" },
      { "a|ab", C.PATTERN_LONGEST, "ab", "b" },
    }) do
      assert.is_true(matches(case[1], case[2], case[3]), case[1])
      assert.is_false(matches(case[1], case[2], case[4]), case[1])
    end
  end)

  it("takes the longest alternative when told, and no groups", function()
    local count, found = search(compile("(a|ab)(c|)", C.PATTERN_LONGEST), "xabc")
    assert.equal(1, count)
    assert.equal("abc", found[0])
  end)

  it("names groups", function()
    local pattern, name = compile("(?<year>\\d+)-(?P<month>\\d+)"), ffi.new("struct str")
    local names = {}
    for i = 0, 1 do
      local group = C.pattern_name(pattern, i, name)
      names[ffi.string(name.p, name.n)] = group
    end
    assert.same({ year = 1, month = 2 }, names)
    assert.equal(0, C.pattern_name(pattern, 2, name))
  end)

  it("explains what it does not take", function()
    assert.same({ nil, 'pcre2_compile() failed: missing closing parenthesis in "(a"' },
      { compile("(a") })
    local _, why = compile("a**b")
    assert.matches('^pcre2_compile%(%) failed: [^"]+ in "a%*%*b" at "%*b"$', why)
    _, why = compile("(" .. ("long"):rep(1000))
    assert.equal(C.PATTERN_WHY - 1, #why)
    _, why = compile("\\C", C.PATTERN_UTF)
    assert.matches("using \\C is disabled", why, 1, true)
  end)

  it("goes on after a match", function()
    local pattern = compile("(?<=,)\\w", C.PATTERN_UTF)
    local _, found = search(pattern, "ä,b,c", 0)
    assert.equal("b", found[0])
    _, found = search(pattern, "ä,b,c", 4, true)
    assert.equal("c", found[0])
    assert.equal(C.PATTERN_NO_MATCH, (search(pattern, "ä,b,c", 6, true)))
  end)

  it("refuses a subject that is no UTF-8", function()
    assert.is_true((search(compile("a", C.PATTERN_UTF), "a\255")) < -1)
    assert.equal(1, (search(compile("a", 0), "a\255")))
  end)

  describe("bounds", function()
    it("an explosion at one place", function()
      assert.equal(MATCH_LIMIT, (search(compile("(x+)+$[yz]"), ("x"):rep(60))))
      assert.equal(MATCH_LIMIT, (search(compile("(x+)+$[yz]", C.PATTERN_ANCHORED), ("x"):rep(60))))
    end)

    it("much work at each of many places", function()
      local pattern = compile("x*?x*?x*?[yz]")
      assert.equal(MATCH_LIMIT, (search(pattern, ("x"):rep(100000))))
    end)

    it("patterns that must be searched for in one go", function()
      for _, text in ipairs({ "\\G(x+)+$[yz]", "(x+)+$[yz](*COMMIT)" }) do
        assert.equal(MATCH_LIMIT, (search(compile(text), ("x"):rep(60))), text)
      end
    end)

    it("the DFA", function()
      local pattern = compile("(?:x|xx)*[yz]", C.PATTERN_LONGEST)
      assert.equal(MATCH_LIMIT, (search(pattern, ("x"):rep(1000000))))
      assert.equal(1, (search(pattern, ("x"):rep(1000) .. "y")))
    end)

    it("all found_count of a subject together", function()
      local pattern, subject = compile("(?:x+x+)+z|y"), (("x"):rep(14) .. "y"):rep(60000)
      local count, from, found_count = 1, 0, 0
      while count > 0 do
        count = C.pattern_search(pattern, http.str(subject), from, found_count > 0)
        from = from + 15
        found_count = found_count + 1
      end
      assert.equal(MATCH_LIMIT, count)
      assert.is_true(found_count > 1 and found_count < 60000)
      assert.equal(1, (search(pattern, subject)))
    end)

    it("and no honest search through a long text", function()
      local long = ("x"):rep(300000)
      assert.equal(2, (search(compile("(.*)[yz]"), long .. "y")))
      assert.equal(1, (search(compile("a.*?b"), long .. "a" .. long .. "b")))
      assert.equal(1, (search(compile("ö\\w", C.PATTERN_UTF), ("ä"):rep(100000) .. "öx")))
      assert.equal(C.PATTERN_NO_MATCH, (search(compile("(?:y|z)+?q"), long)))
    end)

    it("no place when it goes on piece by piece", function()
      -- The first place takes more steps than the first attempt allows for each.
      local costly = "a*?a*?b"
      local subject = ("a"):rep(300) .. ("ä"):rep(50000) .. "ab"
      local _, found = search(compile(costly .. "$", C.PATTERN_UTF), subject)
      assert.equal("ab", found[0])
    end)
  end)
end)
