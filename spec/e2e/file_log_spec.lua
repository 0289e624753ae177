-- file-log in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("file-log", function()
  local gateway, path

  local function logged_to(file, more)
    local fields = more or {}
    fields.path = file
    return { { name = "file-log", config = fields } }
  end

  setup(function()
    local port = upstreams.peer({ main = {} }).ports.main
    path = helpers.directory() .. "/requests.log"
    gateway = helpers.gateway({ workers = 2, config = config.build({
      plain = { port = port, plugins = logged_to(path) },
      custom = { port = port, plugins = logged_to(path .. ".custom", { custom_fields_by_lua = {
        ["request.headers.cookie"] = "return nil",
        ["request.path"] = "return kong.request.get_path()",
        note = "return 'status ' .. kong.response.get_status()",
      } }) },
      failing = { port = port, plugins = logged_to(path .. ".failing", { custom_fields_by_lua = {
        note = "return os.exit()",
      } }) },
      nowhere = { port = port, plugins = logged_to(path .. "/below") },
    }) })
  end)
  teardown(helpers.stop_all)

  local function get(request_path)
    return gateway:get({
      path = request_path, host = "x.example",
      headers = { Cookie = "secret", Authorization = "secret" },
    })
  end

  -- The entries of a file, once there are so many.
  local function entries(file, count)
    local list
    helpers.eventually(function()
      list = {}
      for line in (helpers.read(file) or ""):gmatch("[^\n]+\n") do
        list[#list + 1] = cjson.decode(line)
      end
      return #list >= count
    end)
    assert.equal(count, #list)
    return list
  end

  it("logs what kong.log.serialize() gives", function()
    local response = get("/plain/a?b=c")
    local entry = entries(path, 1)[1]
    assert.equal(response.headers["x-kong-request-id"], entry.request.id)
    assert.equal("/plain/a?b=c", entry.request.uri)
    assert.equal("REDACTED", entry.request.headers.authorization)
    assert.equal(200, entry.response.status)
    assert.equal("plain", entry.service.name)
    assert.equal("upstream", entry.source)
  end)

  it("computes fields by Lua", function()
    get("/custom/a?b=c")
    local entry = entries(path .. ".custom", 1)[1]
    assert.equal("status 200", entry.note)
    assert.equal("/custom/a", entry.request.path)
    assert.is_nil(entry.request.headers.cookie)
    assert.equal("x.example", entry.request.headers.host)
  end)

  it("does not let such Lua out of its sandbox", function()
    assert.equal(200, get("/failing").status)
    gateway:wait_line("%[file%-log%] log: custom_fields_by_lua%.note:1: ")
    assert.equal("", helpers.read(path .. ".failing"))
  end)

  it("says when a file cannot be written", function()
    assert.equal(200, get("/nowhere").status)
    gateway:wait_line("%[file%-log%] .*/below: failed to open the file: Not a directory")
  end)

  it("writes whole lines from all workers", function()
    local before = #entries(path, 1)
    local conns = {}
    for i = 1, 32 do
      conns[i] = gateway:connect()
      conns[i]:send("GET /plain/" .. ("x"):rep(3000) .. " HTTP/1.1\r\nHost: x\r\n\r\n")
    end
    for _, conn in ipairs(conns) do
      assert.equal(200, assert(conn:response()).status)
      conn:close()
    end
    for _, entry in ipairs(entries(path, before + 32)) do
      assert.equal("plain", entry.service.name)
    end
  end)
end)
