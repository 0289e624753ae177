-- Runs Lua of the configuration after all other plugins.
return require("kong.plugins.pre-function.functions").handler("post-function", -1000)
