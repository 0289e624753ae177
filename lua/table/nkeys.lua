-- table.nkeys, as in OpenResty's LuaJIT: how many fields a table has.
return function(t)
  local count = 0
  for _ in pairs(t) do
    count = count + 1
  end
  return count
end
