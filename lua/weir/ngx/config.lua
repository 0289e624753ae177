-- ngx.config: what plugins ask to find out where they run. The versions are those of the OpenResty
-- whose functions weir has.

--- Where nginx is installed: weir is not nginx.
-- @function ngx.config.prefix
-- @treturn string ""

--- The options that nginx was compiled with.
-- @function ngx.config.nginx_configure
-- @treturn string ""

return {
  subsystem = "http",
  debug = false,
  nginx_version = 1027001,
  ngx_lua_version = 10028,
  prefix = function() return "" end,
  nginx_configure = function() return "" end,
}
