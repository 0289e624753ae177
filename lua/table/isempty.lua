-- table.isempty, as in OpenResty's LuaJIT.
return function(t)
  return next(t) == nil
end
