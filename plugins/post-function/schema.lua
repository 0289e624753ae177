-- The code of post-function, by phase.
return require("kong.plugins.pre-function.functions").schema("post-function")
