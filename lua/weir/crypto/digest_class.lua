-- The classes resty.md5, resty.sha1, resty.sha256 and so on, which differ in the algorithm only.
local hash = require("weir.crypto.hash")

--- Makes one.
-- @tparam string name of the digest
-- @treturn table the class: new(), and of its objects update(text), final(), reset()
return function(name)
  local class = { _VERSION = "0.16" }
  class.__index = class

  function class.new(self)
    local state = hash.new(name)
    return state and setmetatable({ state = state }, self) or nil
  end

  function class:update(text)
    return self.state:update(tostring(text))
  end

  function class:final()
    return self.state:final()
  end

  function class:reset()
    return self.state:reset()
  end

  return class
end
