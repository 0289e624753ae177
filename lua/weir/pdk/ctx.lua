-- kong.ctx: tables that live as long as the request.
--
-- kong.ctx.shared is everybody's, kong.ctx.plugin the running plugin instance's own. Any other name
-- is a table by that name. Outside of requests there are none. What is assigned is the request's.
local current = require("weir.pdk.current")

return setmetatable({}, {
  __index = function(_, name)
    if name == "plugin" then
      return current.plugin and current.ctx(current.plugin)
    end
    return current.ctx(name)
  end,
  __newindex = function(_, name, value)
    if type(value) ~= "table" then
      error(("kong.ctx.%s can only be a table"):format(tostring(name)), 2)
    elseif not current.assign(name == "plugin" and current.plugin or name, value) then
      error(("there is no request that kong.ctx.%s could belong to"):format(tostring(name)), 2)
    end
  end,
})
