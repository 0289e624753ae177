-- Compiles entities for specs of weir.compile, with a stand-in for the core.

local buffer = require("string.buffer")
local fake = require("spec.support.fake_abi").install()
local plugin = require("spec.support.plugin")
local compile = require("weir.compile")
local plugins = require("weir.plugins")

local compiling = {}

local SETTINGS = {
  upstream_keepalive_pool_size = 512, upstream_keepalive_max_requests = 10000,
  upstream_keepalive_idle_timeout = 60, upstream_tls_session_reuse = true,
  upstream_tls_handshakes_max = 64,
  nginx_http_client_max_body_size = 0, client_body_buffer_size = 8192,
  response_buffer_size = 4096,
  nginx_http_client_header_timeout = 1.5, nginx_http_client_body_timeout = 60,
  nginx_http_keepalive_timeout = 75, nginx_http_send_timeout = 60,
  proxy_access_log = "/dev/stdout", real_ip_recursive = false, real_ip_header = "X-Real-IP",
  error_default_type = "text/plain", trusted_ips = { "10.0.0.0/8", "::1" },
  headers = { "server_tokens", "X-Kong-Request-Id" }, headers_upstream = { "X-Kong-Request-Id" },
  ssl_cert = {}, ssl_cert_key = {}, declarative_config_string = "key: secret", plugins = {},
  proxy_listen = {},
}

local TYPES = {
  "services", "routes", "upstreams", "targets", "plugins", "certificates", "snis",
  "ca_certificates", "consumers",
}

local DEFAULTS = {
  services = {
    enabled = true, protocol = "http", host = "backend.example", port = 80, retries = 5,
    connect_timeout = 1, write_timeout = 2, read_timeout = 3,
  },
  routes = {
    protocols = { "http", "https" }, https_redirect_status_code = 426, strip_path = true,
    preserve_host = false, regex_priority = 0,
  },
  plugins = { enabled = true, protocols = { "grpc", "grpcs", "http", "https" }, config = {} },
}

-- Entities as weir.declarative gives them.
local function configuration(entities)
  local config = {
    by_id = {}, referring = entities.referring or {}, model = require("weir.entities").base,
  }
  for _, kind in ipairs(TYPES) do
    config[kind], config.by_id[kind] = {}, {}
    for i, entity in ipairs(entities[kind] or {}) do
      for field, value in pairs(DEFAULTS[kind] or {}) do
        if entity[field] == nil then
          entity[field] = value
        end
      end
      entity.id = entity.id or kind .. "-" .. i
      table.insert(config[kind], entity)
      config.by_id[kind][entity.id] = entity
    end
  end
  return config
end

--- Compiles entities.
-- @tparam table entities type -> list, with weir.declarative's defaults for what is not given;
-- `referring` as there
-- @tparam ?table names of plugins that are enabled
-- @tparam ?table settings that differ from the usual
-- @treturn table what the core was told (spec.support.fake_abi)
-- @treturn table|string problems, or why there is no builder
-- @treturn table|nil builder
-- @treturn table|nil what workers decode
function compiling.run(entities, names, settings)
  local all = setmetatable(settings or {}, { __index = SETTINGS })
  local merged = {}
  for name in pairs(SETTINGS) do
    merged[name] = all[name]
  end
  local builder, problems = compile.run(configuration(entities), {
    settings = merged,
    plugins = assert(plugins.load_all(names or {})),
    hash = "abc",
    node_id = "node",
  })
  return fake.built, problems, builder, fake.built.blob and buffer.decode(fake.built.blob)
end

--- The plan of a route, counted from 1; plans 0 and 1 belong to no route.
function compiling.plan_of(built, route)
  return built.plans[route + 2]
end

--- Marks of the configurations in a plan's chain, in order.
function compiling.chain_of(blob, plan)
  local marks = {}
  for i, index in ipairs(blob.chains[plan]) do
    local record = blob.plugins[index]
    marks[i] = record.conf.mark or record.name
  end
  return marks
end

--- Begins a spec: the plugins one, two and three are there. For before_each.
function compiling.begin()
  fake.install()
  plugin.define("one", { PRIORITY = 10 }, { "access" })
  plugin.define("two", { PRIORITY = 20 }, { "rewrite", "header_filter", "log" })
  plugin.define("three", { PRIORITY = 10 }, { "body_filter" })
end

--- References to the first of their kinds.
compiling.SERVICE, compiling.ROUTE = { id = "services-1" }, { id = "routes-1" }

return compiling
