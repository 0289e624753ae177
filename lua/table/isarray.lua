-- table.isarray, as in OpenResty's LuaJIT: whether all keys are whole numbers, from wherever.
return function(t)
  for key in pairs(t) do
    if type(key) ~= "number" or key % 1 ~= 0 then
      return false
    end
  end
  return true
end
