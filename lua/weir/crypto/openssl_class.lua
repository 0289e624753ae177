-- What the classes resty.openssl.digest, resty.openssl.mac and resty.openssl.hmac have in common:
-- objects around a `state` of weir.crypto.hash.

--- Makes a class.
-- @tparam string name that its errors begin with
-- @treturn table without new()
return function(name)
  local class = {}
  class.__index = class

  local ENDED = "it has ended"

  local function failure(step, why)
    return nil, ("%s:%s: %s"):format(name, step, why)
  end

  --- Whether a value is an object of this class.
  function class.istype(value)
    return type(value) == "table" and getmetatable(value) == class
  end

  --- Adds texts.
  -- @tparam string ... texts
  -- @treturn true|nil
  -- @treturn nil|string
  function class:update(...)
    for _, text in ipairs({ ... }) do
      if not self.state:update(text) then
        return failure("update", ENDED)
      end
    end
    return true
  end

  --- Adds a last text, if there is one, and ends.
  -- @tparam ?string text
  -- @treturn string|nil
  -- @treturn nil|string
  function class:final(text)
    if text and not self.state:update(text) then
      return failure("final", ENDED)
    end
    local result = self.state:final()
    if not result then
      return failure("final", ENDED)
    end
    return result
  end

  --- Begins anew, with the same key if there is one.
  -- @treturn true|nil
  -- @treturn nil|string
  function class:reset()
    if not self.state:reset() then
      return failure("reset", "it cannot begin anew")
    end
    return true
  end

  return class
end
