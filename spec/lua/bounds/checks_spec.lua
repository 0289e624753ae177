-- Checks in the text of plugins: where they are put, and that the text means what it meant.

local checks = require("weir.bounds.checks")

-- What a text does with checks in it: its results, and how often it asks when each check does.
local function run(text, ...)
  local asked = 0
  local chunk = assert(load(assert(checks.insert(text)), "=text", "t"))(function()
    asked = asked + 1
    return 0
  end)
  local results = { chunk(...) }
  return asked, unpack(results, 1, table.maxn(results))
end

describe("a check is put", function()
  local cases = {
    { "into a while loop", "local i = 0 while i < 5 do i = i + 1 end", 5 },
    { "into a numeric for", "for i = 1, 5 do local _ = i end", 5 },
    { "into a generic for", "for _ in ('abcde'):gmatch('.') do end", 5 },
    { "into a repeat loop", "local i = 0 repeat i = i + 1 until i == 5", 5 },
    { "before a goto", "local i = 0 ::top:: i = i + 1 if i < 6 then goto top end", 5 },
    { "before a goto after a label", "local i = 0 ::a::goto b ::b:: i = i + 1 "
      .. "if i < 3 then goto a end", 5 },
    { "before a goto after dots", "local n, x = 0 ::a:: n = n + 1 x = ...goto c "
      .. "::c:: if n < 2 then goto a end", 3 },
    { "into a function", "local function f(n) if n > 1 then return f(n - 1) end end f(5)", 5 },
    { "into a method", "local t = {} function t.a(x) return x end function t:b(...) return ... end "
      .. "t.a(1) t:b(2)", 2 },
    { "into a function without parameters", "local f = function ( --[[)]] ) end f()", 1 },
    { "into loops of loops", "for _ = 1, 2 do for _ = 1, 2 do end end", 6 },
    { "past a function in a loop's head", "local n = 3 while (function() do end n = n - 1 "
      .. "return n > 0 end)() do end", 8 },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      assert.equal(case[3], (run(case[2])))
    end)
  end
end)

describe("a text with checks", function()
  it("counts down between two questions", function()
    local asked = 0
    local chunk = load(checks.insert("for _ = 1, 101 do end"))(function()
      asked = asked + 1
      return 9
    end)
    chunk()
    assert.equal(11, asked)
  end)

  it("gives what it gave, whatever stands in it", function()
    local texts = {
      [=[return [[do function() goto x]] .. [==[ ]] do ]==]]=],
      [[return "do \" function() " .. 'repeat \' \\' .. "\
do \z
        while"]],
      "-- do repeat function()\nreturn 1 --[[ do\nrepeat ]] + 1 --[==[ function() ]] do ]==] + 3",
      "return 0xe-1, 1e+1, 1E-1, 0x1p+2, 0x.8p1, .5, 3., 1e2-1, 5-2",
      "return #tostring(12LL), #tostring(0x7fULL)",
      "return 1 --[[]]--do\n+ 2",
      "local goto = 3 local t = { goto = 4 } return goto, t.goto, (goto), goto\n+ goto",
      "local t = {} t.x = 1 return t [ [[x]] ], #[[abc]], t.y",
      "local doing, repeated, functional = 1, 2, 3 return doing + repeated + functional",
      "return select('#', ...), ...",
      "for i = 1, 3 do if i == 2 then goto continue end ::continue:: end return true",
      "local été = 2 return été",
      "return (function(a, b, ...) return b, a, ... end)(1, 2, 3)",
      "return 1 -- the end",
      "",
    }
    for _, text in ipairs(texts) do
      local expected = { assert(load(text, "=text"))(1, nil, 3) }
      assert.same(expected, { select(2, run(text, 1, nil, 3)) }, text)
    end
  end)

  it("keeps the numbers of its lines", function()
    local text = "local function f()\n  for _ = 1, 2 do\n    repeat\n      error('here')\n"
      .. "    until true\n  end\nend\nf()"
    local ok, err = pcall(run, text)
    assert.is_false(ok)
    assert.equal("text:4: here", err)
  end)

  it("cannot name what the checks use", function()
    for _, name in ipairs({ "__weir_budget", "__weir_ask" }) do
      local text, err = checks.insert(name .. " = nil")
      assert.is_nil(text)
      assert.matches("are reserved", err)
      assert.is_string(checks.insert(("return '%s' -- %s"):format(name, name)))
    end
  end)

  it("is one whatever is in weir's own files", function()
    local list = io.popen("find lua plugins spec -name '*.lua'")
    local count = 0
    for path in list:lines() do
      local file = assert(io.open(path))
      local text = file:read("*a")
      file:close()
      assert(load(assert(checks.insert(text)), "@" .. path))
      count = count + 1
    end
    list:close()
    assert.is_true(count > 100)
  end)
end)
