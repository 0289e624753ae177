-- What plugins that authenticate have in common (access): they look for a credential, say whose it
-- is, to later plugins and to the service, or refuse. A header field for the service that has no
-- value is removed, so that no client can make it up.

local identity = {}

-- The refusal where something is wrong that no client can mend.
local UNEXPECTED = { status = 500, message = "An unexpected error occurred" }

-- Whether it is this plugin's turn to authenticate.
local function is_asked(conf)
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
-- @treturn table a refusal, for access()
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
-- @treturn table|nil
-- @treturn nil|table a refusal, when it could not be looked for; neither when there is none
function identity.credential(kind, field, value)
  local dao = kong.db[kind]
  local credential, err = kong.cache:get(dao:cache_key(value), nil, load_credential, dao,
    "select_by_" .. field, value)
  if err then
    kong.log.err("could not look for the credential: ", err)
    return nil, UNEXPECTED
  end
  return credential
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
    return UNEXPECTED
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

-- Ends the request, unless a consumer stands for those that are not known.
local function refuse(refusal, anonymous)
  if anonymous and refusal ~= UNEXPECTED then
    if authenticate_anonymous(anonymous) then
      return
    end
    refusal = UNEXPECTED
  end
  return kong.response.error(refusal.status, refusal.message, refusal.headers)
end

--- What a plugin that authenticates does in access.
-- @tparam table conf anonymous (id or username of the consumer that stands for those that are not
-- known); run_on_preflight and hide_credentials where the plugin has them
-- @tparam function authenticate called with conf; says who it is (identity.authenticate), or
-- returns a refusal: status, message, headers
-- @tparam ?function hide called with conf; takes credentials out of what the service gets
function identity.access(conf, authenticate, hide)
  if not is_asked(conf) then
    return
  end
  local refusal = authenticate(conf)
  if refusal then
    refuse(refusal, conf.anonymous)
  end
  if hide and conf.hide_credentials then
    hide(conf)
  end
end

return identity
