-- What send() of a socket takes, as one text.
local pieces = require("weir.ngx.pieces")

--- The text of a value, or of those in a list.
return function(data)
  if type(data) == "string" then
    return data
  end
  local texts = {}
  pieces.add(texts, data, "send")
  return table.concat(texts)
end
