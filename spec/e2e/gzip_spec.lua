-- kong.tools.gzip in the running gateway.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("kong.tools.gzip", function()
  teardown(helpers.stop_all)

  it("fails the request of a small text that stands for more than a worker may have", function()
    local gateway = helpers.gateway({
      settings = {
        plugins = "bundled,prober", plugin_path = "spec/fixtures/plugins", lua_memory_limit = "64m",
      },
      config = config.build({
        bomb = { port = upstreams.peer({ main = {} }).ports.main, plugins = { {
          name = "prober",
          config = { code = { access = [[
            local gzip = require("kong.tools.gzip")
            local mebibyte = gzip.deflate_gzip(("\0"):rep(1024 * 1024))
            assert(#gzip.inflate_gzip(mebibyte:rep(8)) == 8 * 1024 * 1024)
            return #gzip.inflate_gzip(mebibyte:rep(1024))
          ]] } },
        } } },
      }),
    })
    assert.equal(500, gateway:get({ path = "/bomb", host = "x" }).status)
    gateway:wait_line("%[prober%] access: .*not enough memory: .*lua_memory_limit is 67108864")
  end)
end)
