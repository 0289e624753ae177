-- Who a request comes from, as all plugins that authenticate say it: to later plugins, and to the
-- service by header fields. A field that has no value is removed, so that no client can make it up.

local identity = {}

local function set(name, value)
  if value then
    kong.service.request.set_header(name, value)
  else
    kong.service.request.clear_header(name)
  end
end

local function announce(consumer, identifier, is_anonymous)
  set("X-Consumer-ID", consumer and consumer.id)
  set("X-Consumer-Custom-ID", consumer and consumer.custom_id)
  set("X-Consumer-Username", consumer and consumer.username)
  set("X-Credential-Identifier", identifier)
  set("X-Anonymous-Consumer", is_anonymous and "true")
end

-- A consumer by its id, or if asked to by its username.
local function load(id, by_username)
  return kong.cache:get(kong.db.consumers:cache_key(id), nil, kong.client.load_consumer, id,
    by_username)
end

--- Says that a request comes from the consumer of a credential.
-- @tparam table credential
-- @tparam string identifier what the service is told about the credential
-- @treturn true|nil
-- @treturn nil|string why that consumer could not be loaded
function identity.authenticate(credential, identifier)
  local consumer, err = load(credential.consumer.id)
  if not consumer then
    return nil, err or ("consumer %s does not exist"):format(credential.consumer.id)
  end
  kong.client.authenticate(consumer, credential)
  announce(consumer, identifier, false)
  return true
end

--- Says that a request comes from somebody unknown.
-- @tparam string name the id or username of the consumer that stands for those
-- @treturn true|nil
-- @treturn nil|string why that consumer could not be loaded
function identity.anonymous(name)
  local consumer, err = load(name, true)
  if not consumer then
    return nil, err
      or ("anonymous consumer %s is configured but doesn't exist"):format(name)
  end
  kong.client.authenticate(consumer, nil)
  announce(consumer, nil, true)
  return true
end

return identity
