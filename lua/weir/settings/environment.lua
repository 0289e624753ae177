-- The environment of the process as a list, which os.getenv cannot give.
local ffi = require("ffi")

ffi.cdef("extern char **environ;")

local environment = {}

--- All variables.
-- @treturn {string,...} "NAME=value"
function environment.list()
  local list = {}
  local entries = ffi.C.environ
  local i = 0
  while entries ~= nil and entries[i] ~= nil do
    list[i + 1] = ffi.string(entries[i])
    i = i + 1
  end
  return list
end

return environment
