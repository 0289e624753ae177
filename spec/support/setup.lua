-- Runs once before the specs: modules, plugins and the core are found as inside the gateway.

local ffi = require("ffi")

require("weir.loader").install(".")

-- The core's functions become the process's own, those of core/vm/abi.h among them. The library
-- stays loaded as long as something refers to it, and the registry outlives the modules that busted
-- reloads for each file. spec/run leaves the name empty for specs that do without the core.
local path = os.getenv("WEIR_TEST_LIB") or "./build/libweir-test.so"
if path ~= "" then
  local ok, core = pcall(ffi.load, path, true)
  if ok then
    debug.getregistry()["weir.spec.core"] = core
  else
    io.stderr:write("specs run without the core: ", core, "\n")
  end
end
