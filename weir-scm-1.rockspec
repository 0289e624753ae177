rockspec_format = "3.0"
package = "weir"
version = "scm-1"
source = {
  -- For `luarocks make` in a checkout, which fetches nothing.
  url = "git+file://.",
}
description = {
  summary = "An API gateway data plane that verifies its upstreams",
  detailed = [[
    A gateway with a C core and a Lua plugin runtime that reads Kong's declarative format, runs
    plugins written to Kong's contract, and speaks really verified TLS to its upstreams.
    Installed are the Lua modules, the core as weir/core.so for a LuaJIT of your own, and the
    gateway as the command `weir`.]],
  license = "Apache-2.0",
}
supported_platforms = { "linux" }
dependencies = {
  "lua == 5.1", -- LuaJIT 2.1
  "argparse >= 0.7",
  "lua-cjson >= 2.1",
}
external_dependencies = {}
deploy = {
  wrap_bin_scripts = false, -- `weir` is no Lua script
}
build = {
  type = "make",
  build_target = "rock",
  install_target = "rock-install",
  install_variables = {
    PREFIX = "$(PREFIX)",
    ROCK_BINDIR = "$(BINDIR)",
    ROCK_LIBDIR = "$(LIBDIR)",
    ROCK_LUADIR = "$(LUADIR)",
  },
}
