-- kong.ctx: tables that live as long as the request.
--
-- kong.ctx.shared is everybody's, kong.ctx.plugin the running plugin instance's own. Any other name
-- is a table by that name. Outside of requests there are none.
local current = require("weir.pdk.current")

return setmetatable({}, {
  __index = function(_, name)
    if name == "plugin" then
      return current.plugin and current.ctx(current.plugin)
    end
    return current.ctx(name)
  end,
})
