-- kong.tools.gzip.
local gzip = require("weir.text.gzip")

return { deflate_gzip = gzip.deflate, inflate_gzip = gzip.inflate }
