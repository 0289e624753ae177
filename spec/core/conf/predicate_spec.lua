-- What the router's own spec shows by routes is shown here at its edges.

local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C, str = cimport("conf/predicate.h"), http.str

local function header(name, values)
  local array = ffi.new("struct str[?]", math.max(#values, 1))
  for i, value in ipairs(values) do
    array[i - 1] = str(value)
  end
  return { name = str(name), values = array, count = #values }
end

local set, why, keep

local function build(route)
  local desc = ffi.new("struct route_desc")
  for _, field in ipairs({ "method", "sni" }) do
    local list = route[field .. "s"] or {}
    local array = header("", list)
    keep[#keep + 1] = array
    desc[field .. "s"], desc[field .. "_count"] = array.values, #list
  end
  local headers = ffi.new("struct route_header[?]", 8)
  for i, row in ipairs(route.headers or {}) do
    local one = header(row[1], row[2])
    keep[#keep + 1] = one
    headers[i - 1] = one
  end
  keep[#keep + 1] = headers
  desc.headers, desc.header_count = headers, #(route.headers or {})
  local out, arena = ffi.new("const struct predicate *[1]"), http.arena()
  keep[#keep + 1] = arena
  return C.predicate_build(arena, set, desc, out, why) and out[0], desc
end

local function holds(predicate, request)
  local arena = http.arena()
  local head = http.head(request.headers, arena)
  head.method = str(request.method or "GET")
  head.method_id = C.method_id(head.method)
  local query = ffi.new("struct route_query")
  query.head, query.tls, query.sni = head, request.sni ~= nil, str(request.sni or "")
  return C.predicate_holds(predicate, query)
end

describe("predicate", function()
  before_each(function()
    set, why, keep = ffi.new("struct regex_set"), ffi.new("char[256]"), {}
  end)

  after_each(function()
    C.regex_set_done(set)
  end)

  it("is nothing for a route that demands nothing", function()
    assert.is_true(build({}) == nil)
  end)

  it("does not take one unknown method for another", function()
    local p = build({ methods = { "BREW" } })
    assert.is_true(holds(p, { method = "BREW" }))
    assert.is_false(holds(p, { method = "WHEN" }))
    assert.is_false(holds(p, { method = "GET" }))
  end)

  it("does not see removed headers", function()
    local p = build({ headers = { { "X-A", { "1" } } } })
    local arena = http.arena()
    local head = http.head({ { "x-a", "1" } }, arena)
    local query = ffi.new("struct route_query", { head = head })
    assert.is_true(C.predicate_holds(p, query))
    C.head_remove(head, str("X-A"))
    assert.is_false(C.predicate_holds(p, query))
  end)

  it("takes ~* for a regular expression only where it is the one value", function()
    assert.is_true(holds(build({ headers = { { "X", { "~*a.c" } } } }),
      { headers = { { "x", "_ABC" } } }))
    local p = build({ headers = { { "X", { "~*a.c", "b" } } } })
    assert.is_false(holds(p, { headers = { { "x", "abc" } } }))
    assert.is_true(holds(p, { headers = { { "x", "~*A.C" } } }))
  end)

  it("matches server names at both ends", function()
    local p = build({ snis = { "*.a.com", "b.*", "C.com." } })
    for name, want in pairs({
      ["x.a.com"] = true, ["a.com"] = false, ["b.org"] = true, ["bb.org"] = false, ["c.com"] = true,
      ["c.com.x"] = false, [""] = false,
    }) do
      assert.equal(want, holds(p, { sni = name }))
    end
  end)

  it("counts names of headers", function()
    local _,
      desc = build({ headers = { { "X-A", { "1" } }, { "x-a", { "2" } }, { "X-B", { "1" } } } })
    assert.equal(2, C.predicate_header_names(desc))
  end)
end)
