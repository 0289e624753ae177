-- table.clone, as in OpenResty's LuaJIT: a copy whose items are the same, without metatable.
return function(t)
  local copy = {}
  for key, value in next, t do
    copy[key] = value
  end
  return copy
end
