-- The groups of whoever sent the request.

local groups = {}

local function load_groups(consumer_id)
  local names = {}
  for row, err in kong.db.acls:each_for_consumer({ id = consumer_id }) do
    if err then
      return nil, err
    end
    names[#names + 1] = row.group
  end
  table.sort(names)
  return names
end

--- Those that the configuration gives a consumer.
-- @tparam table consumer
-- @treturn table|nil list of names
-- @treturn nil|string
function groups.of_consumer(consumer)
  return kong.cache:get(kong.db.acls:cache_key(consumer.id), nil, load_groups, consumer.id)
end

--- Those that a plugin which authenticates has found out, from a directory for example.
-- @treturn table|nil list of names; nil when none has said anything
function groups.authenticated()
  local names = kong.ctx.shared.authenticated_groups or ngx.ctx.authenticated_groups
  if names ~= nil and type(names) ~= "table" then
    kong.log.warn("authenticated_groups should be a list, got a ", type(names))
    return nil
  end
  return names
end

return groups
