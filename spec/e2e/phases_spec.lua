-- Phases of plugins in the running gateway: rewrite, and those that need the whole response.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local SETTINGS = {
  plugins = "bundled,buffering,raiser,tracer,whole", plugin_path = "spec/fixtures/plugins",
  response_buffer_size = "100k",
}

describe("phases:", function()
  local peer

  local function gateway_of(services, more)
    return helpers.gateway({ config = config.build(services, more), settings = SETTINGS })
  end

  setup(function()
    peer = upstreams.peer({ main = {} })
  end)
  teardown(helpers.stop_all)

  describe("response", function()
    local gateway

    setup(function()
      local function with(...)
        return { port = peer.ports.main, plugins = { ... } }
      end
      local function whole(conf)
        return { name = "whole", config = conf }
      end
      gateway = gateway_of({
        plain = { port = peer.ports.main },
        whole = with(whole({})),
        traced = with(whole({}), { name = "tracer", config = { mark = "t" } }),
        fail = with(whole({ fail = true })),
        exit = with(whole({ exit = 418 })),
        left = with(whole({ ngx_exit = 0 }), { name = "tracer", config = { mark = "t" } }),
        refused = with(whole({ ngx_exit = 403 })),
        held = with({ name = "buffering" }),
        unheld = with({ name = "buffering", config = { enable = false } }),
      })
    end)

    local function get(path, more)
      local request = more or {}
      request.path, request.host = path, "x.example"
      return gateway:get(request)
    end

    it("sees all of the service's answer and changes its head", function()
      local response = get("/whole/bytes/50000")
      assert.equal(200, response.status)
      assert.equal(50000, #response.body)
      assert.equal("50000", response.headers["x-length"])
      assert.equal("service", response.headers["x-source"])
    end)

    it("comes before header_filter of others", function()
      local response = get("/traced/bytes/10")
      assert.equal("10", response.headers["x-length"])
      assert.equal("access=t,header_filter=t", response.headers["x-trace"])
    end)

    it("is bounded: a larger response is an error, and the log names the setting", function()
      assert.equal(502, get("/whole/bytes/200000").status)
      gateway:wait_line("%[error%] .*upstream sent more than response_buffer_size")
      assert.equal(200000, #get("/plain/bytes/200000").body)
    end)

    it("answers in place of the service", function()
      local response = get("/exit/bytes/7")
      assert.equal(418, response.status)
      assert.same({ length = 7 }, cjson.decode(response.body))
    end)

    it("is over for a handler that exits with ngx.OK", function()
      local response = get("/left/bytes/7")
      assert.same({ 200, 7 }, { response.status, #response.body })
      assert.is_nil(response.headers["x-length"])
      assert.equal("access=t,header_filter=t", response.headers["x-trace"])
    end)

    it("answers by ngx.exit with a status", function()
      local response = get("/refused/bytes/7")
      assert.equal(403, response.status)
      assert.is_string(cjson.decode(response.body).message)
    end)

    it("that fails gives the error page, with the request's id", function()
      local response = get("/fail", { headers = { Accept = "application/json" } })
      assert.equal(500, response.status)
      local page = cjson.decode(response.body)
      assert.equal("An unexpected error occurred", page.message)
      assert.equal(response.headers["x-kong-request-id"], page.request_id)
      gateway:wait_line("%[whole%] response: .*deliberate failure")
    end)

    it("leaves connections fit for the next request", function()
      local before = peer:count("connection")
      get({ "/whole/bytes/10", "/whole/bytes/10", "/exit/bytes/10", "/whole/bytes/10" })
      assert.is_true(peer:count("connection") - before <= 1)
    end)

    it("need not be implemented to have the body: enable_buffering", function()
      local response = get("/held")
      assert.equal(tostring(#response.body), response.headers["x-held"])
      gateway:wait_line("%[buffering%] held application/json GET")
      assert.equal("service body is only available with buffered proxying (see: "
        .. "kong.service.request.enable_buffering function)", get("/unheld").headers["x-held"])
    end)
  end)

  it("see a route's refusal of plain HTTP where they are everybody's, as in Kong", function()
    local function tracer(mark)
      return { name = "tracer", config = { mark = mark } }
    end
    local gateway = gateway_of({
      secure = {
        port = peer.ports.main, route = { protocols = { "https" } }, plugins = { tracer("mine") },
      },
      moved = {
        port = peer.ports.main, plugins = { tracer("mine") },
        route = { protocols = { "https" }, https_redirect_status_code = 301 },
      },
    }, { plugins = { tracer("all") } })
    for path, status in pairs({ ["/secure"] = 426, ["/moved"] = 301 }) do
      local response = gateway:get({ path = path, host = "x.example" })
      assert.equal(status, response.status)
      assert.equal("rewrite=all,header_filter=all", response.headers["x-trace"])
      gateway:wait_line(("header_filter=all,log=all status %d"):format(status))
    end
    assert.equal(0, #gateway:lines("=mine"))
  end)

  it("are none of Lua's business where no plugin is", function()
    local gateway = gateway_of({ plain = { port = peer.ports.main } })
    gateway:get({ path = "/plain", host = "x.example" })
    local before = gateway:status().lua_phases
    for _ = 1, 5 do
      assert.equal(200, gateway:get({ path = "/plain", host = "x.example" }).status)
    end
    -- The question itself is the Admin API's, which is Lua.
    assert.equal(before + 1, gateway:status().lua_phases)
  end)

  describe("where consumers have plugins of their own,", function()
    local gateway

    setup(function()
      local consumers = {}
      for i, name in ipairs({ "ann", "bob" }) do
        consumers[i] = { username = name, keyauth_credentials = { { key = name } } }
      end
      local function open()
        return { port = peer.ports.main }
      end
      gateway = gateway_of({ anns = open(), others = open() }, {
        consumers = consumers,
        plugins = {
          { name = "key-auth", service = "anns" },
          { name = "whole", service = "anns", consumer = "ann" },
          { name = "whole", service = "others" },
          { name = "buffering", service = "others", consumer = "ann" },
        },
      })
    end)

    local function get(path, key)
      return gateway:get({ path = path, host = "x.example", headers = { apikey = key } })
    end

    it("the answers of those whose plugins look at them are held, and no others", function()
      assert.equal("50000", get("/anns/bytes/50000", "ann").headers["x-length"])
      assert.equal(502, get("/anns/bytes/200000", "ann").status)
      local streamed = get("/anns/bytes/200000", "bob")
      assert.same({ 200, 200000 }, { streamed.status, #streamed.body })
    end)

    it("those of nobody in particular are held, too, where no other plugin has access", function()
      assert.equal("7", get("/others/bytes/7").headers["x-length"])
    end)
  end)

  it("rewrite that fails gives the error page, with the request's id", function()
    local gateway = gateway_of({ plain = { port = peer.ports.main } }, {
      plugins = { { name = "raiser", config = { phase = "rewrite" } } },
    })
    local response = gateway:get({
      path = "/plain", host = "x.example", headers = { Accept = "application/json" },
    })
    assert.equal(500, response.status)
    assert.equal(response.headers["x-kong-request-id"], cjson.decode(response.body).request_id)
    gateway:wait_line("%[raiser%] rewrite: .*deliberate failure")
  end)
end)
