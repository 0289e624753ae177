-- Runs Lua of the configuration before all other plugins.
return require("kong.plugins.pre-function.functions").handler("pre-function", 1000000)
