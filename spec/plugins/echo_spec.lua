-- echo: the lines of kong/go-echo.

local ffi = require("ffi")
local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")

if not pcall(function() return ffi.C.setenv end) then
  ffi.cdef("int setenv(const char *, const char *, int); int unsetenv(const char *);")
end

local NAMES = { "NODE_NAME", "POD_NAME", "POD_NAMESPACE", "POD_IP", "SERVICE_ACCOUNT" }

describe("echo", function()
  local kept = {}

  setup(function()
    for _, name in ipairs(NAMES) do
      kept[name] = os.getenv(name)
    end
  end)
  teardown(function()
    for _, name in ipairs(NAMES) do
      if kept[name] then
        ffi.C.setenv(name, kept[name], 1)
      else
        ffi.C.unsetenv(name)
      end
    end
  end)
  before_each(function()
    fake.install()
    pdk.install({})
  end)

  local function load_with(environment)
    for _, name in ipairs(NAMES) do
      if environment[name] then
        ffi.C.setenv(name, environment[name], 1)
      else
        ffi.C.unsetenv(name)
      end
    end
    package.loaded["kong.plugins.echo.handler"] = nil
    return require("kong.plugins.echo.handler")
  end

  local function answer(handler, want)
    want.phase = "access"
    fake.request = fake.new_request(want)
    assert.is_true(fake.run(handler.access, handler, {}))
    return fake.request
  end

  it("tells where it runs, and gives the body back", function()
    local handler = load_with({
      NODE_NAME = "n", POD_NAME = "p", POD_NAMESPACE = "ns", POD_IP = "10.0.0.1",
      SERVICE_ACCOUNT = "sa",
    })
    local request = answer(handler, { body = "hello" })
    assert.same({
      status = 200,
      body = "Welcome, you are connected to node n.\nRunning on Pod p.\nIn namespace ns.\n"
        .. "With IP address 10.0.0.1.\nService account sa.\nhello\n",
    }, request.exit)
    assert.same({ "text/plain; charset=utf-8" }, fake.header("RESPONSE", "Content-Type"))
  end)

  it("leaves out what it is not told", function()
    local handler = load_with({ POD_NAME = "100%s", NODE_NAME = "" })
    assert.equal("Running on Pod 100%s.\n\n", answer(handler, {}).exit.body)
  end)

  it("says so over HTTPS", function()
    local handler = load_with({ NODE_NAME = "n" })
    assert.equal("Welcome, you are connected to node n.\nThrough HTTPS connection.\n\n",
      answer(handler, { numbers = { REQUEST_IS_TLS = 1 } }).exit.body)
  end)

  it("tells details when it is asked to", function()
    local handler = load_with({})
    local request = {
      texts = { REQUEST_METHOD = "PUT", REQUEST_TARGET = "/x?details=true",
        REQUEST_QUERY = "details=true" },
      numbers = { REQUEST_MINOR_VERSION = 1 },
      headers = { Host = "h.example:80" },
    }
    assert.equal("Protocol: HTTP/1.1\nHost: h.example:80\nMethod: PUT\nURL: /x?details=true\n\n",
      answer(handler, request).exit.body)
  end)

  it("refuses a body that is too large to hold", function()
    local handler = load_with({})
    local request = answer(handler, { body = "too large" })
    assert.equal(413, request.failure.status)
    assert.matches("client_body_buffer_size", request.failure.message)
  end)
end)
