-- The router against Kong's rules: some by example, all of them by comparison with a matcher that
-- tries every route.

local ffi = require("ffi")
local http = require("spec.support.http")
local C, str, text = http.C, http.str, http.text

local function strings(list)
  local array = ffi.new("struct str[?]", math.max(#list, 1))
  for i, item in ipairs(list) do
    array[i - 1] = str(item)
  end
  return array, #list
end

-- Builds a router of routes { id, hosts, paths, methods, headers = { name = values }, snis,
-- regex_priority }; the plan of a route is its place in the list.
local function build(routes)
  local keep, descs = {}, ffi.new("struct route_desc[?]", math.max(#routes, 1))
  local function put(desc, field, list)
    local array, count = strings(list or {})
    keep[#keep + 1] = array
    desc[field .. "s"], desc[field .. "_count"] = array, count
  end
  for i, route in ipairs(routes) do
    local desc = descs[i - 1]
    desc.plan, desc.id = i, str(route.id)
    desc.regex_priority = route.regex_priority or 0
    for _, field in ipairs({ "host", "path", "method", "sni" }) do
      put(desc, field, route[field .. "s"])
    end
    local names = {}
    for name in pairs(route.headers or {}) do
      names[#names + 1] = name
    end
    local headers = ffi.new("struct route_header[?]", math.max(#names, 1))
    for k, name in ipairs(names) do
      local values, count = strings(route.headers[name])
      headers[k - 1] = { str(name), values, count }
      keep[#keep + 1] = values
    end
    keep[#keep + 1] = headers
    desc.headers, desc.header_count = headers, #names
  end
  local out, why, arena = ffi.new("struct router *[1]"), ffi.new("char[256]"),
    ffi.new("struct arena")
  C.arena_init(arena, nil)
  local err = C.router_build(arena, descs, #routes, out, why)
  if err ~= nil then
    C.arena_done(arena)
    return nil, ffi.string(why)
  end
  -- The router lives in its arena: one finalizer for both, in this order.
  return { router = ffi.gc(out[0], function(router)
    C.router_done(router)
    C.arena_done(arena)
  end) }
end

-- Answers with the plan, the bytes of the path that matched, and the groups of a regular
-- expression.
local function match(built, request)
  local head = http.head(request.headers, http.arena())
  head.method = str(request.method or "GET")
  head.method_id = C.method_id(head.method)
  local query, found = ffi.new("struct route_query"), ffi.new("struct route_match")
  query.head, query.host, query.port = head, str(request.host or ""), request.port or 80
  query.path, query.tls = str(request.path or "/"), request.sni ~= nil
  query.sni = str(request.sni or "")
  if not C.router_match(built.router, query, found) then
    return nil
  end
  local groups = {}
  for i = 0, found.captures - 1 do
    local from, to = found.capture[2 * i], found.capture[2 * i + 1]
    groups[i + 1] = from >= 0 and text(query.path):sub(from + 1, to) or false
  end
  return found.plan, tonumber(found.prefix_len), groups
end

local function router(routes)
  for i, route in ipairs(routes) do
    route.id = route.id or ("%08d"):format(i)
  end
  local built = assert(build(routes))
  return function(request)
    return match(built, request)
  end
end

describe("router", function()
  it("matches nothing without routes", function()
    assert.is_nil(router({})({ host = "a", path = "/" }))
  end)

  it("prefers the longer prefix", function()
    local go = router({ { paths = { "/" } }, { paths = { "/a/b", "/c" } }, { paths = { "/a" } } })
    for path, want in pairs({
      ["/"] = { 1, 1 }, ["/a"] = { 3, 2 }, ["/ab"] = { 3, 2 }, ["/a/b"] = { 2, 4 },
      ["/a/bc"] = { 2, 4 }, ["/cd"] = { 2, 2 }, ["/x"] = { 1, 1 },
    }) do
      assert.same(want, { go({ path = path }), (select(2, go({ path = path }))) })
    end
    assert.is_nil(go({ path = "x" }))
  end)

  it("prefers more kinds of matchers to a longer prefix", function()
    local go = router({ { paths = { "/a/b/c" } }, { paths = { "/" }, methods = { "GET" } } })
    assert.equal(2, (go({ path = "/a/b/c" })))
    assert.equal(1, (go({ path = "/a/b/c", method = "PUT" })))
  end)

  it("prefers plain hosts to wildcards, and those to none", function()
    local go = router({
      { paths = { "/" } }, { hosts = { "*.b.com" }, paths = { "/" } },
      { hosts = { "a.b.com" }, paths = { "/" } }, { hosts = { "a.*" }, paths = { "/x" } },
    })
    for host, want in pairs({ ["a.b.com"] = 3, ["x.b.com"] = 2, ["b.com"] = 1, ["a.org"] = 1 }) do
      assert.equal(want, (go({ host = host, path = "/y" })))
    end
    assert.equal(4, (go({ host = "a.org", path = "/xy" })))
    assert.equal(2, (go({ host = "x.y.b.com", path = "/" })))
  end)

  it("compares ports of hosts that have one", function()
    local go = router({ { hosts = { "A.com:8080", "*.b.com:81", "[::1]:82" } } })
    assert.equal(1, (go({ host = "a.com", port = 8080 })))
    assert.is_nil(go({ host = "a.com", port = 80 }))
    assert.equal(1, (go({ host = "x.b.com", port = 81 })))
    assert.is_nil(go({ host = "x.b.com", port = 82 }))
    assert.equal(1, (go({ host = "[::1]", port = 82 })))
  end)

  it("gives a wildcard no name longer than a DNS name", function()
    local go = router({ { hosts = { "*.com" } } })
    assert.equal(1, (go({ host = ("x"):rep(251) .. ".com" })))
    assert.is_nil(go({ host = ("x"):rep(252) .. ".com" }))
  end)

  it("takes regular expressions before prefixes, by their priority", function()
    local go = router({
      { paths = { "/abc/def" } }, { paths = { "~/a(b+)(x)?" } },
      { paths = { "~/ab" }, regex_priority = 5 }, { paths = { "~/zz$" }, regex_priority = 9 },
    })
    assert.equal(3, (go({ path = "/abc/def" })))
    assert.equal(4, (go({ path = "/zz" })))
    assert.is_nil(go({ path = "/zzz" }))
    assert.is_nil(go({ path = "/x/ab" }))
  end)

  it("tells what a regular expression matched", function()
    local go = router({ { paths = { "~/(?<user>\\w+)/(x)?(\\d+)" } } })
    local plan, len, groups = go({ path = "/bob/17/rest" })
    assert.same({ 1, 7, { "bob", false, "17" } }, { plan, len, groups })
    local many = router({ { paths = { "~/" .. ("(.)"):rep(34) } } })
    local _, n, letters = many({ path = "/abcdefghijklmnopqrstuvwxyz1234567890" })
    assert.equal(35, n)
    assert.equal("abcdefghijklmnopqrstuvwxyz123456", table.concat(letters))
  end)

  it("bounds backtracking", function()
    local go = router({ { paths = { "~/(a+)+$" } }, { paths = { "/" } } })
    C.log_set_level(C.LOG_EMERG)    -- it says so in the log
    assert.equal(2, (go({ path = "/" .. ("a"):rep(60) .. "b" })))
    C.log_set_level(C.LOG_NOTICE)
    assert.equal(1, (go({ path = "/aaa" })))
  end)

  it("gives ties to the larger id", function()
    local low, high = "0" .. ("a"):rep(35), "1" .. ("a"):rep(35)
    local go = router({ { id = low, paths = { "/" } }, { id = high, paths = { "/" } } })
    assert.equal(2, (go({ path = "/" })))
    go = router({ { id = high, paths = { "/" } }, { id = low, paths = { "/" } } })
    assert.equal(1, (go({ path = "/" })))
  end)

  it("compares methods", function()
    local go = router({ { methods = { "GET", "BREW" } } })
    assert.equal(1, (go({ method = "BREW" })))
    assert.is_nil(go({ method = "BREWS" }))
    assert.is_nil(go({ method = "get" }))
  end)

  it("compares headers: all names, any value, any line", function()
    local go = router({
      { headers = { ["X-A"] = { "One", "two" }, Accept = { "x/y" } } },
      { headers = { ["x-b"] = { "~*^v[0-9]+$" } } },
    })
    assert.equal(1, (go({ headers = { { "accept", "X/Y" }, { "x-a", "3" }, { "x-A", "ONE" } } })))
    assert.is_nil(go({ headers = { { "X-A", "two" } } }))
    assert.is_nil(go({ headers = { { "X-A", "two, x" }, { "Accept", "x/y" } } }))
    assert.equal(2, (go({ headers = { { "X-B", "" }, { "X-B", "V12" } } })))
    assert.is_nil(go({ headers = { { "X-B", "v1x" } } }))
  end)

  it("compares server names with TLS only", function()
    local go = router({ { snis = { "A.com.", "*.b.com" } } })
    assert.equal(1, (go({ sni = "a.com" })))
    assert.equal(1, (go({ sni = "x.b.com" })))
    assert.is_nil(go({ sni = "c.com" }))
    assert.is_nil(go({ sni = "" }))
    assert.equal(1, (go({})))
  end)

  it("names the route and the pattern that PCRE2 does not take", function()
    local built, why = build({ { id = "the-id", paths = { "~/(" } } })
    assert.is_nil(built)
    assert.is_truthy(why:find("the-id", 1, true) and why:find("~/(", 1, true))
    built, why = build({ { id = "the-id", headers = { ["X-H"] = { "~*[" } } } })
    assert.is_nil(built)
    assert.is_truthy(why:find("the-id", 1, true) and why:find("X-H", 1, true))
    built, why = build({ { id = ("i"):rep(500), paths = { "~/(" .. ("x"):rep(500) } } })
    assert.is_nil(built)
    assert.is_true(#why < 256)
  end)

  it("judges a pattern", function()
    local why = ffi.new("char[256]")
    assert.is_true(C.router_regex_ok(str("/a(?<x>b)"), why))
    assert.is_false(C.router_regex_ok(str("/a("), why))
    assert.is_truthy(ffi.string(why):find("offset 3", 1, true))
  end)
end)

-- The reference: Kong's words, route by route.

local PATTERNS = {
  ["~/a/[0-9]+"] = "^/a/[0-9]+", ["~/ab?c"] = "^/ab?c", ["~/[ab]+$"] = "^/[ab]+$",
  ["~/b/.*x"] = "^/b/.*x",
}

local function host_matches(pattern, request)
  local host, port = pattern:match("^(.-):(%d+)$")
  host = host or pattern
  if port and tonumber(port) ~= request.port then
    return false
  elseif host:sub(1, 1) == "*" then
    return #host - 1 <= #request.host and request.host:sub(-(#host - 1)) == host:sub(2)
  elseif host:sub(-1) == "*" then
    return request.host:sub(1, #host - 1) == host:sub(1, -2)
  end
  return request.host == host
end

local function any(list, holds)
  if #list == 0 then
    return true
  end
  for _, item in ipairs(list) do
    if holds(item) then
      return true
    end
  end
  return false
end

local function header_matches(name, values, request)
  for _, field in ipairs(request.headers) do
    for _, value in ipairs(values) do
      if field[1]:lower() == name:lower() and field[2]:lower() == value:lower() then
        return true
      end
    end
  end
  return false
end

-- All that a route demands besides its path.
local function rest_matches(route, request)
  for name, values in pairs(route.headers) do
    if not header_matches(name, values, request) then
      return false
    end
  end
  return any(route.hosts, function(host) return host_matches(host, request) end)
    and any(route.methods, function(method) return method == request.method end)
    and (not request.sni or any(route.snis, function(sni) return sni == request.sni end))
end

-- The bytes that a path of a route matches, or nil.
local function path_len(path, request)
  if PATTERNS[path] then
    return select(2, request.path:find(PATTERNS[path]))
  end
  return request.path:sub(1, #path) == path and #path or nil
end

local function count(table)
  local n = 0
  for _ in pairs(table) do
    n = n + 1
  end
  return n
end

local function flag(holds)
  return holds and 1 or 0
end

-- Kong's priority from its most significant field on; the id decides at last.
local function priority(route, path)
  local plain, headers = #route.hosts > 0, count(route.headers)
  for _, host in ipairs(route.hosts) do
    plain = plain and not host:find("*", 1, true)
  end
  local kinds = flag(#route.hosts > 0) + flag(#route.methods > 0) + flag(headers > 0)
    + flag(#route.snis > 0) + flag(path ~= nil)
  local regex = path and PATTERNS[path] ~= nil
  return { kinds, flag(plain), headers, flag(regex), regex and route.regex_priority or 0,
    (regex or not path) and 0 or #path, route.id }
end

local function above(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then
      return a[i] > b[i]
    end
  end
  return false
end

local function reference(routes, request)
  local best, plan, prefix
  local function offer(candidate, i, len)
    if not best or above(candidate, best) then
      best, plan, prefix = candidate, i, len
    end
  end
  for i, route in ipairs(routes) do
    if rest_matches(route, request) then
      if #route.paths == 0 then
        offer(priority(route), i, 0)
      end
      for _, path in ipairs(route.paths) do
        local len = path_len(path, request)
        if len then
          offer(priority(route, path), i, len)
        end
      end
    end
  end
  return plan, prefix
end

describe("router, at random", function()
  local HOSTS = { "a.com", "b.com", "x.a.com", "a.com:81", "*.com", "*.a.com", "a.*", "x.*",
    "*.a.com:81" }
  local PATHS = { "/", "/a", "/a/", "/a/b", "/ab", "/abc", "/b", "/b/c/d", "~/a/[0-9]+", "~/ab?c",
    "~/[ab]+$", "~/b/.*x" }
  local METHODS = { "GET", "POST", "BREW" }
  local NAMES, VALUES = { "X-A", "accept", "x-b" }, { "1", "Two", "three" }
  local SNIS = { "a.com", "b.com" }

  local function pick(list)
    return list[math.random(#list)]
  end

  -- Up to `most` different items, often none.
  local function some(list, most)
    local chosen, seen = {}, {}
    for _ = 1, math.max(0, math.random(-1, most)) do
      local item = pick(list)
      if not seen[item] then
        seen[item] = true
        chosen[#chosen + 1] = item
      end
    end
    return chosen
  end

  local function random_route(i)
    local headers = {}
    for _, name in ipairs(math.random() < 0.3 and some(NAMES, 2) or {}) do
      headers[name] = { pick(VALUES), pick(VALUES) }
    end
    return {
      id = ("%08x-%d"):format(math.random(0, 2 ^ 31), i), hosts = some(HOSTS, 3), headers = headers,
      paths = some(PATHS, 4), methods = math.random() < 0.4 and some(METHODS, 2) or {},
      snis = math.random() < 0.2 and some(SNIS, 1) or {}, regex_priority = math.random(0, 2),
    }
  end

  local function random_request()
    local headers = {}
    for _ = 1, math.random(0, 3) do
      headers[#headers + 1] = { pick(NAMES), pick(VALUES) }
    end
    return {
      host = pick({ "a.com", "b.com", "x.a.com", "y.x.a.com", "a.org", "x.b.com", "com", ".com",
        "" }),
      port = pick({ 80, 81 }), method = pick(METHODS), headers = headers,
      sni = math.random() < 0.5 and pick({ "a.com", "b.com", "c.com" }) or nil,
      path = pick({ "/", "/a", "/a/", "/a/1", "/a/12x", "/a/b", "/ab", "/abc", "/ac/d", "/aab",
        "/b", "/b/",
        "/b/c/d/e", "/b/xyx", "/c" }),
    }
  end

  it("agrees with the reference", function()
    math.randomseed(tonumber(os.getenv("WEIR_SPEC_SEED")) or 20)
    local matched = 0
    for _ = 1, 200 do
      local routes = {}
      for i = 1, math.random(1, 40) do
        routes[i] = random_route(i)
      end
      local built = assert(build(routes))
      for _ = 1, 40 do
        local request = random_request()
        local plan, len = match(built, request)
        local want, want_len = reference(routes, request)
        assert.same({ want, want_len }, { plan, len })
        matched = matched + flag(plan)
      end
    end
    assert.is_true(matched > 2000)
  end)
end)
