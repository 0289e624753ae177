-- What to use in place of what weir does not have: for names that plugins are known to ask for. And
-- which of Debian's packages has a library.
return {
  fields = {
    ["kong.dao"] = "kong.db, since Kong 1.0",
    ["ngx.balancer"] = "the `balancer` phase of the handler",
    ["ngx.exec"] = "kong.service.request.set_path() and kong.service.set_target()",
    ["ngx.location"] = "kong.service.set_target() for the request itself; there are no subrequests",
    ["ngx.ocsp"] = "`ocsp` of a policy (plugins/upstream-tls)",
  },
  modules = {
    ["kong.dao.errors"] = "kong.db.schema.typedefs: errors are returned by validators as texts",
    ["kong.plugins.base_plugin"] = "a handler that is a plain table, since Kong 3.0",
    ["kong.plugins.log-serializers.basic"] = "kong.log.serialize(), since Kong 2.3",
    ["kong.singletons"] = "the global `kong`, since Kong 1.0",
    ["kong.tools.public"] = "kong.request and kong.response",
    ["kong.tools.responses"] = "kong.response.exit()",
    ["ngx.balancer"] = "the `balancer` phase of the handler",
    ["ngx.ocsp"] = "`ocsp` of a policy (plugins/upstream-tls)",
    ["ngx.process"] = "ngx.worker",
  },
  -- Libraries by the first part of their modules' names.
  packages = {
    MessagePack = "lua-messagepack", basexx = "lua-basexx", dkjson = "lua-dkjson",
    iconv = "lua-iconv", inspect = "lua-inspect", lfs = "lua-filesystem", lpeg = "lua-lpeg",
    ltn12 = "lua-socket", lxp = "lua-expat", mime = "lua-socket", pl = "lua-penlight",
    posix = "lua-posix", redis = "lua-redis", socket = "lua-socket", ssl = "lua-sec",
    yaml = "lua-yaml", zlib = "lua-zlib",
  },
}
