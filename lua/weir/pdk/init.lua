-- The PDK: the global `kong` that plugins are written against.
--
-- Functions of Kong's that are not here are missing altogether, so a plugin that needs one fails at
-- once and says so.
local Cache = require("weir.pdk.cache")
local configuration = require("weir.pdk.configuration")
local coroutines = require("weir.wait.coroutines")
local meta = require("kong.meta")
local shared = require("weir.ngx.shared")
local timer = require("weir.ngx.timer")

-- Fields of ngx.ctx.
require("weir.pdk.balancer_data")
require("weir.pdk.times")

local pdk = {}

local kong = {
  version = meta.version,
  version_num = meta.version_num,
  weir_version = meta.weir_version,
  pdk_major_version = 2,
  pdk_version = "2.0.0",
  configuration = configuration.view,
  cache = Cache.new(),
  client = require("weir.pdk.client"),
  cluster = require("weir.pdk.cluster"),
  cluster_events = require("weir.pdk.cluster_events"),
  core_cache = Cache.new(),
  ctx = require("weir.pdk.ctx"),
  db = require("weir.db"),
  default_workspace = require("weir.entities.workspace").id,
  ip = require("weir.pdk.ip"),
  log = require("weir.pdk.log"),
  nginx = require("weir.pdk.nginx"),
  node = require("weir.pdk.node"),
  plugin = require("weir.pdk.plugin"),
  request = require("weir.pdk.request"),
  response = require("weir.pdk.response"),
  router = require("weir.pdk.router"),
  service = require("weir.pdk.service"),
  table = require("weir.pdk.table"),
  telemetry = require("weir.pdk.telemetry"),
  timer = require("weir.pdk.timer"),
  tls = require("weir.pdk.tls"),
  tracing = require("weir.pdk.tracing"),
  vault = require("weir.pdk.vault"),
  worker_events = require("weir.pdk.worker_events"),
}
kong.client.tls = require("weir.pdk.client_tls")
kong.service.request = require("weir.pdk.service_request")
kong.service.response = require("weir.pdk.service_response")

--- Sets the globals `kong` (and `weir`, the same table), `ngx` and `coroutine`, and what
-- kong.configuration shows.
-- @tparam table settings by name
-- @treturn table kong
function pdk.install(settings)
  configuration.set(settings)
  shared.open(settings)
  timer.configure(settings)
  _G.kong, _G.weir = kong, kong
  _G.ngx = require("weir.ngx")
  _G.coroutine = coroutines
  return kong
end

return pdk
