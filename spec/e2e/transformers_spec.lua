-- request-transformer and response-transformer in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local LARGE = 2 * 1024 * 1024

describe("the transformers", function()
  local gateway, peer

  setup(function()
    peer = upstreams.peer({ main = {} })
    local port = peer.ports.main
    local function requests(fields, more)
      local service = more or {}
      service.port = port
      service.plugins = { { name = "request-transformer", config = fields } }
      return service
    end
    local function responses(fields)
      return { port = port, plugins = { { name = "response-transformer", config = fields } } }
    end
    gateway = helpers.gateway({ config = config.build({
      all = requests({
        http_method = "PUT",
        remove = { headers = { "X-Secret" }, querystring = { "secret" }, body = { "secret" } },
        replace = { headers = { "Host:new.example" }, uri = "/new/$(headers['X-Name'])" },
        add = { querystring = { "first:$(query_params.secret)" }, body = { "name:kim" } },
        append = { headers = { "X-Name:second" } },
      }),
      groups = requests({ replace = { uri = "/$(uri_captures.what)/$(uri_captures[2])" } },
        { paths = { [[~/groups/(?<what>\w+)/(\d+)]] } }),
      failing = requests({ add = { headers = { "X-A:$(nil + 1)" } } }),
      responses = responses({
        remove = { headers = { "Content-Type" } },
        add = { headers = { "X-New:yes" } },
      }),
      json = responses({
        remove = { json = { "headers", "body" } },
        add = { json = { "n:1" }, json_types = { "number" } },
      }),
      bare = { port = port },
    }) })
  end)
  teardown(helpers.stop_all)

  local function send(path, more)
    local request = more or {}
    request.path, request.host = path, "x.example"
    return gateway:get(request)
  end

  describe("of requests", function()
    it("change what goes upstream", function()
      local body = '{"secret":1,"list":[],"number":12345678901234567}'
      local response = send("/all/old?secret=42&b=%20", {
        method = "POST", body = body,
        headers = { ["X-Secret"] = "s", ["X-Name"] = "one", ["Content-Type"] = "application/json" },
      })
      assert.equal(200, response.status)
      local seen = cjson.decode(response.body)
      assert.equal("PUT", seen.method)
      assert.equal("/new/one?b=%20&first=42", seen.target)
      assert.equal("new.example", seen.headers.host)
      assert.is_nil(seen.headers["x-secret"])
      assert.equal('{"list":[],"number":12345678901234567,"name":"kim"}', seen.body.text)
      assert.equal(tostring(#seen.body.text), seen.headers["content-length"])
    end)

    it("take groups of the path", function()
      local seen = cjson.decode(send("/groups/users/42").body)
      assert.equal("/users/42", seen.target)
    end)

    it("pass nothing on that they could not change", function()
      local before = peer:count("request")
      local response = send("/all", {
        method = "POST", body = '{"secret":"' .. ("x"):rep(LARGE) .. '"}',
        headers = { ["Content-Type"] = "application/json", ["X-Name"] = "n" },
      })
      assert.equal(413, response.status)
      assert.equal(before, peer:count("request"))
      gateway:wait_line("%[request%-transformer%] the body cannot be transformed: ")
    end)

    it("end a request whose template fails with 500", function()
      assert.equal(500, send("/failing").status)
      gateway:wait_line("request%-transformer.*%$%(nil %+ 1%):2: attempt to perform arithmetic")
      assert.equal(200, send("/bare").status)
    end)
  end)

  describe("of responses", function()
    it("change headers", function()
      local response = send("/responses/x")
      assert.equal(200, response.status)
      assert.equal("yes", response.headers["x-new"])
      assert.is_nil(response.headers["content-type"])
      assert.equal("/x", cjson.decode(response.body).target)
    end)

    it("change JSON", function()
      local response = send("/json/x")
      assert.equal(200, response.status)
      local body = cjson.decode(response.body)
      assert.equal(1, body.n)
      assert.equal("/x", body.target)
      assert.is_nil(body.headers)
    end)

    it("leave other bodies", function()
      assert.equal(100000, #send("/json/bytes/100000").body)
    end)

    it("leave answers to HEAD without a body, and the connection usable", function()
      local raw = gateway:connect()
      raw:send("HEAD /json HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(200, raw:response("HEAD").status)
      raw:send("GET /json HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(1, cjson.decode(raw:response().body).n)
      raw:close()
    end)
  end)
end)
