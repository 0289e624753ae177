-- What is made of a configuration once, and goes with it.

--- @tparam function make what is to be made of a configuration
-- @treturn function the same, but each configuration's is made at the first call only
return function(make)
  local made = setmetatable({}, { __mode = "k" })
  return function(conf)
    local result = made[conf]
    if result == nil then
      result = make(conf)
      made[conf] = result
    end
    return result
  end
end
