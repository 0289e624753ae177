-- The code of pre-function, by phase.
return require("kong.plugins.pre-function.functions").schema("pre-function")
