-- Runs once before the specs: modules, plugins and the core are found as inside the gateway.

local ffi = require("ffi")

require("weir.loader").install(".")

-- The functions of core/vm/abi.h become the process's own. The library stays loaded as long as
-- something refers to it, and the registry outlives the modules that busted reloads for each file.
-- spec/run leaves the name empty for specs that do not need it.
local path = os.getenv("WEIR_LIB") or "./build/libweir.so"
if path ~= "" then
  local ok, core = pcall(ffi.load, path, true)
  if ok then
    debug.getregistry()["weir.spec.core"] = core
  else
    io.stderr:write("specs run without the core: ", core, "\n")
  end
end
