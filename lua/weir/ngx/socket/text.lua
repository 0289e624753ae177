-- What send() of a socket takes, as one text.

local function append(out, data)
  local kind = type(data)
  if kind == "table" then
    for _, item in ipairs(data) do
      append(out, item)
    end
  elseif kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
    out[#out + 1] = tostring(data)
  else
    error("bad argument #1 to 'send' (string, number, boolean, nil, or array table expected, got "
      .. kind .. ")", 0)
  end
end

--- The text of a value, or of those in a list.
return function(data)
  if type(data) == "string" then
    return data
  end
  local texts = {}
  append(texts, data)
  return table.concat(texts)
end
