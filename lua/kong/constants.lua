-- Constants that plugins take from Kong.
return {
  DECLARATIVE_DEFAULT_WORKSPACE_ID = require("weir.workspace").id,
  DECLARATIVE_DEFAULT_WORKSPACE_NAME = "default",
  HEADERS = {
    HOST_OVERRIDE = "X-Host-Override",
    PROXY_LATENCY = "X-Kong-Proxy-Latency",
    RESPONSE_LATENCY = "X-Kong-Response-Latency",
    UPSTREAM_LATENCY = "X-Kong-Upstream-Latency",
    UPSTREAM_STATUS = "X-Kong-Upstream-Status",
    REQUEST_ID = "X-Kong-Request-Id",
    FORWARDED_PROTO = "X-Forwarded-Proto",
    FORWARDED_HOST = "X-Forwarded-Host",
    FORWARDED_PORT = "X-Forwarded-Port",
    FORWARDED_PATH = "X-Forwarded-Path",
    FORWARDED_PREFIX = "X-Forwarded-Prefix",
  },
}
