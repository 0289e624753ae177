-- pre-function and post-function in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local function pre(phases)
  return { name = "pre-function", config = phases }
end

local COUNT = [[
  local served = 0
  return function()
    served = served + 1
    kong.service.request.set_header("X-Served", served)
  end]]

local BYTES = [[
  local body = kong.response.get_raw_body()
  if body then
    kong.response.set_raw_body("bytes: " .. #body)
  end]]

describe("pre-function and post-function", function()
  local gateway, port

  local function document(plugins)
    local shown = config.certificate(21, "leaf")
    shown.snis = { { name = "*" } }
    return config.build({
      bare = { port = port },
      counted = { port = port, plugins = { pre({ access = { COUNT } }) } },
      answered = { port = port, plugins = { pre({ access = {
        'kong.response.exit(418, { path = kong.request.get_path() })',
      } }) } },
      failing = { port = port, plugins = { pre({ access = { "\n\nlocal x = nil + 1" } }) } },
      both = { port = port, plugins = {
        pre({ header_filter = { 'kong.response.add_header("X-Order", "pre")' } }),
        { name = "post-function", config = {
          header_filter = { 'kong.response.add_header("X-Order", "post")' },
          log = { 'kong.log.notice("status ", kong.response.get_status())' },
        } },
        { name = "correlation-id", config = {
          header_name = "X-Order", generator = "uuid", echo_downstream = true,
        } },
      } },
      body = { port = port, plugins = { pre({
        header_filter = { 'kong.response.clear_header("Content-Length")' }, body_filter = { BYTES },
      }) } },
      exit = { port = port, plugins = { pre({
        access = { 'kong.response.exit(200, kong.request.get_header("X-Say"))' },
        body_filter = { BYTES },
      }) } },
    }, { plugins = plugins, certificates = { shown } })
  end

  setup(function()
    port = upstreams.peer({ main = {} }).ports.main
    gateway = helpers.gateway({ tls = true, config = document({ pre({
      certificate = { 'kong.log.notice("greeting ", kong.client.get_ip())' },
      rewrite = { 'kong.service.request.set_header("X-Rewritten", kong.request.get_path())' },
    }) }) })
  end)
  teardown(helpers.stop_all)

  local function get(path)
    return gateway:get({ path = path, host = "x.example" })
  end

  local function received(path)
    return cjson.decode(get(path).body).headers
  end

  it("run while a client shakes hands", function()
    local response = gateway:get({ path = "/bare", tls = true, args = { "-k" } })
    assert.equal(200, response.status)
    gateway:wait_line("%[pre%-function%] greeting 127.0.0.1")
  end)

  it("run in rewrite where they are global", function()
    assert.equal("/bare/x", received("/bare/x")["x-rewritten"])
  end)

  it("keep the locals of code until it changes", function()
    assert.equal("1", received("/counted")["x-served"])
    assert.equal("2", received("/counted")["x-served"])
    gateway:reload(document())
    assert.equal("3", received("/counted")["x-served"])
    assert.is_nil(received("/bare")["x-rewritten"])
  end)

  it("answer instead of the service", function()
    local response = get("/answered/now")
    assert.equal(418, response.status)
    assert.equal("/answered/now", cjson.decode(response.body).path)
  end)

  it("run before and after other plugins", function()
    assert.matches("^%x+%-[%x-]+, post$", get("/both").headers["x-order"])
    gateway:wait_line("%[post%-function%] status 200")
  end)

  it("enter Lua in the phases that have code, and leave the length to other bodies", function()
    local own = helpers.gateway({ config = config.build({
      counted = { port = port, plugins = { pre({ access = { COUNT } }) } },
    }) })
    local before = own:status().lua_phases
    for _ = 1, 3 do
      local response = own:get({ path = "/counted/bytes/10", host = "x.example" })
      assert.equal("10", response.headers["content-length"])
      assert.is_nil(response.headers["transfer-encoding"])
    end
    -- The question itself is the Admin API's, which is Lua.
    assert.equal(before + 3 + 1, own:status().lua_phases)
  end)

  it("change bodies", function()
    assert.equal("bytes: 100000", get("/body/bytes/100000").body)
  end)

  it("change answers of plugins, which have the length of what is sent", function()
    for said, sent in pairs({ hello = "bytes: 5", [("x"):rep(2000)] = "bytes: 2000" }) do
      local response = gateway:get({ path = "/exit", headers = { ["X-Say"] = said } })
      assert.equal(sent, response.body)
      assert.equal(tostring(#sent), response.headers["content-length"])
      assert.is_nil(response.headers["transfer-encoding"])
    end
    local head = gateway:get({ path = "/exit", headers = { ["X-Say"] = "hello" }, args = { "-I" } })
    assert.equal("8", head.headers["content-length"])
    local old = gateway:exchange("GET /exit HTTP/1.0\r\nHost: x\r\nX-Say: hello\r\n"
      .. "Connection: keep-alive\r\n\r\n")
    assert.equal("8", old.headers["content-length"])
    assert.equal("keep-alive", old.headers.connection)
  end)

  it("end a request with 500 where they fail, and the log says where", function()
    assert.equal(500, get("/failing").status)
    gateway:wait_line("pre%-function%.access%[1%]:3: attempt to perform arithmetic")
    assert.equal(200, get("/bare").status)
  end)

  it("are refused when the file is loaded", function()
    local path = helpers.write(helpers.directory() .. "/functions.yml", cjson.encode(config.build({
      bare = { port = port, plugins = { pre({ access = { "x =" } }) } },
    })))
    local result = helpers.run({ helpers.binary(), "check", path })
    assert.not_equal(0, result.code)
    assert.matches("config.access%[0%]: Error parsing function: code:1:", result.stdout)
  end)
end)
