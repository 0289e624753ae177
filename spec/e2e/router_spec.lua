-- Which route takes a request, and what path its service sees.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("routing", function()
  local peer, gateway

  local function service(name, route, fields)
    local entity = {
      name = name, protocol = "http", host = "router.upstream", port = 80,
      path = "/" .. name, routes = { route },
    }
    for key, value in pairs(fields or {}) do
      entity[key] = value
    end
    return entity
  end

  setup(function()
    peer = upstreams.peer({ main = {} })
    local document = config.build({}, {
      upstreams = { {
        name = "router.upstream", targets = { { target = "127.0.0.1:" .. peer.ports.main } },
      } },
      services = {
        service("exact", { hosts = { "a.example" } }),
        service("star-left", { hosts = { "*.example" } }),
        service("star-right", { hosts = { "a.*" } }),
        service("long", { hosts = { "p.test" }, paths = { "/one/two" } }),
        service("short", { hosts = { "p.test" }, paths = { "/one" } }),
        service("post", { hosts = { "p.test" }, paths = { "/one" }, methods = { "POST" } }),
        service("regex", { hosts = { "p.test" }, paths = { "~/r/(?<id>[0-9]+)$" } }),
        service("header", { hosts = { "p.test" }, headers = { ["x-v"] = { "2" } } }),
        service("both", { paths = { "/both-a", "/both-b" } }),
        service("secure", { paths = { "/secure" }, protocols = { "https" } }),
        service("off", { paths = { "/off" } }, { enabled = false }),
      },
    })
    document.routes = { { name = "lonely", paths = { "/lonely" } } }
    gateway = helpers.gateway({ config = document })
  end)
  teardown(helpers.stop_all)

  local function target(host, path, more)
    local request = more or {}
    request.host, request.path = host, path
    local response = gateway:get(request)
    return response.status == 200 and cjson.decode(response.body).target or response.status
  end

  local cases = {
    { "an exact host", "a.example", "/x", "/exact/x" },
    { "a host in another case, with a port", "A.Example:8000", "/x", "/exact/x" },
    { "a wildcard on the left", "b.example", "/x", "/star-left/x" },
    { "a wildcard on the left, deeper", "c.b.example", "/x", "/star-left/x" },
    { "a wildcard on the right", "a.test", "/x", "/star-right/x" },
    { "the longer path", "p.test", "/one/two/x", "/long/x" },
    { "the shorter path", "p.test", "/one/x", "/short/x" },
    { "a path is a prefix, not a segment", "p.test", "/oneself", "/short/self" },
    { "a regex", "p.test", "/r/42", "/regex" },
    { "one of two paths", "z", "/both-b/x", "/both/x" },
    { "nothing", "z", "/nowhere", 404 },
    { "a disabled service", "z", "/off", 404 },
    { "a route without a service", "z", "/lonely", 503 },
  }
  for _, case in ipairs(cases) do
    it("finds " .. case[1], function()
      assert.equal(case[4], target(case[2], case[3]))
    end)
  end

  it("finds a method before a path alone", function()
    assert.equal("/post", target("p.test", "/one", { method = "POST" }))
    assert.equal("/short", target("p.test", "/one", { method = "PUT" }))
  end)

  it("finds a header", function()
    assert.equal("/header/x", target("p.test", "/x", { headers = { ["X-V"] = "2" } }))
    assert.equal(404, target("p.test", "/x", { headers = { ["X-V"] = "3" } }))
  end)

  it("sends a plain request for an https route away", function()
    local response = gateway:get({ path = "/secure", host = "z" })
    assert.equal(426, response.status)
    assert.matches("Please use HTTPS protocol", response.body)
  end)

  it("does not route around a path by writing it differently", function()
    assert.equal("/long/x", target("p.test", "/one/./two/x", { args = { "--path-as-is" } }))
    assert.equal("/long/x", target("p.test", "/zero/../one/two/x", { args = { "--path-as-is" } }))
    assert.equal(404, target("z", "/both-a/../nowhere", { args = { "--path-as-is" } }))
  end)
end)

describe("the upstream path", function()
  local peer, gateway

  local paths = {
    { "/", "/echo", true, "/echo", "/" },
    { "/", "/echo", true, "/echo/a?x=1", "/a?x=1" },
    { nil, "/echo", true, "/echo", "/" },
    { nil, "/echo", false, "/echo/a", "/echo/a" },
    { "/s", "/f", true, "/f/bar", "/s/bar" },
    { "/s/", "/f", true, "/f", "/s" },
    { "/s/", "/f", true, "/f/", "/s/" },
    { "/s", "/f", true, "/f/", "/s/" },
    { "/s", "/f", false, "/f/bar", "/s/f/bar" },
    { "/s", "/", false, "/", "/s" },
    { "/", "/f", true, "/f/a%2Fb%20c?q=%7E", "/a%2Fb%20c?q=%7E" },
    { "/", "/f", true, "/f/a?", "/a?" },
  }

  setup(function()
    peer = upstreams.peer({ main = {} })
    local services = {}
    for i, case in ipairs(paths) do
      services["s" .. i] = {
        port = peer.ports.main, service = { path = case[1] },
        paths = { case[2] }, route = { hosts = { "h" .. i .. ".test" }, strip_path = case[3] },
      }
    end
    gateway = helpers.gateway({ config = config.build(services) })
  end)
  teardown(helpers.stop_all)

  for i, case in ipairs(paths) do
    it(("of %s under %s (service path %s, strip %s) is %s"):format(
      case[4], case[2], tostring(case[1]), tostring(case[3]), case[5]), function()
      -- In a URL, newer versions of curl drop a query that is empty.
      local response = gateway:get({
        host = "h" .. i .. ".test", args = { "--request-target", case[4] },
      })
      assert.equal(200, response.status)
      assert.equal(case[5], cjson.decode(response.body).target)
    end)
  end
end)

describe("round robin", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ a = {}, b = {}, c = {}, zero = {} })
    gateway = helpers.gateway({ config = config.build({ rr = { targets = {
      { target = "127.0.0.1:" .. peer.ports.a, weight = 100 },
      { target = "127.0.0.1:" .. peer.ports.b, weight = 100 },
      { target = "127.0.0.1:" .. peer.ports.c, weight = 200 },
      { target = "127.0.0.1:" .. peer.ports.zero, weight = 0 },
    } } }) })
  end)
  teardown(helpers.stop_all)

  it("goes by weight", function()
    local count = { a = 0, b = 0, c = 0, zero = 0 }
    for _ = 1, 40 do
      local listener = cjson.decode(gateway:get("/rr").body).listener
      count[listener] = count[listener] + 1
    end
    assert.same({ a = 10, b = 10, c = 20, zero = 0 }, count)
  end)
end)
