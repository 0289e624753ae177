-- kong.node: this gateway.
local ffi = require("ffi")
local abi = require("weir.abi")
local configuration = require("weir.pdk.configuration")

local C = abi.C

local node = {}

--- The id of this gateway, a UUID made when it was started.
function node.get_id()
  return configuration.get("node_id")
end

local hostname

--- The name of the machine.
function node.get_hostname()
  if not hostname then
    local out = ffi.new("struct weir_str")
    if C.weir_node_hostname(out) < 0 then
      return nil
    end
    hostname = ffi.string(out.p, out.n)
  end
  return hostname
end

return node
