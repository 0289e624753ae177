-- The three proxies of the bench, each told the same job in its own language.
--
-- The job: HTTP in, HTTPS out to one upstream whose certificate is verified against one root for
-- the name kong.example, one worker, no access log. A regime says what happens to upstream
-- connections: "pooled" keeps them, "resumed" opens one per request and resumes its TLS session,
-- "full" opens one per request with a full handshake.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local gateway = require("spec.support.gateway")
local process = require("spec.support.process")
local upstreams = require("spec.fixtures.upstreams")
local workspace = require("spec.support.workspace")

local proxies = {}

local NGINX = [[
daemon off;
master_process off;
pid %(dir)/nginx.pid;
error_log %(dir)/error.log error;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path %(dir)/body;
  proxy_temp_path %(dir)/proxy;
  fastcgi_temp_path %(dir)/fastcgi;
  uwsgi_temp_path %(dir)/uwsgi;
  scgi_temp_path %(dir)/scgi;
  upstream echo {
    server 127.0.0.1:%(upstream);
    %(pool)
  }
  server {
    listen 127.0.0.1:%(port);
    location / {
      proxy_pass https://echo;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Connection "%(connection)";
      proxy_ssl_protocols TLSv1.2 TLSv1.3;
      proxy_ssl_server_name on;
      proxy_ssl_name kong.example;
      proxy_ssl_verify on;
      proxy_ssl_verify_depth 3;
      proxy_ssl_trusted_certificate %(ca);
      proxy_ssl_session_reuse %(reuse);
    }
  }
}
]]

local HAPROXY = [[
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  option %(close)
  http-reuse always
frontend in
  bind 127.0.0.1:%(port)
  default_backend echo
backend echo
  server one 127.0.0.1:%(upstream) ssl verify required ca-file %(ca) %(server)
]]

local function fill(template, values)
  return (template:gsub("%%%((%w+)%)", values))
end

local function pinned(core, argv)
  local list = { "taskset", "-c", tostring(core) }
  for _, value in ipairs(argv) do
    list[#list + 1] = value
  end
  return list
end

local function start(job, directory, argv)
  local spec = pinned(job.core, argv)
  spec.directory = directory
  local child = workspace.start(spec)
  upstreams.wait_port(job.port, child)
  return child
end

local makers = {}

function makers.nginx(job)
  local directory = workspace.directory()
  local pooled = job.regime == "pooled"
  local file = workspace.write(directory .. "/nginx.conf", fill(NGINX, {
    dir = directory,
    port = job.port,
    upstream = job.upstream,
    ca = job.ca,
    pool = pooled and "keepalive 512;\n    keepalive_requests 100000000;" or "",
    connection = pooled and "" or "close",
    reuse = job.regime == "full" and "off" or "on",
  }))
  return start(job, directory, {
    "/usr/sbin/nginx", "-c", file, "-p", directory, "-e", directory .. "/error.log",
  })
end

function makers.haproxy(job)
  local directory = workspace.directory()
  local name = "sni str(kong.example) verifyhost kong.example"
  local file = workspace.write(directory .. "/haproxy.cfg", fill(HAPROXY, {
    port = job.port,
    upstream = job.upstream,
    ca = job.ca,
    close = job.regime == "pooled" and "http-keep-alive" or "http-server-close",
    server = name .. (job.regime == "full" and " no-ssl-reuse" or ""),
  }))
  return start(job, directory, { "/usr/sbin/haproxy", "-db", "-f", file })
end

function makers.weir(job)
  local directory = workspace.directory()
  job.admin_port = client.free_port()
  local ca = { id = config.id(1), cert = process.read(job.ca) }
  local document = config.build({
    echo = {
      protocol = "https",
      port = job.upstream,
      paths = { "/" },
      service = { tls_verify = true, tls_verify_depth = 3, ca_certificates = { ca.id } },
    },
  }, { ca_certificates = { ca }, plugins = job.plugins })
  local file = workspace.write(directory .. "/weir.json", cjson.encode(document))
  job.document, job.file = document, file
  local argv = {
    gateway.binary(), "run", file, "--workers", "1",
    "--proxy-listen", "127.0.0.1:" .. job.port,
    "--admin-listen", "127.0.0.1:" .. job.admin_port,
    "--set", "proxy_access_log=off",
  }
  local function set(text)
    argv[#argv + 1] = "--set"
    argv[#argv + 1] = text
  end
  if job.plugins then
    set("plugin_path=" .. job.plugin_path)
    local names = { "bundled" }
    for i, plugin in ipairs(job.plugins) do
      names[i + 1] = plugin.name
    end
    set("plugins=" .. table.concat(names, ","))
  end
  if job.regime ~= "pooled" then
    set("upstream_keepalive_pool_size=0")
  end
  if job.regime == "full" then
    set("upstream_tls_session_reuse=off")
  end
  return start(job, directory, argv)
end

--- Start a proxy.
-- @tparam string name nginx, haproxy or weir
-- @tparam table job regime, upstream (port), ca (file), core (to be pinned to); for weir also
-- plugins (entities) and plugin_path
-- @treturn table name, port, process; of weir also admin_port, file and document (what is in it)
function proxies.start(name, job)
  job.port = client.free_port()
  local child = makers[name](job)
  return {
    name = name, port = job.port, process = child,
    admin_port = job.admin_port, file = job.file, document = job.document,
  }
end

local function ask(proxy)
  return client.curl({
    url = ("http://127.0.0.1:%d/"):format(proxy.port), host = "kong.example", seconds = 20,
  })
end

--- Check that a proxy does the job of its regime: the upstream says of each request on which
-- connection it came and whether that connection's session was resumed.
function proxies.probe(proxy, regime)
  local seen = {}
  for i = 1, 4 do
    local response = ask(proxy)
    assert(response.status == 200, ("%s (%s) answered %s\n%s"):format(proxy.name, regime,
      tostring(response.status), proxy.process:errors()))
    seen[i] = cjson.decode(response.body)
  end
  local last, before = seen[4], seen[3]
  local found = last.connection == before.connection and "pooled"
    or last.reused == "r" and "resumed" or "full"
  assert(found == regime, ("%s does %s where %s was asked for"):format(proxy.name, found, regime))
end

--- Check that a proxy which trusts another root refuses the upstream.
function proxies.probe_refusal(proxy)
  local response = ask(proxy)
  assert(response.status == 502 or response.status == 503,
    proxy.name .. " does not verify its upstream: " .. tostring(response.status))
end

return proxies
