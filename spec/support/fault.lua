-- The gateway with a library in front of OpenSSL that makes chosen calls fail and sets the clock.

local ffi = require("ffi")
local helpers = require("spec.helpers")

pcall(ffi.cdef,
  "struct fault_control { char name[64]; int64_t countdown, hits, clock, lasting; };")

local SOURCE = "spec/fixtures/fault/fault.c"

local fault = {}

--- Builds the library; returns where it is.
function fault.library()
  local library = (os.getenv("WEIR_BIN") or "build/weir"):gsub("[^/]*$", "") .. "fault.so"
  if not library:find("^/") then
    library = assert(os.getenv("PWD")) .. "/" .. library
  end
  local command = {}
  for word in (os.getenv("CC") or "cc"):gmatch("%S+") do -- such as "ccache gcc"
    table.insert(command, word)
  end
  for _, word in ipairs({ "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
    "-o", library, SOURCE, "-lcrypto", "-lssl", "-ldl" }) do
    table.insert(command, word)
  end
  local made = helpers.run(command)
  assert(made.code == 0, made.stderr)
  return library
end

local Fault = {}
Fault.__index = Fault

--- Prepares a fault; start the gateway with its `env`.
function fault.new()
  local self = setmetatable({ file = helpers.directory() .. "/control" }, Fault)
  self:arm("", 0)
  self.env = { LD_PRELOAD = fault.library(), WEIR_FAULT = self.file }
  return self
end

--- Lets the n-th call of a function from now on fail, or all calls beginning with it. "malloc"
-- stands for OpenSSL's allocations.
function Fault:arm(name, n, lasting)
  local control = ffi.new("struct fault_control", name, n, 0, self.clock or 0, lasting and 1 or 0)
  local file = assert(io.open(self.file, self.env and "r+b" or "wb"))
  file:write(ffi.string(control, ffi.sizeof(control)))
  file:close()
end

--- Sets the gateway's clock so many seconds off from now on.
function Fault:set_clock(seconds)
  self.clock = seconds
  self:disarm()
end

function Fault:disarm()
  self:arm("", 0)
end

--- How many calls have failed since it was armed.
function Fault:hits()
  local bytes = helpers.read(self.file)
  local control = ffi.new("struct fault_control")
  ffi.copy(control, bytes, #bytes)
  return tonumber(control.hits)
end

return fault
