-- All settings, in the order in which `weir help settings` prints them. Names and defaults are
-- Kong's where Kong has the setting; the differences are said in the descriptions.
--
-- A key has a name, a type (weir.settings.values), a default (text, as one would write it) and a
-- description.
local HEADER_TOKENS = {
  "server_tokens", "latency_tokens", "X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency",
  "X-Kong-Response-Latency", "X-Kong-Upstream-Status", "X-Kong-Request-Id", "Server", "Via",
}

local LOG_LEVELS = { "debug", "info", "notice", "warn", "error", "crit", "alert", "emerg" }

return {
  -- Kong also listens on 8443 with a certificate that it makes up. weir presents none that nobody
  -- chose.
  { name = "proxy_listen", type = "listen", default = "0.0.0.0:8000 reuseport backlog=16384",
    description = "addresses that clients' requests are accepted on; flags: ssl, reuseport, "
      .. "backlog=N, deferred, bind, ipv6only=on|off, so_keepalive=on|off" },
  { name = "admin_listen", type = "listen", default = "127.0.0.1:8001",
    description = "addresses of the Admin API, or off" },
  { name = "status_listen", type = "listen_off", default = "off",
    description = "only off in this version; the Admin API has /status" },
  { name = "stream_listen", type = "listen_off", default = "off",
    description = "only off in this version" },
  { name = "nginx_worker_processes", type = "workers", default = "auto",
    description = "number of worker threads; auto: one for each processor" },
  { name = "log_level", type = "enum", default = "notice", options = LOG_LEVELS,
    description = "what the error log, on standard error, leaves out" },
  { name = "proxy_access_log", type = "enum", default = "/dev/stdout",
    options = { "/dev/stdout", "off" },
    description = "where the access log goes" },

  { name = "declarative_config", type = "string", default = "",
    description = "the declarative file, if the command line names none" },
  { name = "declarative_config_string", type = "string", default = "",
    description = "the declarative configuration itself, as YAML or JSON" },
  { name = "database", type = "enum", default = "off", options = { "off" },
    description = "only off: weir has no database" },
  { name = "router_flavor", type = "enum", default = "traditional_compatible",
    options = { "traditional_compatible" }, description = "only traditional_compatible" },

  { name = "upstream_keepalive_pool_size", type = "integer", default = "512", max = 2 ^ 31 - 1,
    description = "idle connections that each worker keeps for an upstream address, name and TLS "
      .. "policy; 0: none" },
  { name = "upstream_keepalive_max_requests", type = "integer", default = "10000", max = 2 ^ 31 - 1,
    description = "requests sent over one upstream connection; 0: no limit" },
  { name = "upstream_keepalive_idle_timeout", type = "time", default = "60", max = 86400 * 24,
    description = "seconds that an upstream connection is kept idle; 0: no limit" },
  { name = "upstream_tls_session_reuse", type = "boolean", default = "on",
    description = "resume TLS sessions to upstreams, each under the policy that it was verified "
      .. "under; not Kong's" },
  { name = "upstream_tls_handshakes_max", type = "integer", default = "64", max = 2 ^ 31 - 1,
    description = "TLS handshakes with upstreams, and of plugins' own connections, that each "
      .. "worker has under way at once; those beyond it wait, as long as they may take to connect; "
      .. "0: no limit; not Kong's" },
  { name = "tls_system_cas", type = "string", default = "auto",
    description = "PEM file that system_cas of upstream-tls stands for; auto: where the "
      .. "distribution keeps the machine's CA certificates; not Kong's" },

  { name = "ssl_cert", type = "list", default = "",
    description = "PEM files with the chains that ssl listeners present when no SNI matches" },
  { name = "ssl_cert_key", type = "list", default = "",
    description = "PEM files with the keys of ssl_cert, in the same order" },

  { name = "nginx_http_client_header_timeout", type = "time", default = "60",
    min = 0.001, max = 86400,
    description = "seconds that a client may take to send a request head" },
  { name = "nginx_http_client_body_timeout", type = "time", default = "60",
    min = 0.001, max = 86400,
    description = "seconds between two reads of a request body" },
  { name = "nginx_http_keepalive_timeout", type = "time", default = "75", max = 86400,
    description = "seconds that a client connection is kept idle" },
  { name = "nginx_http_send_timeout", type = "time", default = "60", min = 0.001, max = 86400,
    description = "seconds between two writes of a response" },
  { name = "nginx_http_client_max_body_size", type = "size", default = "0", max = 2 ^ 53,
    description = "bytes of a request body; 0: no limit" },
  { name = "client_body_buffer_size", type = "size", default = "8k", min = 1, max = 2 ^ 30,
    description = "bytes of a request body that plugins may read into memory" },
  { name = "response_buffer_size", type = "size", default = "8m", min = 1, max = 2 ^ 30,
    description = "bytes of a response that plugins may have whole (response phase, "
      .. "enable_buffering); not Kong's" },

  { name = "vault_env_prefix", type = "string", default = "",
    description = "what the names of environment variables begin with that {vault://env/…} refers "
      .. "to" },
  { name = "vault_env_base64_decode", type = "boolean", default = "off",
    description = "these variables hold base64" },
  { name = "db_cache_ttl", type = "time", default = "0", max = 86400 * 365,
    description = "seconds that kong.cache keeps a value, if a plugin does not say; 0: until the "
      .. "configuration changes" },
  { name = "db_cache_neg_ttl", type = "time", default = "0", max = 86400 * 365,
    description = "the same for the knowledge that there is none" },
  { name = "mem_cache_size", type = "size", default = "128m", min = 12288, max = 2 ^ 40,
    description = "bytes of each of the shared dictionaries kong_db_cache and kong_core_db_cache" },
  { name = "nginx_http_lua_shared_dict", type = "shared_dicts", default = "",
    description = "shared dictionaries beside Kong's, as NAME SIZE; several are separated by "
      .. "semicolons" },
  { name = "lua_ssl_trusted_certificate", type = "list", default = "system",
    description = "PEM files with the CA certificates that plugins' own TLS connections are "
      .. "verified by; system: those of tls_system_cas" },
  { name = "lua_ssl_verify_depth", type = "integer", default = "1", max = 100,
    description = "intermediates that those connections may have between leaf and anchor" },
  { name = "lua_socket_pool_size", type = "integer", default = "256", min = 1, max = 2 ^ 31 - 1,
    description = "idle connections of plugins' own that each worker keeps in a pool" },
  { name = "lua_max_idle_sockets", type = "integer", default = "1024", min = 1, max = 2 ^ 31 - 1,
    description = "idle connections of plugins' own that each worker keeps in all pools together; "
      .. "the oldest is closed first; not Kong's" },
  { name = "lua_max_pending_timers", type = "integer", default = "16384", min = 1,
    max = 2 ^ 31 - 1,
    description = "timers of plugins that may wait for their time, in each worker; as in Kong's "
      .. "nginx template" },
  { name = "lua_max_running_timers", type = "integer", default = "4096", min = 1,
    max = 2 ^ 31 - 1,
    description = "timers of plugins that may run at once in each worker; as above" },

  { name = "headers", type = "tokens", default = "server_tokens, latency_tokens, X-Kong-Request-Id",
    options = HEADER_TOKENS, description = "header fields that weir adds to responses, or off" },
  { name = "headers_upstream", type = "tokens", default = "X-Kong-Request-Id",
    options = { "X-Kong-Request-Id" },
    description = "header fields that weir adds to requests to upstreams, or off" },
  { name = "trusted_ips", type = "cidrs", default = "",
    description = "addresses and CIDR blocks whose X-Forwarded-* fields are believed" },
  { name = "real_ip_header", type = "header_name", default = "X-Real-IP",
    description = "the field in which a trusted peer says who the client is" },
  { name = "real_ip_recursive", type = "boolean", default = "off",
    description = "skip trusted addresses in that field, from its end" },
  { name = "error_default_type", type = "enum", default = "text/plain",
    options = { "text/plain", "text/html", "application/json", "application/xml" },
    description = "type of error bodies when the client states no preference" },

  { name = "lua_time_limit", type = "time", default = "10", max = 86400,
    description = "seconds that Lua of plugins may run without a pause, each time that it is "
      .. "entered; 0: no limit; not Kong's" },
  { name = "lua_memory_limit", type = "size", default = "1g", max = 2 ^ 46,
    description = "bytes of a worker's Lua state beyond which the plugin that runs fails, and of "
      .. "the state that loads configurations, beyond which one is refused; 0: no limit; not "
      .. "Kong's" },

  { name = "worker_stall_warning", type = "time", default = "2", max = 86400,
    description = "seconds after which the error log says what a worker is doing that does not "
      .. "come back to its loop; 0: never; not Kong's" },
  { name = "worker_stall_limit", type = "time", default = "60", max = 86400,
    description = "seconds after which such a worker ends the gateway process, which is started "
      .. "anew; 0: never; not Kong's" },

  { name = "untrusted_lua", type = "enum", default = "sandbox",
    options = { "off", "sandbox", "on" },
    description = "what becomes of Lua that stands in configurations (pre-function and the like): "
      .. "it is refused, gets a choice of globals that cannot reach beyond the request, or all" },
  { name = "untrusted_lua_sandbox_requires", type = "list", default = "",
    description = "modules that it may require in the sandbox" },
  { name = "untrusted_lua_sandbox_environment", type = "list", default = "",
    description = "further globals, or fields of such, that it may use in the sandbox" },

  { name = "plugins", type = "list", default = "bundled",
    description = "plugins that a configuration may use; bundled stands for those of weir" },
  { name = "plugin_path", type = "string", default = "",
    description = "directories searched for plugins, separated by colons: DIR/NAME/handler.lua and "
      .. "schema.lua; not Kong's" },
  -- Kong's default begins with the working directory, from which nobody may expect code to be
  -- loaded.
  { name = "lua_package_path", type = "string", default = "",
    description = "where Lua modules are searched first, as in package.path" },
}
