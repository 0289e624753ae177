-- kong.tools.cjson: JSON whose errors are results, with Kong's settings: lists that were read are
-- written as lists again, numbers have 16 digits. An empty table is written as an object.
local cjson = require("cjson.safe").new()

local SPARSE_SAFE, DIGITS = 2 ^ 15, 16

cjson.decode_array_with_array_mt(true)
cjson.encode_sparse_array(nil, nil, SPARSE_SAFE)
cjson.encode_number_precision(DIGITS)
cjson.decode_with_array_mt = cjson.decode

return cjson
