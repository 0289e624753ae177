-- kong.cluster: there is none. Every gateway reads its own configuration.
local cluster = {}

--- The id of the cluster.
-- @treturn nil
-- @treturn string why there is none
function cluster.get_id()
  return nil, "this gateway is not part of a cluster"
end

return cluster
