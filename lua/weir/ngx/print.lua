-- The global print() where plugins run: a line of the error log, as in OpenResty. Standard output
-- is the access log's.
local log = require("weir.ngx.log").log

local NOTICE = 6 -- ngx.NOTICE

-- A tail call: the line names the caller's place.
return function(...)
  return log(NOTICE, ...)
end
