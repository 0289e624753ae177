-- What Kong 3.9 (the open source part) and OpenResty offer to whoever moves to weir: names only.
-- What weir has of it is looked up where it is (spec.reference.compatibility).

-- "a b c" -> { "a", "b", "c" }
local function names(text)
  local list = {}
  for name in text:gmatch("%S+") do
    table.insert(list, name)
  end
  return list
end

return {
  -- Tables of the plugin development kit, and of what plugins use beside it, with their functions.
  pdk = {
    { "kong.request", names [[get_scheme get_host get_port get_forwarded_scheme get_forwarded_host
      get_forwarded_port get_forwarded_path get_forwarded_prefix get_http_version get_method
      get_path get_raw_path get_path_with_query get_raw_query get_query_arg get_query get_header
      get_headers get_raw_body get_body get_start_time get_uri_captures]] },
    { "kong.client", names [[get_ip get_port get_forwarded_ip get_forwarded_port get_credential
      get_consumer load_consumer authenticate get_protocol get_consumer_group get_consumer_groups
      set_authenticated_consumer_group set_authenticated_consumer_groups
      authenticate_consumer_group_by_consumer_id]] },
    { "kong.client.tls", names [[request_client_certificate disable_session_reuse
      get_full_client_certificate_chain set_client_verify]] },
    { "kong.service", names [[set_upstream set_target set_target_retry_callback set_retries
      set_timeouts set_tls_cert_key set_tls_verify set_tls_verify_depth set_tls_verify_store]] },
    { "kong.service.request", names [[enable_buffering set_scheme set_path set_raw_query set_query
      clear_query_arg set_method set_header add_header clear_header set_headers set_raw_body
      set_body enable_tls disable_tls]] },
    { "kong.service.response", names [[get_status get_header get_headers get_raw_body get_body]] },
    { "kong.response", names [[get_status get_header get_headers get_source set_status set_header
      add_header clear_header set_headers get_raw_body set_raw_body exit error]] },
    { "kong.router", names [[get_route get_service]] },
    { "kong.ctx", names [[shared plugin]] },
    { "kong.ip", names [[is_trusted]] },
    { "kong.log", names [[emerg alert crit err warn notice info debug inspect set_format deprecation
      new set_serialize_value serialize]] },
    { "kong.nginx", names [[get_subsystem get_statistics]] },
    { "kong.node", names [[get_id get_hostname get_memory_stats]] },
    { "kong.cluster", names [[get_id]] },
    { "kong.table", names [[new clear merge]] },
    { "kong.vault", names [[is_reference parse_reference get update try flush init_worker
      warmup]] },
    { "kong.plugin", names [[get_id]] },
    { "kong.tracing", names [[active_span set_active_span start_span process_span set_should_sample
      get_sampling_decision new create_span]] },
    { "kong.telemetry", names [[log]] },
    { "kong.websocket", names [[client upstream]] },
    { "kong.cache", names [[get get_bulk probe renew invalidate invalidate_local purge]] },
    { "kong.timer", names [[at every named_at named_every cancel]] },
    { "kong", names [[version version_num pdk_major_version pdk_version configuration core_cache
      db default_workspace dns worker_events cluster_events]] },
  },

  ngx = {
    { "ngx", names [[arg var ctx header status null say print flush eof exit exec redirect
      send_headers headers_sent log sleep time now today localtime utctime update_time http_time
      cookie_time parse_http_time escape_uri unescape_uri encode_args decode_args encode_base64
      decode_base64 md5 md5_bin sha1_bin hmac_sha1 crc32_short crc32_long quote_sql_str get_phase
      is_subrequest on_abort run_worker_thread]] },
    { "ngx.req", names [[get_method set_method get_headers set_header clear_header get_uri_args
      set_uri set_uri_args get_post_args read_body get_body_data get_body_file set_body_data
      set_body_file discard_body init_body append_body finish_body http_version start_time
      raw_header is_internal socket]] },
    { "ngx.resp", names [[get_headers add_header]] },
    { "ngx.location", names [[capture capture_multi]] },
    { "ngx.re", names [[match find gmatch sub gsub]] },
    { "ngx.socket", names [[tcp udp connect stream]] },
    { "ngx.timer", names [[at every pending_count running_count]] },
    { "ngx.thread", names [[spawn wait kill]] },
    { "ngx.worker", names [[id pid pids count exiting]] },
    { "ngx.config", names [[subsystem debug prefix nginx_version ngx_lua_version]] },
  },

  phases = names [[init_worker configure certificate rewrite access balancer response header_filter
    body_filter log preread ws_handshake ws_client_frame ws_upstream_frame ws_close]],

  plugins = names [[acl acme ai-prompt-decorator ai-prompt-guard ai-prompt-template ai-proxy
    ai-request-transformer ai-response-transformer aws-lambda azure-functions basic-auth
    bot-detection correlation-id cors datadog file-log grpc-gateway grpc-web hmac-auth http-log
    ip-restriction jwt key-auth ldap-auth loggly oauth2 opentelemetry post-function pre-function
    prometheus proxy-cache rate-limiting redirect request-size-limiting request-termination
    request-transformer response-ratelimiting response-transformer session standard-webhooks statsd
    syslog tcp-log udp-log zipkin]],

  entities = names [[services routes consumers plugins certificates snis ca_certificates upstreams
    targets vaults acls basicauth_credentials hmacauth_credentials jwt_secrets keyauth_credentials
    consumer_groups keys key_sets filter_chains workspaces parameters oauth2_credentials]],

  modules = names [[kong.constants kong.db.dao kong.db.errors kong.db.schema kong.db.schema.entity
    kong.db.schema.typedefs kong.deprecation kong.meta kong.pdk.node kong.pdk.private.rate_limiting
    kong.plugins.base_plugin kong.reports kong.singletons kong.tools.batch_queue kong.tools.cjson
    kong.tools.dns kong.tools.grpc kong.tools.gzip kong.tools.http kong.tools.ip
    kong.tools.mime_type kong.tools.module kong.tools.protobuf kong.tools.public kong.tools.queue
    kong.tools.queue_schema kong.tools.rand kong.tools.redis.schema kong.tools.responses
    kong.tools.sandbox kong.tools.sha256 kong.tools.stream_api kong.tools.string kong.tools.system
    kong.tools.table kong.tools.time kong.tools.timestamp kong.tools.uri kong.tools.utils
    kong.tools.uuid kong.tools.yield kong.workspaces ngx.balancer ngx.base64 ngx.errlog ngx.ocsp
    ngx.pipe ngx.process ngx.re ngx.req ngx.resp ngx.semaphore ngx.ssl ngx.ssl.session resty.aes
    resty.core resty.dns.resolver resty.http resty.http_headers resty.ipmatcher resty.jit-uuid
    resty.limit.count resty.limit.req resty.lock resty.lrucache resty.lrucache.pureffi resty.md5
    resty.mysql resty.openssl.cipher resty.openssl.digest resty.openssl.hmac resty.openssl.kdf
    resty.openssl.mac resty.openssl.pkey resty.openssl.rand resty.openssl.x509
    resty.openssl.x509.chain resty.openssl.x509.crl resty.openssl.x509.csr resty.openssl.x509.name
    resty.openssl.x509.store resty.random resty.redis resty.sha1 resty.sha224 resty.sha256
    resty.sha384 resty.sha512 resty.string resty.upload resty.websocket.client
    resty.websocket.server table.clone table.isarray table.isempty table.nkeys cjson cjson.safe
    multipart]],
}
