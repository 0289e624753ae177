-- cors: who may read responses, what preflight requests are told, and what the schema refuses.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.cors.handler")
local schema = require("kong.plugins.cors.schema")

local ALLOW = "Access-Control-Allow-"

describe("cors", function()
  setup(function()
    fake.install()
    pdk.install({})
  end)
  before_each(function()
    current.slot, current.plugin = 1, { name = "cors" }
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  local function response(name)
    return table.concat(fake.header("RESPONSE", name), "|")
  end

  -- Runs access, and header_filter unless the request was answered before there was a response.
  -- Returns the status of an answer.
  local function run(config, method, headers, from_service)
    local conf = assert(plugin.configure(schema, config))
    fake.request = fake.new_request({
      phase = "access", headers = headers, texts = { REQUEST_METHOD = method },
      headers_response = from_service,
    })
    fake.run(handler.access, handler, conf)
    fake.request.phase = "header_filter"
    handler:header_filter(conf)
    return fake.request.exit and fake.request.exit.status
  end

  local function get(config, origin, from_service)
    run(config, "GET", { Origin = origin }, from_service)
    return response(ALLOW .. "Origin")
  end

  local function preflight(config, more)
    local headers = { Origin = "http://a.example", ["Access-Control-Request-Method"] = "PUT" }
    for name, value in pairs(more or {}) do
      headers[name] = value
    end
    return run(config, "OPTIONS", headers)
  end

  describe("allows", function()
    local cases = {
      { nil, "http://a.example", "*" },
      { {}, "http://a.example", "*" },
      { { "*" }, "http://a.example", "*" },
      { { "a.example", "*" }, "http://b.example", "*" },

      -- One that is no regex is the answer to all.
      { { "a.example" }, "http://evil.example", "a.example" },
      { { "https://a.example:444" }, "http://evil.example", "https://a.example:444" },

      -- Several are compared as a whole.
      { { "a.example", "b.example" }, "http://a.example", "" },
      { { "a.example", "b.example" }, "a.example", "a.example" },
      { { "http://a.example", "https://b.example:444" }, "http://a.example", "http://a.example" },
      { { "http://a.example", "https://b.example:444" }, "https://a.example", "" },
      { { "http://a.example", "https://b.example:444" }, "http://a.example.evil.example", "" },
      { { "http://a.example", "https://b.example:444" }, "https://b.example:444",
        "https://b.example:444" },
      { { "http://a.example", "https://b.example:444" }, "https://b.example", "" },

      -- The port of the scheme goes without saying.
      { { "http://a.example:80", "b.example" }, "http://a.example", "http://a.example" },
      { { "https://a.example", "b.example" }, "https://a.example:443", "https://a.example" },
      { { "https://a.example", "b.example" }, "https://a.example:80", "" },
      { { "http://\\[::1\\]" }, "http://[::1]:80", "http://[::1]" },

      -- A regex without ":" is about the host.
      { { "a\\.example" }, "http://a.example", "http://a.example" },
      { { "a\\.example" }, "https://a.example:8000", "https://a.example:8000" },
      { { "a\\.example" }, "http://x.a.example", "" },
      { { "a\\.example" }, "http://aXexample", "" },
      { { "(.*[./])?a\\.example" }, "http://x.a.example", "http://x.a.example" },
      { { "(.*[./])?a\\.example" }, "http://xa.example", "" },
      { { "(.*[./])?a\\.example" }, "http://evil.example/a.example", "" },

      -- With ":" it is about the whole.
      { { "https://(.*[.])?a\\.example:8000" }, "https://x.a.example:8000",
        "https://x.a.example:8000" },
      { { "https://(.*[.])?a\\.example:8000" }, "http://a.example:8000", "" },
      { { "^http://a\\.example(:(80|90))?$" }, "http://a.example:80", "http://a.example" },
      { { "^http://a\\.example(:(80|90))?$" }, "http://a.example:91", "" },
      { { "^http://a\\.example(:(80|90))?$" }, "http://a.example.evil.example", "" },

      -- Each alternative has to match all of it.
      { { "a\\.example|b\\.example" }, "http://b.example", "http://b.example" },
      { { "a\\.example|b\\.example" }, "http://a.example.evil.example", "" },
      { { "a\\.example|b\\.example" }, "http://evil-b.example", "" },

      { { "null", "b.example" }, "null", "null" },
      { { "a.example", "b.example" }, "null", "" },
    }
    for _, case in ipairs(cases) do
      local list = case[1] and table.concat(case[1], " ") or "nothing said"
      it(("%s to %s, with %s"):format(case[3] == "" and "nothing" or case[3], case[2], list),
        function()
          assert.equal(case[3], get({ origins = case[1] }, case[2]))
          assert.equal(case[3] == "*" and "" or "Origin", response("Vary"))
        end)
    end

    it("nothing where the service said otherwise", function()
      local service = { ["Access-Control-Allow-Origin"] = "*" }
      assert.equal("", get({ origins = { "a.example", "b.example" } }, "http://c.example", service))
    end)

    it("nothing when the regex cannot be searched with", function()
      assert.equal("", get({ origins = { "(a+)+[bc]" } }, "http://" .. ("a"):rep(60)))
      assert.matches("could not search for origin", fake.log[#fake.log].text)
    end)
  end)

  describe("with credentials", function()
    it("names the origin instead of *", function()
      assert.equal("http://a.example:81", get({ credentials = true }, "http://a.example:81"))
      assert.equal("true", response(ALLOW .. "Credentials"))
      assert.equal("Origin", response("Vary"))
    end)

    it("needs an origin for that", function()
      assert.equal("*", get({ credentials = true }))
      assert.equal("", response(ALLOW .. "Credentials"))
    end)

    it("says so beside a list, too", function()
      assert.equal("a.example", get({ credentials = true, origins = { "a.example" } }))
      assert.equal("true", response(ALLOW .. "Credentials"))
    end)
  end)

  it("adds to the service's Vary", function()
    get({ origins = { "a.example" } }, "http://a.example", { Vary = "Accept-Encoding" })
    assert.equal("Accept-Encoding|Origin", response("Vary"))
  end)

  it("exposes headers", function()
    get({ exposed_headers = { "X-One", "X-Two" } }, "http://a.example")
    assert.equal("X-One,X-Two", response("Access-Control-Expose-Headers"))
  end)

  it("says nothing to those without an origin, if told so", function()
    local config = { allow_origin_absent = false, exposed_headers = { "X-One" } }
    for _, origin in ipairs({ false, "" }) do
      assert.equal("", get(config, origin or nil))
      assert.equal("", response("Access-Control-Expose-Headers"))
    end
    assert.equal("*", get(config, "http://a.example"))
  end)

  describe("preflight", function()
    it("is answered", function()
      assert.equal(200, preflight({}))
      assert.equal("*", response(ALLOW .. "Origin"))
      assert.equal("GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT",
        response(ALLOW .. "Methods"))
      for _, name in ipairs({ "Headers", "Credentials", "Private-Network" }) do
        assert.equal("", response(ALLOW .. name))
      end
      assert.equal("", response("Access-Control-Max-Age"))
      assert.equal("", response("Vary"))
    end)

    it("hears what is configured, once", function()
      preflight({
        origins = { "a.example" }, methods = { "GET", "PUT" }, headers = { "x-one", "x-two" },
        max_age = 23, credentials = true, exposed_headers = { "x-token" },
      }, { ["Access-Control-Request-Headers"] = "x-three" })
      assert.equal("a.example", response(ALLOW .. "Origin"))
      assert.equal("GET,PUT", response(ALLOW .. "Methods"))
      assert.equal("x-one,x-two", response(ALLOW .. "Headers"))
      assert.equal("true", response(ALLOW .. "Credentials"))
      assert.equal("23", response("Access-Control-Max-Age"))
      assert.equal("Origin", response("Vary"))
      assert.equal("", response("Access-Control-Expose-Headers"))
    end)

    it("gets the headers back that it asks for", function()
      preflight({}, { ["Access-Control-Request-Headers"] = "x-a, x-b" })
      assert.equal("x-a, x-b", response(ALLOW .. "Headers"))
    end)

    it("of a private network has to be allowed, and to ask", function()
      local asking = { ["Access-Control-Request-Private-Network"] = "true" }
      preflight({ private_network = true }, asking)
      assert.equal("true", response(ALLOW .. "Private-Network"))
      preflight({ private_network = true })
      assert.equal("", response(ALLOW .. "Private-Network"))
      preflight({}, asking)
      assert.equal("", response(ALLOW .. "Private-Network"))
    end)

    it("goes to the service if told so, and what it says stays", function()
      assert.is_nil(preflight({ preflight_continue = true }))
      assert.equal("", response(ALLOW .. "Origin"))
    end)

    it("is nothing else", function()
      local asking = { ["Access-Control-Request-Method"] = "PUT" }
      assert.is_nil(run({}, "OPTIONS", asking))
      assert.is_nil(run({}, "OPTIONS", { Origin = "http://a.example" }))
      asking.Origin = "http://a.example"
      assert.is_nil(run({}, "GET", asking))
      assert.equal(200, run({}, "OPTIONS", asking))
    end)
  end)

  describe("schema", function()
    it("refuses what is no regex", function()
      assert.same({ nil, "'(' is not a valid regex" },
        { plugin.configure(schema, { origins = { "a.example", "(" } }) })
    end)

    it("knows the methods", function()
      assert.same({ nil, "expected one of: GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS, TRACE, "
        .. "CONNECT" }, { plugin.configure(schema, { methods = { "get" } }) })
    end)
  end)
end)
