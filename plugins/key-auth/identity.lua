-- What plugins that authenticate have in common: they look for a credential, say whose it is, to
-- later plugins and to the service, or refuse. A header field for the service that has no value is
-- removed, so that no client can make it up.

local identity = {}

--- The refusal where something is wrong that no client can mend.
identity.UNEXPECTED = { status = 500, message = "An unexpected error occurred" }

--- Whether it is this plugin's turn to authenticate.
-- @tparam table conf anonymous; run_on_preflight where the plugin has that field
-- @treturn boolean
function identity.is_asked(conf)
  if conf.run_on_preflight == false and kong.request.get_method() == "OPTIONS" then
    return false
  end
  -- With `anonymous` one of several plugins that authenticate is enough.
  return not (conf.anonymous and kong.client.get_credential())
end

-- ---- refusing

--- A refusal that says what the client has to send.
-- @tparam string|table message a table is answered as JSON
-- @tparam string scheme of authentication
-- @tparam ?string realm
-- @tparam ?string problem what the scheme calls it
-- @treturn table for refuse()
function identity.unauthorized(message, scheme, realm, problem)
  local challenge = scheme
  if realm then
    challenge = ('%s realm="%s"'):format(challenge, (realm:gsub('[\\"]', "\\%0")))
  end
  if problem then
    challenge = ('%s error="%s"'):format(challenge, problem)
  end
  return { status = 401, message = message, headers = { ["WWW-Authenticate"] = challenge } }
end

-- ---- credentials

-- A credential is not remembered beyond its own time.
local function load_credential(dao, select, value)
  local credential, err = dao[select](dao, value)
  return credential, err, credential and credential.ttl
end

--- The credential that has a value.
-- @tparam string kind type of the entity
-- @tparam string field a unique one, its cache key
-- @tparam string value
-- @treturn table|nil nil without an error when there is none
-- @treturn nil|string
function identity.credential(kind, field, value)
  local dao = kong.db[kind]
  local select = "select_by_" .. field
  return kong.cache:get(dao:cache_key(value), nil, load_credential, dao, select, value)
end

-- ---- who it is

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
-- @treturn nil|table a refusal, when that consumer cannot be loaded
function identity.authenticate(credential, identifier)
  local consumer, err = load(credential.consumer.id)
  if not consumer then
    kong.log.err(err or ("consumer %s does not exist"):format(credential.consumer.id))
    return identity.UNEXPECTED
  end
  kong.client.authenticate(consumer, credential)
  announce(consumer, identifier, false)
end

-- Says that a request comes from somebody unknown, for whom a consumer stands. false when there is
-- no such consumer.
local function authenticate_anonymous(name)
  local consumer, err = load(name, true)
  if not consumer then
    kong.log.err(err or ("anonymous consumer %s is configured but doesn't exist"):format(name))
    return false
  end
  kong.client.authenticate(consumer, nil)
  announce(consumer, nil, true)
  return true
end

--- Ends the request, unless a consumer stands for those that are not known.
-- @tparam table refusal status, message, headers
-- @tparam ?string anonymous id or username of that consumer
function identity.refuse(refusal, anonymous)
  if anonymous and refusal ~= identity.UNEXPECTED then
    if authenticate_anonymous(anonymous) then
      return
    end
    refusal = identity.UNEXPECTED
  end
  return kong.response.error(refusal.status, refusal.message, refusal.headers)
end

return identity
