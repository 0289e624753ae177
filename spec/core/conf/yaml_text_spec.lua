local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("conf/yaml_text.h")

local KINDS = {
  [tonumber(C.YAML_TEXT_END)] = "end",
  [tonumber(C.YAML_TEXT_DOCUMENT)] = "document",
  [tonumber(C.YAML_TEXT_DOCUMENT_END)] = "document end",
  [tonumber(C.YAML_TEXT_ALIAS)] = "alias",
  [tonumber(C.YAML_TEXT_SCALAR)] = "scalar",
  [tonumber(C.YAML_TEXT_SEQUENCE)] = "sequence",
  [tonumber(C.YAML_TEXT_SEQUENCE_END)] = "sequence end",
  [tonumber(C.YAML_TEXT_MAPPING)] = "mapping",
  [tonumber(C.YAML_TEXT_MAPPING_END)] = "mapping end",
}

local reader, event, text

local function open(yaml)
  text = yaml    -- the reader points into it
  reader = ffi.gc(C.yaml_text_new(http.str(text)), C.yaml_text_free)
end

local function slice(s)
  return s.p ~= nil and ffi.string(s.p, s.n) or nil
end

-- The next event as "LINE:COLUMN KIND", or the message in place of the kind.
local function next_event()
  local why = C.yaml_text_next(reader, event)
  return ("%d:%d %s"):format(tonumber(event.line), tonumber(event.column),
    why ~= nil and ffi.string(why) or KINDS[tonumber(event.kind)])
end

local function events(yaml)
  open(yaml)
  local list = {}
  repeat
    list[#list + 1] = next_event()
  until tonumber(event.kind) == tonumber(C.YAML_TEXT_END)
  return list
end

describe("a YAML text", function()
  before_each(function()
    event = ffi.new("struct yaml_text_event")
  end)

  it("is a row of events with positions", function()
    assert.same({
      "1:1 document", "1:1 mapping", "1:1 scalar", "1:4 sequence", "1:5 scalar", "1:8 scalar",
      "1:10 sequence end", "2:1 scalar", "2:5 scalar", "3:1 mapping end", "3:1 document end",
      "3:1 end",
    }, events("a: [b, éé]\né : c\n"))
    assert.same({ "1:1 end" }, events(""))
  end)

  it("gives scalars, anchors and tags", function()
    open("- &one !!str 'a\\0'\n- *one\n- plain\n- !x {}\n")
    next_event()
    next_event()
    assert.equal("1:3 scalar", next_event())
    assert.equal("a\\0", slice(event.value))
    assert.equal("one", slice(event.anchor))
    assert.equal("tag:yaml.org,2002:str", slice(event.tag))
    assert.is_false(event.plain)
    assert.equal("2:3 alias", next_event())
    assert.equal("one", slice(event.anchor))
    assert.equal("3:3 scalar", next_event())
    assert.is_true(event.plain)
    assert.is_nil(slice(event.anchor))
    assert.is_nil(slice(event.tag))
    assert.equal("4:3 mapping", next_event())
    assert.equal("!x", slice(event.tag))
  end)

  it("ends where it is no YAML, once and for all", function()
    open("a: b: c\n")
    for _ = 1, 3 do
      next_event()
    end
    assert.equal("1:4 scalar", next_event())
    assert.equal("1:5 mapping values are not allowed in this context", next_event())
    assert.matches("end$", next_event())
    assert.matches("end$", next_event())
  end)

  it("says where a character is that YAML does not have", function()
    open("# é\nab\194\128\n")
    assert.equal("2:3 control characters are not allowed", next_event())
  end)
end)
