-- Which parts of `kong` and `ngx` untrusted code sees: rules of weir.sandbox.guarded.
--
-- Left out is what would show secrets (the settings, certificates with their keys, plugins with
-- their configurations, credentials, vaults) and what names files of this machine.

local function each(rule, names)
  local rules = {}
  for name in names:gmatch("%S+") do
    rules[name] = rule
  end
  return rules
end

local function join(...)
  local all = {}
  for _, rules in ipairs({ ... }) do
    for name, rule in pairs(rules) do
      all[name] = rule
    end
  end
  return all
end

local offered = {}

offered.kong = join(
  each("show", "pdk_major_version pdk_version version version_num weir_version"),
  each("functions", [[
    client cluster dns ip log nginx node plugin request response router service table telemetry
    tls tracing
  ]]),
  {
    cache = "object",
    ctx = "values",
    db = each("object", "consumers routes services snis targets upstreams"),
  }
)

local CONSTANTS = [[
  AGAIN DECLINED DONE ERROR OK null
  STDERR EMERG ALERT CRIT ERR WARN NOTICE INFO DEBUG
  HTTP_GET HTTP_HEAD HTTP_POST HTTP_PUT HTTP_DELETE HTTP_MKCOL HTTP_COPY HTTP_MOVE HTTP_OPTIONS
  HTTP_PROPFIND HTTP_PROPPATCH HTTP_LOCK HTTP_UNLOCK HTTP_PATCH HTTP_TRACE
  HTTP_CONTINUE HTTP_SWITCHING_PROTOCOLS HTTP_OK HTTP_CREATED HTTP_ACCEPTED HTTP_NO_CONTENT
  HTTP_PARTIAL_CONTENT HTTP_SPECIAL_RESPONSE HTTP_MOVED_PERMANENTLY HTTP_MOVED_TEMPORARILY
  HTTP_SEE_OTHER HTTP_NOT_MODIFIED HTTP_TEMPORARY_REDIRECT HTTP_PERMANENT_REDIRECT
  HTTP_BAD_REQUEST HTTP_UNAUTHORIZED HTTP_PAYMENT_REQUIRED HTTP_FORBIDDEN HTTP_NOT_FOUND
  HTTP_NOT_ALLOWED HTTP_NOT_ACCEPTABLE HTTP_REQUEST_TIMEOUT HTTP_CONFLICT HTTP_GONE
  HTTP_UPGRADE_REQUIRED HTTP_TOO_MANY_REQUESTS HTTP_CLOSE HTTP_ILLEGAL
  HTTP_INTERNAL_SERVER_ERROR HTTP_METHOD_NOT_IMPLEMENTED HTTP_NOT_IMPLEMENTED HTTP_BAD_GATEWAY
  HTTP_SERVICE_UNAVAILABLE HTTP_GATEWAY_TIMEOUT HTTP_VERSION_NOT_SUPPORTED
  HTTP_INSUFFICIENT_STORAGE
]]

local FUNCTIONS = [[
  cookie_time crc32_long crc32_short decode_args decode_base64 encode_args encode_base64 eof
  escape_uri exit flush get_phase hmac_sha1 http_time localtime log md5 md5_bin now
  parse_http_time print quote_sql_str redirect say send_headers sha1_bin sleep time today
  unescape_uri update_time utctime
]]

offered.ngx = join(
  each("show", CONSTANTS),
  each("show", FUNCTIONS),
  each("functions", "config re resp socket thread timer worker"),
  each("values", "arg header var"),
  each("field", "ctx status"),
  {
    -- Bodies in files are not for them.
    req = each("show", [[
      append_body clear_header discard_body finish_body get_body_data get_headers get_method
      get_post_args get_uri_args http_version init_body is_internal raw_header read_body
      set_body_data set_header set_method set_uri set_uri_args start_time
    ]]),
    shared = "objects",
  }
)

return offered
