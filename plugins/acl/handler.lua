-- Lets consumers in, or keeps them out, by their groups. Who they are another plugin has found out.

local groups = require("kong.plugins.acl.groups")

local Acl = { PRIORITY = 950, VERSION = require("kong.meta").version }

local CONSUMER_GROUPS, AUTHENTICATED_GROUPS = "X-Consumer-Groups", "X-Authenticated-Groups"

local listed = setmetatable({}, { __mode = "k" }) -- conf -> group -> true

local function listed_of(conf)
  local set = listed[conf]
  if not set then
    set = {}
    for _, group in ipairs(conf.allow or conf.deny) do
      set[group] = true
    end
    listed[conf] = set
  end
  return set
end

local function is_allowed(conf, names)
  local set = listed_of(conf)
  for _, name in ipairs(names) do
    if set[name] then
      return conf.allow ~= nil
    end
  end
  return conf.allow == nil
end

-- The groups that count, and the header field for them. Of somebody anonymous, or if told so of
-- everybody, these are the authenticated ones, if there are any. nil when nobody is known; nil and
-- why when the groups cannot be found out.
local function find_groups(conf)
  local consumer, authenticated = kong.client.get_consumer(), groups.authenticated()
  local known = consumer and kong.client.get_credential()
  if authenticated and (not known or conf.always_use_authenticated_groups) then
    return authenticated, AUTHENTICATED_GROUPS
  elseif not consumer then
    return nil
  end
  local names, err = groups.of_consumer(consumer)
  if not names then
    return nil, err
  end
  return names, CONSUMER_GROUPS
end

-- Clients do not say which groups they are in.
local function tell_service(conf, names, header)
  kong.service.request.clear_header(CONSUMER_GROUPS)
  kong.service.request.clear_header(AUTHENTICATED_GROUPS)
  if #names > 0 and not conf.hide_groups_header then
    kong.service.request.set_header(header, table.concat(names, ", "))
  end
end

-- Who has not authenticated, and has no groups as anybody, could be somebody who has.
local function refuse(names, header)
  if header ~= AUTHENTICATED_GROUPS and #names == 0 and not kong.client.get_credential() then
    return kong.response.error(401)
  end
  return kong.response.error(403, "You cannot consume this service")
end

function Acl:access(conf)
  local names, where = find_groups(conf)
  if not names and where then
    kong.log.err("could not find out the groups: ", where)
    return kong.response.error(500)
  elseif not names then
    kong.log.err("Cannot identify the consumer, add an authentication plugin to use the ACL plugin")
    return refuse({})
  elseif not is_allowed(conf, names) then
    return refuse(names, where)
  end
  tell_service(conf, names, where)
end

return Acl
