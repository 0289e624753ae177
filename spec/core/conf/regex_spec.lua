local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("conf/regex.h")

local set, why

local function compile(pattern, flags)
  return C.regex_compile(set, http.str(pattern), flags or 0, why)
end

-- The end of the match, and the groups as text.
local function match(regex, text)
  local capture, groups = ffi.new("int[?]", 2 * C.REGEX_MAX_GROUPS), ffi.new("unsigned[1]")
  local n = C.regex_match(regex, http.str(text), capture, groups)
  local found = {}
  for i = 0, n >= 0 and groups[0] - 1 or -1 do
    local from = capture[2 * i]
    found[i + 1] = from >= 0 and text:sub(from + 1, capture[2 * i + 1])
  end
  return n, found
end

describe("regular expression", function()
  before_each(function()
    set, why = ffi.new("struct regex_set"), ffi.new("char[256]")
  end)

  it("names groups", function()
    local regex = compile("(a)(?<x>b)(?<y_1>c)")
    local found, name = {}, ffi.new("struct str")
    for i = 0, 2 do
      local group = C.regex_name(regex, i, name)
      found[i + 1] = { group, group > 0 and ffi.string(name.p, name.n) or nil }
    end
    assert.same({ { 2, "x" }, { 3, "y_1" }, { 0 } }, found)
    assert.equal(0, C.regex_name(compile("(a)"), 0, name))
  end)

  after_each(function()
    C.regex_set_done(set)
  end)

  it("matches anywhere, or at the start only", function()
    assert.equal(3, (match(compile("b+"), "abb")))
    assert.equal(C.REGEX_NO_MATCH, (match(compile("b+", C.REGEX_ANCHORED), "abb")))
    assert.equal(C.REGEX_NO_MATCH, (match(compile("x|b+", C.REGEX_ANCHORED), "abb")))
    assert.equal(0, (match(compile(""), "")))
  end)

  it("minds the case, or not", function()
    assert.equal(C.REGEX_NO_MATCH, (match(compile("^v\\d$"), "V1")))
    assert.equal(2, (match(compile("^v\\d$", C.REGEX_CASELESS), "V1")))
    assert.equal(C.REGEX_NO_MATCH, (match(compile("^v\\S$", C.REGEX_CASELESS), "V ")))
  end)

  it("ends where the text ends, not before a last line end", function()
    assert.equal(C.REGEX_NO_MATCH, (match(compile("a$"), "a\n")))
  end)

  it("gives the groups", function()
    assert.same({ "a", false, "c" },
      { unpack(select(2, match(compile("(a)(b)?(c)(d)?"), "ac")), 1, 3) })
    local _, groups = match(compile(("(.)"):rep(34)), "abcdefghijklmnopqrstuvwxyz12345678")
    assert.equal("abcdefghijklmnopqrstuvwxyz123456", table.concat(groups))
    assert.equal("a", select(2, match(compile("(?P<name>a)"), "a"))[1])
  end)

  it("gives up", function()
    local regex = compile("(a+)+$")
    assert.equal(C.REGEX_GAVE_UP, (match(regex, ("a"):rep(60) .. "b")))
    assert.equal(3, (match(regex, "aaa")))
  end)

  it("takes long texts", function()
    assert.equal(8192, (match(compile("(?:a|b)*"), ("ab"):rep(4096))))
  end)

  it("says why it does not take a pattern", function()
    for _, pattern in ipairs({ "(", "[", "*", "\\C", "a{2,1}", "(?<n>a)(?<n>b)" }) do
      assert.is_true(compile(pattern) == nil)
      assert.is_truthy(ffi.string(why):find("at offset %d"))
    end
  end)
end)
