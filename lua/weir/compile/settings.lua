-- The settings (weir.settings) as the core's data path takes them, and as plugins may see them.
local settings = {}

local function milliseconds(seconds)
  return math.floor(seconds * 1000 + 0.5)
end

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item:lower()] = true
  end
  return set
end

-- kong.conf's `headers`: two names stand for several fields.
local function response_headers(list)
  local on = set_of(list)
  return {
    header_server = on["server_tokens"] or on["server"],
    header_via = on["server_tokens"] or on["via"],
    header_latency_upstream = on["latency_tokens"] or on["x-kong-upstream-latency"],
    header_latency_proxy = on["latency_tokens"] or on["x-kong-proxy-latency"],
    header_latency_response = on["latency_tokens"] or on["x-kong-response-latency"],
    header_upstream_status = on["x-kong-upstream-status"],
    header_request_id = on["x-kong-request-id"],
  }
end

--- The fields of struct weir_settings.
-- @tparam table s weir.settings
-- @treturn table for Builder:settings()
function settings.of(s)
  local result = {
    keepalive_pool_size = s.upstream_keepalive_pool_size,
    keepalive_max_requests = s.upstream_keepalive_max_requests,
    keepalive_idle_timeout_ms = milliseconds(s.upstream_keepalive_idle_timeout),
    tls_handshakes_max = s.upstream_tls_handshakes_max,
    client_max_body_size = s.nginx_http_client_max_body_size,
    client_body_buffer_size = s.client_body_buffer_size,
    response_buffer_size = s.response_buffer_size,
    client_header_timeout_ms = milliseconds(s.nginx_http_client_header_timeout),
    client_body_timeout_ms = milliseconds(s.nginx_http_client_body_timeout),
    client_idle_timeout_ms = milliseconds(s.nginx_http_keepalive_timeout),
    send_timeout_ms = milliseconds(s.nginx_http_send_timeout),
    session_reuse = s.upstream_tls_session_reuse,
    access_log = s.proxy_access_log ~= "off",
    real_ip_recursive = s.real_ip_recursive,
    error_default_type = s.error_default_type,
    real_ip_header = s.real_ip_header,
    trusted_ips = s.trusted_ips,
    header_upstream_request_id = set_of(s.headers_upstream)["x-kong-request-id"],
  }
  for name, on in pairs(response_headers(s.headers)) do
    result[name] = on
  end
  return result
end

-- The configuration itself may hold private keys, and plugins and the Admin API are shown the
-- settings.
local HIDDEN = { declarative_config_string = true }

--- What kong.configuration is in the workers.
-- @tparam table s weir.settings
-- @tparam string node_id
-- @treturn table
function settings.for_plugins(s, node_id)
  local result = { node_id = node_id }
  for name, value in pairs(s) do
    if not HIDDEN[name] then
      result[name] = value
    end
  end
  return result
end

return settings
