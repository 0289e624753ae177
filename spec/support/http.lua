-- What the specs of core/http and core/conf share: slices, heads, and a parser that writes down
-- what it reports.

local ffi = require("ffi")
local cimport = require("spec.support.cimport")

local C = cimport("base/log.h", "http/h1.h", "http/facts.h", "http/error_page.h", "http/path.h",
  "conf/router.h")

local http = { C = C }

-- Strings that C's slices point into live as long as this table; specs are short.
local anchors = {}


function http.str(text)
  if text == nil then
    return ffi.new("struct str")
  end
  anchors[#anchors + 1] = text
  return ffi.new("struct str", { p = ffi.cast("const char *", text), n = #text })
end


function http.text(str)
  return str.p ~= nil and ffi.string(str.p, str.n) or ""
end


function http.arena()
  local arena = ffi.gc(ffi.new("struct arena"), C.arena_done)
  C.arena_init(arena, nil)
  return arena
end


function http.head(fields, arena)
  local head = ffi.new("struct head")
  anchors[#anchors + 1] = arena
  C.head_init(head, arena)
  for _, field in ipairs(fields or {}) do
    C.head_add(head, http.str(field[1]), http.str(field[2]))
  end
  return head
end


-- The fields that were not removed, as "name: value".
function http.fields(head)
  local fields = {}
  for i = 0, head.count - 1 do
    local field = head.headers[i]
    if field.removed == 0 then
      fields[#fields + 1] = http.text(field.name) .. ": " .. http.text(field.value)
    end
  end
  return fields
end


local FRAMINGS = { [0] = "none", "length", "chunked", "close" }

-- What there is to know of a head, as plain values that compare.
function http.facts(head, response)
  local facts = {
    fields = http.fields(head),
    minor = head.minor,
    framing = FRAMINGS[tonumber(head.framing)],
    length = tonumber(head.content_length),
    keep_alive = head.keep_alive,
  }
  if response then
    facts.status, facts.reason = head.status, http.text(head.reason)
    return facts
  end
  facts.method, facts.target = http.text(head.method), http.text(head.target)
  facts.path, facts.authority = http.text(head.path), http.text(head.authority)
  facts.query = head.has_query and http.text(head.query) or nil
  facts.expect_continue, facts.upgrade = head.expect_continue, head.upgrade
  return facts
end


-- Callbacks are scarce and cannot be freed while C may call them: one set serves all parsers, and
-- `current` is the one that runs.
local current

local function note(event)
  current.log[#current.log + 1] = event
  return current.pause
end

-- The FFI cannot make callbacks that take a struct by value. Two words in a struct travel as two
-- words in the calling conventions of x86-64 and AArch64.
ffi.cdef("struct weir_spec_events { void *head, *body, *last; };")

local events = ffi.new("struct weir_spec_events", {
  head = ffi.cast("void *", ffi.cast("void (*)(struct h1 *)", function(h)
    current.head = http.facts(h.head, h.response)
    current.no_body = h.no_body
    if note("head") then
      C.h1_pause(h)
    end
  end)),
  body = ffi.cast("void *",
    ffi.cast("void (*)(struct h1 *, const char *, size_t)", function(h, p, n)
    current.body[#current.body + 1] = ffi.string(p, n)
    if note("body") then
      C.h1_pause(h)
    end
  end)),
  last = ffi.cast("void *", ffi.cast("void (*)(struct h1 *)", function(h)
    if note("end") then
      C.h1_pause(h)
    end
  end)),
})


-- Parses one message from `bytes`. Options: response (true), to (method of the request), step
-- (bytes a feed), pause (in each event), eof (the connection ends then). Answers with head, body,
-- log (events, runs of "body" counted once), used (bytes), err (code of the error), ended, idle.
function http.parse(bytes, options)
  options = options or {}
  local arena = http.arena()
  local head, h, err = http.head(nil, arena), ffi.new("struct h1"), ffi.new("err_t[1]")
  local result = { log = {}, body = {}, used = 0, pause = options.pause }
  current = result
  local as_events = ffi.cast("const struct h1_events *", events)
  if options.response then
    C.h1_init_response(h, as_events, nil, head, C.method_id(http.str(options.to or "GET")))
  else
    C.h1_init_request(h, as_events, nil, head)
  end
  local function feed(from, to)
    -- A copy of just these bytes: reading past them is seen by the sanitizer.
    local piece = ffi.new("char[?]", to - from)
    ffi.copy(piece, bytes:sub(from + 1, to), to - from)
    result.used = result.used + tonumber(C.h1_feed(h, piece, to - from, err))
  end
  local seen = -1
  while err[0] == nil and not h.ended do
    local state = result.used * 1000 + #result.log
    if state == seen then
      break
    end
    seen = state
    feed(result.used, math.min(#bytes, result.used + (options.step or #bytes)))
  end
  if options.eof and err[0] == nil then
    err[0] = C.h1_eof(h)
  end
  result.err = err[0] ~= nil and ffi.string(err[0].code) or nil
  result.ended, result.idle = h.ended, h.head_bytes == 0 and not h.head_done
  result.body = table.concat(result.body)
  result.log = table.concat(result.log, " "):gsub("body body[ body]*", "body"):gsub("bodyend",
    "body end")
  current = nil
  return result
end

-- Compiled code must not call back into Lua.
jit.off(http.parse, true)


return http
