-- kong.pdk.node: kong.node for plugins that look for it where there is no global.
return { new = function() return require("weir.pdk.node") end }
