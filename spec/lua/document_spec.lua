local document = require("weir.document")

local null = document.null

local function parse(text, filename)
  local doc, err = document.parse(text, filename)
  assert.is_nil(err and err.message)
  return doc
end

local function failure(text, filename)
  local doc, err = document.parse(text, filename)
  assert.is_nil(doc)
  return ("%d:%d %s"):format(err.line, err.col, err.message)
end

local function position(doc, ...)
  return ("%d:%d"):format(doc:position({ ... }))
end

describe("weir.document", function()
  describe("YAML values", function()
    local function value(text)
      return parse("x: " .. text).value.x
    end

    it("resolves plain scalars as Kong's reader does", function()
      for text, expected in pairs({
        ["true"] = true, yes = true, On = true, ["false"] = false, no = false, OFF = false,
        ["0"] = 0, ["-7"] = -7, ["+7"] = 7, ["1_000"] = 1000, ["0x1F"] = 31, ["0b101"] = 5,
        ["010"] = 8, ["1.5"] = 1.5, ["-.5"] = -0.5, ["1e3"] = 1000, ["5."] = 5,
        word = "word",
      }) do
        assert.equal(expected, value(text), text)
      end
      for _, text in ipairs({ "", "~", "null", "NULL" }) do
        assert.equal(null, value(text))
      end
    end)

    it("keeps as text what is no number to everybody", function()
      for _, text in ipairs({
        "10:30", ".nan", ".inf", "-.inf", "1e999", "089", "1.2.3", "0x", "1e", "+", ".",
      }) do
        assert.equal(text, value(text))
      end
    end)

    it("takes quoted and block scalars as text", function()
      assert.equal("1", value("'1'"))
      assert.equal("true", value('"true"'))
      assert.equal("a\nb\n", value("|\n  a\n  b\n"))
      assert.equal("\t\u{e9}", value('"\\t\\u00e9"'))
    end)

    it("obeys the tags of the core schema and refuses others", function()
      assert.equal("5", value("!!str 5"))
      assert.equal(5, value("!!int '5'"))
      assert.equal(5, value("!!float 5"))
      assert.equal(true, value("!!bool yes"))
      assert.equal("1:4 'x' does not fit the tag 'tag:yaml.org,2002:int'", failure("x: !!int x"))
      assert.equal("1:4 unsupported tag '!foo'", failure("x: !foo x"))
      assert.equal("1:4 unsupported tag 'tag:yaml.org,2002:set'", failure("x: !!set {a}"))
      assert.equal("1:4 unsupported tag 'tag:yaml.org,2002:binary'", failure("x: !!binary aa"))
    end)

    it("makes keys text, whatever they look like", function()
      assert.same({ ["1"] = 2, on = 3, ["~"] = 4 }, parse("1: 2\non: 3\n~: 4").value)
    end)

    it("resolves aliases and merge keys", function()
      local doc = parse("a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: *a\n  y: 3\nd: {<<: [*a, {z: 9}]}")
      assert.same({ x = 1, y = 2 }, doc.value.b)
      assert.same({ x = 1, y = 3 }, doc.value.c)
      assert.same({ x = 1, y = 2, z = 9 }, doc.value.d)
      assert.equal("1:11", position(doc, "c", "x"))
      assert.equal("5:6", position(doc, "c", "y"))
      assert.same({ ["<<"] = 1 }, parse("'<<': 1").value)
    end)

    it("refuses aliases that go nowhere, in circles or too far", function()
      assert.equal("1:4 alias '*x' has no anchor", failure("x: *x"))
      assert.equal("1:11 alias '*a' stands inside its own anchor", failure("x: &a [1, *a]"))
      assert.matches("neither a mapping", failure("a: &a 1\nb: {<<: *a}"))
      assert.matches("neither a mapping", failure("b: {<<: [open]}"))
      local bomb = { "a0: &a0 [x, x, x, x, x, x, x, x, x, x]" }
      for i = 1, 9 do
        local aliases = {}
        for k = 1, 10 do
          aliases[k] = "*a" .. i - 1
        end
        bomb[i + 1] = ("a%d: &a%d [%s]"):format(i, i, table.concat(aliases, ", "))
      end
      assert.matches("aliases add more than 100000 values", failure(table.concat(bomb, "\n")))
    end)
  end)

  describe("YAML errors", function()
    it("have a position", function()
      for text, expected in pairs({
        ["a: 1\nb: 2\na: 3"] = "3:1 duplicate key 'a'",
        ["a: 1\n---\nb: 2"] = "2:1 more than one YAML document",
        ["? [a]\n: b"] = "1:3 a key must be a plain or quoted scalar",
        ["a: [1\nb: }"] = "2:2 did not find expected ',' or ']'",
        ["a: b: c"] = "1:5 mapping values are not allowed in this context",
        ["\ta: b"] = "1:1 found character that cannot start any token"
          .. "; indent with spaces: YAML takes no tabs for that",
        ["a: @"] = "1:4 found character that cannot start any token",
        ["\255\254a\0"] = "1:1 UTF-16, where UTF-8 is needed",
        ["a: 1\nb: é\255"] = "2:5 invalid UTF-8",
        ["a: \1"] = "1:4 control character 0x01",
        ["a: \0"] = "1:4 control character 0x00",
        ["a: 1\nb: é\194\128"] = "2:5 control characters are not allowed",
      }) do
        assert.equal(expected, failure(text))
      end
    end)

    it("include too deep nesting", function()
      assert.equal("1:103 nested more than 100 levels deep", failure("a: " .. ("["):rep(200)))
      local deep = {}
      for i = 0, 150 do
        deep[i + 1] = (" "):rep(i) .. "a:"
      end
      assert.matches("nested more than 100 levels deep", failure(table.concat(deep, "\n")))
    end)
  end)

  describe("JSON", function()
    it("has all its values", function()
      local doc = parse('{"a": [1, -0.5e1, true, false, null, "x"], "b": {}, "": []}', "x.json")
      assert.same({ 1, -5, true, false, null, "x" }, doc.value.a)
      assert.equal("map", document.kind(doc.value.b))
      assert.equal("array", document.kind(doc.value[""]))
    end)

    it("decodes escapes, surrogate pairs too", function()
      local doc = parse([[{"a": "\u00e9\ud83d\ude00\n\t\"\\\/\b\f\r"}]])
      assert.equal("é😀\n\t\"\\/\b\f\r", doc.value.a)
    end)

    it("may be indented with tabs and begin with a byte order mark", function()
      assert.same({ a = { 1 } }, parse('\239\187\191{\n\t"a":\t[\n\t\t1\n\t]\n}').value)
    end)

    it("has positions, in characters", function()
      local doc = parse('{\n  "é": {"b": [10,\n 20]}}')
      assert.equal("2:8", position(doc, "é"))
      assert.equal("3:2", position(doc, "é", "b", 2))
      assert.equal("2:9", ("%d:%d"):format(doc:key_position({ "é", "b" })))
    end)

    it("is strict in a .json file", function()
      for text, expected in pairs({
        [""] = "1:1 expected a value, found the end of the text",
        ["{"] = "1:2 expected a key in double quotes, found the end of the text",
        ['{"a":1,}'] = "1:8 expected a key in double quotes, found '}'",
        ["{a: 1}"] = "1:2 expected a key in double quotes, found 'a'",
        ['{"a" 1}'] = "1:6 expected ':', found '1'",
        ['{"a": 1 "b": 2}'] = "1:9 expected ',' or '}', found '\"'",
        ["[1 2]"] = "1:4 expected ',' or ']', found '2'",
        ["[1,]"] = "1:4 expected a value, found ']'",
        ["[tru]"] = "1:2 expected a value, found 't'",
        ["[01]"] = "1:2 invalid number",
        ["[1.]"] = "1:2 invalid number",
        ["[-]"] = "1:2 invalid number",
        ["[1e999]"] = "1:2 number out of range",
        ['["a]'] = "1:2 string without an end",
        ['["\t"]'] = "1:3 control character in a string (write it as an escape)",
        ['["\\x"]'] = "1:3 invalid escape '\\x'",
        ['["\\u12"]'] = "1:3 \\u needs four hexadecimal digits",
        ['["\\ud800"]'] = "1:3 high surrogate without a low surrogate after it",
        ['["\\udc00"]'] = "1:3 low surrogate without a high surrogate before it",
        ['{"a": 1,\n "a": 2}'] = "2:2 duplicate key 'a'",
        ["{} {}"] = "1:4 expected the end of the text, found '{'",
      }) do
        assert.equal(expected, failure(text, "x.json"))
      end
      assert.matches("nested more than 100", failure(("["):rep(101), "x.json"))
    end)

    it("falls back to YAML's flow style elsewhere", function()
      assert.same({ a = { 1, 2 } }, parse("{a: [1, 2,]}", "x.yml").value)
      assert.matches("expected ','", failure('{"a": 1 "b": 2}', "x.yml"))
    end)
  end)

  describe("positions", function()
    local doc

    setup(function()
      doc = parse("services:\n- name: a\n  port: 5\n  tags: [x, y]\n- &b\n  name: b\nmore: *b\n")
    end)

    it("point to values and to keys", function()
      assert.equal("3:9", position(doc, "services", 1, "port"))
      assert.equal("4:13", position(doc, "services", 1, "tags", 2))
      assert.equal("3:3", ("%d:%d"):format(doc:key_position({ "services", 1, "port" })))
      assert.equal("2:3", position(doc, "services", 1))
    end)

    it("point to the nearest container of what is not there", function()
      assert.equal("2:3", position(doc, "services", 1, "host"))
      assert.equal("2:3", position(doc, "services", 1, "config", "x", 3))
      assert.equal("3:9", position(doc, "services", 1, "port", "open"))
      assert.equal("1:1", position(doc, "routes"))
      assert.equal("1:1", position(doc))
    end)

    it("of an alias are those of the alias itself, of what is in it those of its anchor", function()
      assert.equal("7:7", position(doc, "more"))
      assert.equal("6:9", position(doc, "more", "name"))
    end)

    it("are those of each of very many values, whichever is asked for first", function()
      local lines = {}
      for i = 1, 5000 do
        lines[i] = ("- {name: n%d, tags: [a, b]}"):format(i)
      end
      local large = parse(table.concat(lines, "\n"))
      for _, i in ipairs({ 5000, 1, 2047, 2048, 2049, 4096 }) do
        assert.equal(i .. ":10", position(large, i, "name"))
        assert.equal(i .. ":" .. 23 + #tostring(i), position(large, i, "tags", 2))
      end
    end)

    it("stay when elements are released", function()
      local released = parse("services:\n- port: 5")
      released:release(released.value.services, 1)
      assert.same({ false }, released.value.services)
      assert.equal("2:9", position(released, "services", 1, "port"))
    end)

    it("exist for texts without any value", function()
      assert.equal(null, parse("").value)
      assert.equal("1:1", position(parse("")))
      assert.equal("1:1", position(parse("word"), "a"))
    end)
  end)

  it("releases elements, unless an alias may lead to them, too", function()
    local doc = parse("a: [{x: 1}, 2]")
    doc:release(doc.value.a, 1)
    assert.same({ false, 2 }, doc.value.a)
    doc = parse("a: &a [{x: 1}, 2]\nb: *a")
    doc:release(doc.value.a, 1)
    assert.same({ { x = 1 }, 2 }, doc.value.b)
  end)

  it("reads large files in linear time", function()
    local items = {}
    for i = 1, 20000 do
      items[i] = ('{"name":"s%d","tags":["a","b"]}'):format(i)
    end
    local text = "[" .. table.concat(items, ",") .. "]"
    local started = os.clock()
    assert.equal(20000, #parse(text, "x.json").value)
    assert.is_true(os.clock() - started < 20)
  end)
end)
