local compiled = require("spec.support.compiled")
local re = require("weir.ngx.re")

-- What an iterator gives, up to its end or an error.
local function all(...)
  local list = {}
  for captures, err in assert(re.gmatch(...)) do
    list[#list + 1] = captures[0]
    assert.is_nil(err)
  end
  return list
end

describe("ngx.re.match", function()
  it("gives the match and its groups, false for those that are not set", function()
    assert.same({ [0] = "hello, 1234", "1234" }, re.match("say hello, 1234", "hello, (\\d+)"))
    assert.same({ [0] = "ac", "a", false, "c", false }, re.match("ac", "(a)(b)?(c)(d)?"))
    assert.is_nil((re.match("abc", "\\d")))
    assert.same({ [0] = "" }, re.match("", ""))
    assert.same({ [0] = "12" }, re.match(4125, "12"))
  end)

  it("gives named groups by name, too", function()
    assert.same({ [0] = "2024-05", "2024", "05", year = "2024", month = "05" },
      re.match("2024-05", "(?<year>\\d+)-(?<month>\\d+)"))
    assert.same({ [0] = "a", "a", false, x = "a", y = false },
      re.match("a", "(?<x>a)|(?<y>b)"))
  end)

  it("gives lists for names that several groups have", function()
    local pattern = "(?<n>a)(?<n>b)?(?<n>c)"
    assert.same({ [0] = "ac", "a", false, "c", n = { "a", "c" } }, re.match("ac", pattern, "D"))
    local res = { n = "old", other = 1 }
    assert.equal(res, (re.match("abc", pattern, "D", nil, res)))
    assert.same({ [0] = "abc", "a", "b", "c", n = { "a", "b", "c" }, other = 1 }, res)
    assert.matches("two named subpatterns have the same name", select(2, re.match("a", pattern)))
  end)

  it("begins at ctx.pos, and says there where it ended", function()
    local ctx = { pos = 3 }
    assert.equal("34", re.match("12, 34", "\\d+", "", ctx)[0])
    assert.equal(7, ctx.pos)
    assert.is_nil((re.match("12, 34", "\\d+", "", ctx)))
    assert.equal(7, ctx.pos)
    ctx.pos = 8
    assert.is_nil((re.match("12, 34", "", "", ctx)))
    assert.equal(8, ctx.pos)
    for _, pos in ipairs({ 0, -5 }) do
      assert.equal("12", re.match("12", "\\d+", "a", { pos = pos })[0])
    end
    local empty = {}
    re.match("ab", "a", nil, empty)
    assert.equal(2, empty.pos)
  end)

  it("fills a table that it is given", function()
    local res = { [0] = "x", "y", "z" }
    assert.equal(res, (re.match("ab", "(a)(c)?", "jo", nil, res)))
    assert.same({ [0] = "a", "a", false }, res)
  end)

  it("minds its options", function()
    for _, case in ipairs({
      { "B", "b", "i" }, { "a\nb", "^b", "m" }, { "a\nb", "a.b", "s" }, { "ab", "a b", "x" },
      { "é", "^.$", "u" }, { "é", "^.$", "U" }, { "ab", "ab", "jo" }, { "ab", "a", "aijo" },
      { "A\nb", "a . b", "xsi" }, { "a", "\\1(a)", "J" },
    }) do
      assert.is_truthy(re.match(case[1], case[2], case[3]), case[2])
    end
    assert.is_nil((re.match("xb", "b", "a")))
    assert.equal("ab", re.match("ab", "a|ab", "d")[0])
    assert.equal("a", re.match("ab", "a|ab")[0])
    assert.has_error(function() re.match("a", "a", "jq") end, 'unknown flag "q" (flags "jq")')
  end)

  it("does not take an expression with other options for the same", function()
    assert.is_nil((re.match("A", "a", "")))
    assert.is_truthy(re.match("A", "a", "i"))
    assert.is_nil((re.match("A", "a")))
  end)

  it("returns what is wrong with a pattern or a subject", function()
    assert.same({ nil, 'pcre2_compile() failed: missing closing parenthesis in "(a"' },
      { re.match("a", "(a") })
    local found, err = re.match("\255", ".", "u")
    assert.is_nil(found)
    assert.matches("^pcre_exec%(%) failed: %-%d+$", err)
    assert.same({ nil, "pcre_exec() failed: -47" }, { re.match(("x"):rep(60), "(x+)+$[yz]") })
  end)

  it("keeps as many expressions as it says, and makes those that were dropped anew", function()
    for i = 1, 3000 do
      assert.equal("a" .. i, re.match("a" .. i, "^a" .. i .. "$", "jo")[0])
    end
    assert.equal("a1", re.match("a1", "^a1$", "jo")[0])
  end)

  it("is compiled by LuaJIT", function()
    local count, res = 0, {}
    local made, refused = compiled(function()
      if re.match("key=value", "^(\\w+)=(\\w*)$", "jo", nil, res) and re.find("a-b", "-", "jo") then
        count = count + #re.gsub("a-b-c", "-", "+", "jo")
      end
    end)
    assert.equal(1500, count)
    assert.is_true(made > 0)
    assert.same({}, refused)
  end)
end)

describe("ngx.re.find", function()
  it("says where the match, or a group, lies", function()
    assert.same({ 5, 9 }, { re.find("say hello", "hello") })
    assert.same({ 5, 6 }, { re.find("say hello", "(he)(l)(x)?", "", nil, 1) })
    assert.same({ 7, 7 }, { re.find("say hello", "(he)(l)(x)?", "", nil, 2) })
    assert.same({ 1, 0 }, { re.find("abc", "") })
    assert.same({}, { re.find("say hello", "(he)(l)(x)?", "", nil, 3) })
    assert.same({ nil, nil, "nth out of bound" }, { re.find("say hello", "(he)", "", nil, 2) })
    assert.is_nil((re.find("a", "b")))
  end)

  it("goes on from ctx.pos", function()
    local ctx, found = {}, {}
    while true do
      local from, to = re.find("a1b22c333", "\\d+", "jo", ctx)
      if not from then
        break
      end
      found[#found + 1] = from .. "-" .. to
    end
    assert.same({ "2-2", "4-5", "7-9" }, found)
  end)

  it("returns what is wrong", function()
    assert.same({ nil, nil, 'pcre2_compile() failed: quantifier does not follow a repeatable item '
      .. 'in "*" at "*"' }, { re.find("a", "*") })
  end)
end)

describe("ngx.re.gmatch", function()
  it("gives all matches", function()
    assert.same({ "1", "22", "333" }, all("1, 22, 333", "\\d+", "jo"))
    assert.same({}, all("abc", "\\d"))
    assert.same({ [0] = "k=v", "k", "v" }, re.gmatch("k=v", "(\\w)=(\\w)")())
  end)

  it("goes on behind empty matches, and does not split a character", function()
    assert.same({ "", "", "" }, all("ab", ""))
    assert.same({ "", "aa", "", "" }, all("baab", "a*"))
    assert.same({ "", "", "" }, all("äö", "", "u"))
  end)

  it("ends with an error, once", function()
    local iterator = re.gmatch(("x"):rep(60), "(x+)+$[yz]")
    assert.same({ nil, "pcre_exec() failed: -47" }, { iterator() })
    assert.is_nil((iterator()))
    assert.matches("pcre2_compile", select(2, re.gmatch("a", "(")))
  end)
end)

describe("ngx.re.sub and gsub", function()
  it("replace one match, or all", function()
    assert.same({ "x-b-a", 1 }, { re.sub("a-b-a", "a", "x") })
    assert.same({ "x-b-x", 2 }, { re.gsub("a-b-a", "a", "x") })
    assert.same({ "abc", 0 }, { re.gsub("abc", "\\d", "x") })
    assert.same({ "", 1 }, { re.gsub("aaa", "a+", "") })
    assert.same({ "2-b-2", 2 }, { re.gsub("a-b-a", "a", 2) })
  end)

  it("put groups where the text says", function()
    assert.same({ "[hello][h]", 1 }, { re.sub("hello", "(h)ello", "[$0][$1]") })
    assert.same({ "h5, $1", 1 }, { re.sub("hello", "(h)ello", "${1}5, $$1") })
    assert.same({ "a:", 1 }, { re.sub("a", "(a)|(b)", "$1:$2") })
    assert.same({ ":", 1 }, { re.sub("a", "a", "$7:") })
    for _, bad in ipairs({ "$", "a$", "$x", "${1", "${x}" }) do
      assert.same({ nil, nil, "failed to compile the replacement template" },
        { re.sub("a", "a", bad) })
    end
  end)

  it("call a function with the captures", function()
    assert.same({ "<a:1>-<b:2>", 2 }, { re.gsub("a1-b2", "(?<l>[a-z])(\\d)", function(m)
      return "<" .. m.l .. ":" .. m[2] .. ">"
    end) })
    assert.same({ "1-1", 2 }, { re.gsub("a-b", "[ab]", function() return 1 end) })
    assert.has_error(function() re.gsub("a", "a", function() return {} end) end)
  end)

  it("do not mind a function that searches with the same expression", function()
    assert.same({ "bb-cc", 2 }, { re.gsub("b-c", "([a-z])", function(m)
      return re.match("zz", "([a-z])") and m[1] .. m[1]
    end) })
  end)

  it("go on behind empty matches", function()
    assert.same({ "-a-b-", 3 }, { re.gsub("ab", "", "-") })
    assert.same({ "-ä-ö-", 3 }, { re.gsub("äö", "", "-", "u") })
    assert.same({ "-b--b-", 4 }, { re.gsub("baab", "a*", "-") })
    assert.same({ "-ab", 1 }, { re.sub("ab", "", "-") })
  end)

  it("return what is wrong", function()
    assert.same({ nil, nil, "pcre_exec() failed: -47" },
      { re.gsub(("x"):rep(60), "(x+)+$[yz]", "") })
    assert.matches("pcre2_compile", select(3, re.gsub("a", "(", "")))
  end)
end)

describe("the module ngx.re", function()
  local split = require("ngx.re").split

  it("cuts a text at matches", function()
    assert.same({ "a", "b", "c" }, split("a, b,c", [[,\s*]]))
    assert.same({ "a" }, split("a", ","))
    assert.same({ "a" }, split("a", "^"))
    assert.same({ "", "a", "", "b" }, split(",a,,b", ",", "jo"))
    assert.same({ "1", "3" }, split(123, "2"))
    assert.same({}, split("", ","))
  end)

  it("leaves out empty pieces at the end, unless a maximum is given", function()
    assert.same({ "a" }, split("a,,", ","))
    assert.same({}, split(",,", ","))
    assert.same({ "a", "", "" }, split("a,,", ",", nil, nil, 5))
  end)

  it("leaves the rest as it is once there are as many pieces as asked for", function()
    assert.same({ "a", "b,c,d" }, split("a,b,c,d", ",", nil, nil, 2))
    assert.same({ "a,b" }, split("a,b", ",", nil, nil, 1))
    assert.same({ "a", "b" }, split("a,b", ",", nil, nil, 0))
  end)

  it("gives the first group of each match after the piece before it", function()
    assert.same({ "a", ",", "b", ";", "c" }, split("a,b;c", "([,;])"))
    assert.same({ "a", "b", "=", "c" }, split("a,b=c", ",|(=)"))
  end)

  it("cuts between characters where an expression matches nothing", function()
    assert.same({ "a", "b", "c" }, split("abc", ""))
    assert.same({ "a", "bc" }, split("abc", "", nil, nil, 2))
    assert.same({ "a", "b", "c" }, split("a,bc", ",?"))
    assert.same({ "é", "ü" }, split("éü", "", "u"))
  end)

  it("begins where it is told", function()
    local ctx = { pos = 5 }
    assert.same({ "c", "d" }, split("a,b,c,d", ",", nil, ctx))
    assert.same({ "a", "b" }, split("a,b", ",", nil, {}))
    assert.same({}, split("a,b", ",", nil, { pos = 4 }))
  end)

  it("fills a table that it is given, up to the end", function()
    local res = { 1, 2, 3, 4, 5 }
    assert.equal(res, split("a,b", ",", nil, nil, nil, res))
    assert.equal("a", res[1])
    assert.equal("b", res[2])
    assert.is_nil(res[3])
    assert.has_error(function() split("a", ",", nil, nil, nil, 1) end, "res is not a table")
  end)

  it("says what is wrong with an expression", function()
    local list, err = split("a", "(")
    assert.is_nil(list)
    assert.matches("pcre2_compile() failed: missing closing parenthesis", err, 1, true)
  end)

  it("takes the option for the stack of searches, and no other", function()
    local opt = require("ngx.re").opt
    opt("jit_stack_size", 200 * 1024)
    assert.has_error(function() opt("stack", 1) end, "unrecognized option name")
  end)
end)
