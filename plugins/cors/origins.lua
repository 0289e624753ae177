-- Whether an Origin is one of those that a configuration lists.
--
-- An entry with characters that names, schemes and ports do not have is a regex. One without ":" is
-- about the host, any other about the whole origin. A regex has to match all of it: that it matches
-- somewhere within "https://good.example.evil.example" says nothing.

local origins = {}

local PLAIN = "^[%w.:/-]+$"
local DEFAULT_PORTS = { http = "80", https = "443" }

-- An origin is a scheme, a host and maybe a port, which is left out when it is the scheme's own.
-- What has no scheme ("null" for example) stands for itself. What else has a "/" is no origin.
-- Gives the whole and the host, or nil.
local function normalize(origin)
  local scheme, host, port = origin:match("^([%w+.-]+)://(%[[%x:.]+%]):?(%d*)$")
  if not scheme then
    scheme, host, port = origin:match("^([%w+.-]+)://([^/:]+):?(%d*)$")
  end
  if not scheme then
    if origin:find("/", 1, true) then
      return nil
    end
    return origin, origin
  elseif port == "" or port == DEFAULT_PORTS[scheme] then
    return ("%s://%s"):format(scheme, host), host
  end
  return ("%s://%s:%s"):format(scheme, host, port), host
end

local function compile(entry)
  if entry:find(PLAIN) then
    return { whole = normalize(entry) or entry }
  end
  return { regex = ("(?:%s)$"):format(entry), by_host = not entry:find(":", 1, true) }
end

--- Prepares a list of origins.
-- @tparam ?table list of a configuration
-- @treturn table for allowed(); `any` says that every origin is allowed
function origins.compile(list)
  local compiled = { any = list == nil or #list == 0, entries = {} }
  for i, entry in ipairs(list or {}) do
    compiled.any = compiled.any or entry == "*"
    compiled.entries[i] = compile(entry)
  end
  if #compiled.entries == 1 and compiled.entries[1].whole then
    compiled.only = list[1]
  end
  return compiled
end

local function matches(entry, whole, host)
  if not entry.regex then
    return entry.whole == whole
  end
  local from, _, err = ngx.re.find(entry.by_host and host or whole, entry.regex, "ajo")
  if err then
    kong.log.err("could not search for origin: ", err)
  end
  return from ~= nil
end

--- What Access-Control-Allow-Origin says to an origin. A single entry that is no regex is the
-- answer to all: whoever is not meant finds that it names another.
-- @tparam table compiled
-- @tparam ?string origin of the request
-- @treturn string|nil
function origins.allowed(compiled, origin)
  if compiled.only then
    return compiled.only
  end
  local whole, host = nil, nil
  if origin then
    whole, host = normalize(origin)
  end
  if not whole then
    return nil
  end
  for _, entry in ipairs(compiled.entries) do
    if matches(entry, whole, host) then
      return whole
    end
  end
end

return origins
