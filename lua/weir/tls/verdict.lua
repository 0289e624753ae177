-- The core's verdicts (struct weir_verdict) as tables.
local ffi = require("ffi")

local verdict = {}

local TEXTS = {
  "code", "text", "subject", "issuer", "sha256", "names_seen", "names_wanted", "anchor",
  "bundle", "policy", "mode", "ocsp", "next_code",
}

--- Reads one.
-- @tparam cdata struct
-- @treturn table the fields that plugins/upstream-tls/README.md lists; what says nothing is nil
function verdict.of(struct)
  local result = {
    openssl = struct.openssl,
    depth = struct.depth >= 0 and struct.depth or nil,
    resumed = struct.resumed ~= 0,
    cached = struct.cached ~= 0,
  }
  for _, name in ipairs(TEXTS) do
    local text = ffi.string(struct[name])
    result[name] = text ~= "" and text or nil
  end
  if result.sha256 then
    result.not_before, result.not_after = tonumber(struct.not_before), tonumber(struct.not_after)
  end
  return result
end

return verdict
