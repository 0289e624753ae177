-- Which Kong the plugin contract is that of, and which weir this is.
local core = require("weir.core")

local MAJOR, MINOR, PATCH = 3, 9, 0

local function own_version()
  for _, library in ipairs(core.versions()) do
    if library.name == "weir" then
      return library.version
    end
  end
end

local version = ("%d.%d.%d"):format(MAJOR, MINOR, PATCH)

return {
  _NAME = "weir",
  _VERSION = version,
  _VERSION_TABLE = { major = MAJOR, minor = MINOR, patch = PATCH },
  version = version,
  version_num = MAJOR * 1000000 + MINOR * 1000 + PATCH,
  weir_version = own_version(),
}
