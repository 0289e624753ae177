-- A worker that does not come back to its loop is told of, and in the end the process is started
-- anew.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local prometheus = require("spec.support.prometheus")
local upstreams = require("spec.fixtures.upstreams")

-- What nothing can interrupt.
local function sleep(seconds)
  return ("require('ffi').C.usleep(%d)"):format(seconds * 1000000)
end

local DECLARED = "pcall(require('ffi').cdef, 'int usleep(unsigned);') "

describe("the watchdog", function()
  local function start(settings)
    local port = upstreams.peer({ main = {} }).ports.main
    local function with(phases)
      return { port = port, plugins = { { name = "snippet", config = phases } } }
    end
    settings.plugins, settings.plugin_path = "bundled,snippet", "spec/fixtures/plugins"
    return helpers.gateway({
      config = config.build({
        up = with({}),
        slow = with({ access = DECLARED .. sleep(1) }),
        late = with({ log = DECLARED .. "ngx.timer.at(0, function() " .. sleep(1) .. " end)" }),
        stuck = with({ access = DECLARED .. sleep(1000) }),
      }, { plugins = { { name = "prometheus" } } }),
      settings = settings,
    })
  end

  after_each(helpers.stop_all)

  local function get(gateway, path)
    return gateway:get({ path = path, host = "x.example" })
  end

  it("names plugin, phase and route of a stall, and says when it is over", function()
    local gateway = start({ worker_stall_warning = "0.2" })
    assert.equal(200, get(gateway, "/up").status)
    assert.equal(200, get(gateway, "/slow").status)
    gateway:wait_line("%[error%] .*worker 0 has not come back to its loop for 0%.%d+ s: "
      .. "plugin 'snippet' runs in access, route 'slow', service 'slow'")
    gateway:wait_line("%[notice%] .*worker 0 came back to its loop after about %d%.%d+ s")
    assert.equal(1, #gateway:lines("has not come back"))
    assert.equal(200, get(gateway, "/up").status)
    assert.equal(1, gateway:status().worker_stalls)
    local metrics = helpers.curl({
      url = ("http://127.0.0.1:%d/metrics"):format(gateway.admin_port),
    })
    assert.equal(1, prometheus.value(prometheus.parse(metrics.body), "weir_worker_stalls_total"))
  end)

  it("names the plugin whose timer it is", function()
    local gateway = start({ worker_stall_warning = "0.2" })
    assert.equal(200, get(gateway, "/late").status)
    gateway:wait_line("has not come back to its loop for 0%.%d+ s: plugin 'snippet' runs in timer")
  end)

  it("is silent when it is switched off", function()
    local gateway = start({ worker_stall_warning = "0", worker_stall_limit = "0" })
    assert.equal(200, get(gateway, "/slow").status)
    assert.equal(200, get(gateway, "/up").status)
    assert.equal(0, gateway:status().worker_stalls)
    assert.equal(0, #gateway:lines("its loop"))
  end)

  it("has the process started anew when a worker does not come back", function()
    local gateway = start({ worker_stall_warning = "0", worker_stall_limit = "0.4" })
    local pid = gateway:worker_pid()
    assert.is_nil(get(gateway, "/stuck").status)
    gateway:wait_line("%[alert%] .*worker 0 has not come back to its loop for 0%.%d+ s: the "
      .. "gateway process is ended %(worker_stall_limit%); plugin 'snippet' runs in access, "
      .. "route 'stuck'")
    helpers.eventually(function() return get(gateway, "/up").status == 200 end, "an answer")
    assert.not_equal(pid, gateway:worker_pid())
  end)
end)
