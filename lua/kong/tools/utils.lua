-- kong.tools.utils: what older plugins find in one place.
local utils = {}

for _, name in ipairs({
  "gzip", "http", "ip", "mime_type", "module", "rand", "sha256", "string", "table", "time", "uuid",
}) do
  for key, fn in pairs(require("kong.tools." .. name)) do
    utils[key] = fn
  end
end

return utils
