-- kong.tools.utils: what older plugins find in one place.
local utils = {}

for _, name in ipairs({
  "http", "ip", "module", "rand", "sha256", "string", "table", "uuid",
}) do
  for key, fn in pairs(require("kong.tools." .. name)) do
    utils[key] = fn
  end
end

return utils
