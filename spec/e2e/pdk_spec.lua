-- Functions of the PDK that need the running gateway: what the core alone knows.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local function probe(code)
  return { { name = "prober", config = { code = code } } }
end

describe("the PDK", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    local port = peer.ports.main
    local captures = probe({ access = "return kong.request.get_uri_captures()" })
    local services = {
      groups = { port = port, plugins = captures,
        paths = { "~/groups/(?<id>\\d+)/(\\w+)?(?<rest>/.*)?$" } },
      prefix = { port = port, plugins = captures },
      many = { port = port, plugins = captures, paths = { "~/many" .. ("/(\\w)"):rep(12) } },
      statistics = { port = port, plugins = probe({
        access = "return kong.nginx.get_statistics()",
      }) },
      queued = { port = port, plugins = probe({ log = [[
        local queue = require("kong.tools.queue")
        local conf = { name = "probe", max_batch_size = 3, max_coalescing_delay = 30 }
        return queue.enqueue(conf, function(own, entries)
          kong.log.notice("batch of ", own.what, ": ", table.concat(entries, ", "))
          return true
        end, { what = "paths" }, kong.request.get_path())
      ]] }) },
    }
    gateway = helpers.gateway({
      config = config.build(services),
      settings = { plugins = "bundled,prober", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  local function get(path)
    local response = gateway:get({ path = path, host = "x.example" })
    assert.equal(200, response.status)
    return unpack(cjson.decode(response.headers["x-probe-access"]))
  end

  it("knows the groups of the route's expression", function()
    assert.same({ unnamed = { "12", "word", "/a/b" }, named = { id = "12", rest = "/a/b" } },
      get("/groups/12/word/a/b"))
    assert.same({ unnamed = { "7", false, false }, named = { id = "7", rest = false } },
      get("/groups/7/"))
    assert.same({ unnamed = {}, named = {} }, get("/prefix/12"))
  end)

  it("knows many groups", function()
    local letters = {}
    for i = 1, 12 do
      letters[i] = string.char(("a"):byte() + i)
    end
    assert.same({ unnamed = letters, named = {} }, get("/many/" .. table.concat(letters, "/")))
  end)

  it("hands batches of entries to plugins, outside of the requests", function()
    for i = 1, 3 do
      assert.equal(200, gateway:get({ path = "/queued/" .. i, host = "x.example" }).status)
    end
    local line = gateway:wait_line("batch of paths: /queued/1, /queued/2, /queued/3")
    assert.matches("%[prober%]", line)
    assert.is_nil(line:find("client: ", 1, true))
  end)

  it("counts connections by what they do", function()
    local idle, reading = gateway:connect(), gateway:connect()
    local before = get("/statistics")
    idle:send("GET /statistics HTTP/1.1\r\nHost: x.example\r\n\r\n")
    local response = idle:response()
    local first = unpack(cjson.decode(response.headers["x-probe-access"]))
    assert.equal(1, first.connections_writing)
    assert.equal(before.total_requests + 1, first.total_requests)
    reading:send("GET /sta")
    local now
    helpers.eventually(function()
      now = get("/statistics")
      return now.connections_reading == 1
    end, "the beginning of a head to be read")
    assert.equal(1, now.connections_writing)
    assert.equal(now.connections_active, now.connections_reading + now.connections_writing
      + now.connections_waiting)
    assert.is_true(now.connections_waiting >= 1)
    assert.equal(now.connections_accepted, now.connections_handled)
    reading:close()
    helpers.eventually(function()
      return get("/statistics").connections_reading == 0
    end, "the connection to be gone")
    idle:close()
  end)
end)
