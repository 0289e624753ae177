std = "luajit"
max_line_length = 100
self = false

-- Plugins and the PDK see Kong's two globals, the first of them also as `weir`; nothing else in weir
-- has any.
files["plugins"] = { read_globals = { "ngx", "weir" }, globals = { "kong" } }
files["lua/weir/pdk"] = files["plugins"]
-- Annotations describe globals, and functions that do nothing with their arguments.
files["lua/weir/types"] = {
  globals = { "kong", "ngx", "weir" }, ignore = { "212", "241" }, max_line_length = false,
}
files["spec/fixtures/plugins"] = files["plugins"]
files["spec"] = { std = "+busted", globals = { "kong", "ngx", "weir" } }
files[".busted"] = { std = "luajit" }
