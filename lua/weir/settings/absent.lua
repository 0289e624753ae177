-- Kong's settings that weir does not have, each with what is so in place of it: kong.conf files are
-- tried on weir as they are. `*` at the end of a name stands for any rest; what comes first counts.
local GROUPS = {
  { { "prefix", "nginx_daemon", "nginx_user", "nginx_main_daemon", "nginx_main_user" },
    "weir runs in the foreground, as whoever starts it, and has no folder of its own" },
  { { "proxy_error_log", "admin_error_log", "status_error_log", "debug_error_log" },
    "the error log goes to standard error" },
  { { "admin_access_log", "status_access_log", "debug_access_log" },
    "requests to the Admin API are in the access log, where proxy_access_log says" },
  { { "proxy_stream_*", "stream_proxy_*", "nginx_stream_*", "nginx_sproxy_*" },
    "there is no stream proxying" },
  { { "nginx_main_worker_processes" }, "use nginx_worker_processes" },
  { { "nginx_main_worker_rlimit_nofile", "nginx_events_*" },
    "weir raises its limit of open files to the hard one; that is the only limit of connections" },
  { { "nginx_http_client_body_buffer_size" }, "use client_body_buffer_size" },
  { { "nginx_http_upstream_keepalive" }, "use upstream_keepalive_pool_size" },
  { { "nginx_proxy_real_ip_header" }, "use real_ip_header" },
  { { "nginx_proxy_real_ip_recursive" }, "use real_ip_recursive" },
  { { "nginx_proxy_proxy_ssl_*" }, "use the plugin upstream-tls, configured for all services" },
  { { "ssl_session_*", "nginx_http_ssl_session_*" },
    "listeners resume sessions by tickets; the keys are made at each start" },
  { { "ssl_cipher_suite", "ssl_ciphers", "ssl_protocols", "ssl_prefer_server_ciphers",
      "ssl_dhparam", "nginx_http_ssl_*" },
    "listeners take TLS 1.2 and 1.3, with forward secrecy and AEAD ciphers only" },
  { { "wasm*", "proxy_wasm*", "nginx_wasm_*" }, "there are no WebAssembly filters" },
  { { "nginx_*" }, "there is no nginx that directives could be put into" },
  { { "client_ssl", "client_ssl_cert", "client_ssl_cert_key" },
    "use client_certificate of a service or upstream, or of upstream-tls for all" },
  { { "admin_ssl_*", "status_ssl_*", "debug_ssl_*" },
    "the Admin API is served without TLS: keep it on a loopback address" },
  { { "lua_ssl_protocols" }, "plugins' own TLS connections are of version 1.2 or 1.3" },
  { { "lua_max_req_headers", "lua_max_resp_headers", "lua_max_uri_args", "lua_max_post_args" },
    "functions that read header fields or arguments give 100, unless a plugin says how many" },
  { { "lua_package_cpath" }, "use LUA_CPATH in the environment" },
  { { "dns_*", "resolver_*", "new_dns_client" },
    "names are looked up as /etc/hosts and /etc/resolv.conf say; stale answers serve while new "
      .. "ones are fetched" },
  { { "pg_*", "cassandra_*", "db_update_*", "db_resurrect_ttl", "db_cache_warmup_entities",
      "lmdb_*", "declarative_config_encryption_mode" },
    "there is no database; the configuration is a declarative file" },
  { { "worker_consistency", "worker_state_update_frequency" },
    "a new configuration is in force at once, in all workers" },
  { { "role", "cluster_*", "konnect_mode", "kic", "data_plane_config_cache_*", "rpc_*",
      "dedicated_config_processing", "privileged_agent", "proxy_server", "proxy_server_ssl_verify",
      "allow_inconsistent_data_plane_plugins" },
    "weir forms no cluster and asks no control plane" },
  { { "admin_gui_*", "admin_api_uri", "admin_emails_*", "admin_invitation_expiry",
      "admin_approved_email", "portal*", "smtp_*", "proxy_url", "enforce_rbac",
      "rbac_auth_header", "vitals*", "analytics_*", "audit_log*", "keyring_*",
      "event_hooks_enabled", "fips" },
    "weir has nothing of this" },
  { { "anonymous_reports" }, "weir reports nothing to anybody" },
  { { "tracing*", "opentelemetry_*", "generate_trace_details" },
    "spans that plugins make are dropped" },
  { { "error_template_*" }, "error bodies are those of Kong, and cannot be changed" },
  { { "port_maps", "host_ports" },
    "X-Forwarded-Port of a peer in trusted_ips says which port clients see" },
  { { "allow_debug_header", "request_debug*" }, "there are no debug header fields" },
  { { "vaults", "vault_aws_*", "vault_azure_*", "vault_conjur_*", "vault_gcp_*", "vault_hcv_*" },
    "env is the only vault" },
  { { "pluginserver_*" }, "plugins are Lua" },
  { { "node_id" }, "a new one is made at each start" },
  { { "openresty_path", "legacy_worker_events", "route_validation_strategy",
      "enforce_route_path_pattern", "debug_listen*", "feature_conf_path" },
    "weir has nothing that it would change" },
}

local absent = { GROUPS = GROUPS }

local function stands_for(pattern, name)
  local start = pattern:match("^(.*)%*$")
  return start and name:sub(1, #start) == start or pattern == name
end

--- What is so in place of a setting.
-- @tparam string name
-- @treturn string|nil nil: Kong does not have it either
function absent.instead(name)
  for _, group in ipairs(GROUPS) do
    for _, pattern in ipairs(group[1]) do
      if stands_for(pattern, name) then
        return group[2]
      end
    end
  end
end

return absent
