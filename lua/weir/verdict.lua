-- The core's verdicts (struct weir_verdict) as tables.
local ffi = require("ffi")

local verdict = {}

local TEXTS = {
  "code", "text", "subject", "issuer", "sha256", "names_seen", "names_wanted", "anchor",
  "next_code",
}

--- Reads one.
-- @tparam cdata struct
-- @treturn table code ("ok", "unverified", "expired", …), openssl (its number), text, depth,
-- subject, issuer, sha256, not_before, not_after (of the certificate at fault), names_seen,
-- names_wanted, anchor, resumed, cached (booleans), next_code; texts that say nothing are nil
function verdict.of(struct)
  local result = {
    openssl = struct.openssl,
    depth = struct.depth >= 0 and struct.depth or nil,
    not_before = tonumber(struct.not_before),
    not_after = tonumber(struct.not_after),
    resumed = struct.resumed ~= 0,
    cached = struct.cached ~= 0,
  }
  for _, name in ipairs(TEXTS) do
    local text = ffi.string(struct[name])
    result[name] = text ~= "" and text or nil
  end
  return result
end

return verdict
