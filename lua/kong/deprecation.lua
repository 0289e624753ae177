-- kong.deprecation: warns of what is deprecated.
return require("weir.pdk.log").deprecation
