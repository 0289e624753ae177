-- kong.reports: what Kong tells its makers about a node. weir tells nobody anything: what plugins
-- hand in ends here.
local function ignore() end

return {
  add_immutable_value = ignore, add_ping_value = ignore, retrieve_redis_version = ignore,
  send = ignore,
}
