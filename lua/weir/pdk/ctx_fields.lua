-- Fields of ngx.ctx that plugins find there as Kong's own. Each is made when it is first asked for,
-- and is the request's own: what a plugin changes in it is gone with the request.
local current = require("weir.pdk.current")

-- Name -> function that gives the value, or nil where there is none yet.
local fields = {}

local asked_first = {
  __index = function(ctx, name)
    local make = fields[name]
    local value = make and make() or nil
    if value then
      rawset(ctx, name, value)
    end
    return value
  end,
}

function current.makers.ngx()
  return setmetatable({}, asked_first)
end

return fields
