-- Settings of the process: kong.conf's names and syntax, from five sources. Later ones win:
-- defaults, the settings file, the environment (WEIR_ and the name in upper case), --set, dedicated
-- options.
--
-- In the result sizes are bytes, times seconds, booleans booleans, lists arrays, listeners as
-- weir.settings.listen has them, and `plugins` holds names only. Every mistake is reported, each
-- with where it was made.
local absent = require("weir.settings.absent")
local core = require("weir.core")
local keys = require("weir.settings.keys")
local suggest = require("weir.text.suggest")
local values = require("weir.settings.values")

local BUNDLED_PLUGINS = {
  "upstream-tls",
  "pre-function",
  "post-function",
  "file-log",
  "request-transformer",
  "response-transformer",
  "prometheus",
  "echo",
  "request-termination",
  "correlation-id",
  "acl",
  "basic-auth",
  "cors",
  "hmac-auth",
  "jwt",
  "key-auth",
  "rate-limiting",
}

-- Variables that begin like settings but are read elsewhere, before there are settings.
local RESERVED_VARIABLES = { WEIR_LUA_PATH = true }

local settings = { keys = keys, bundled_plugins = BUNDLED_PLUGINS }

local by_name, names = {}, {}
for _, key in ipairs(keys) do
  by_name[key.name] = key
  table.insert(names, key.name)
end

-- ---- reading sources into { name, text, where } assignments

local function unknown_setting(name)
  local instead = absent.instead(name)
  if instead then
    return ("weir does not have Kong's setting '%s': %s"):format(name, instead)
  end
  return ("unknown setting '%s'%s"):format(name, suggest.phrase(name, names))
end

local function unquote(text)
  local quote = text:match("^(['\"])")
  if not quote then
    -- A `#` after white space begins a comment, except in quotes.
    return (text:gsub("%s+#.*$", ""):gsub("^#.*$", ""))
  end
  local inner, rest = text:match("^" .. quote .. "(.-)" .. quote .. "%s*(.*)$")
  if not inner or rest ~= "" and rest:sub(1, 1) ~= "#" then
    return nil, "unbalanced quotes"
  end
  return inner
end

local function read_file(path, add, fail)
  local file, err = io.open(path, "r")
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  if not text then
    fail(nil, ("cannot read settings file %s"):format(err or path .. ": it is no regular file"))
    return
  end
  local number = 0
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local where = ("%s:%d"):format(path, number)
    local name, raw = line:match("^%s*([%w_]+)%s*=%s*(.-)%s*$")
    if name then
      local value, quote_err = unquote(raw)
      if value then
        add(name, value, where)
      else
        fail(where, quote_err)
      end
    elseif not line:find("^%s*$") and not line:find("^%s*#") then
      fail(where, "expected 'key = value'")
    end
  end
end

-- An environment is shared with others (Kubernetes puts WEIR_SERVICE_HOST into it when there is a
-- service called weir), so a variable that is no setting is worth a warning only.
local function read_environment(environment, add, warnings)
  for _, entry in ipairs(environment) do
    local name, value = entry:match("^WEIR_([%w_]+)=(.*)$")
    local key = name and name:lower()
    if key and by_name[key] then
      add(key, value, "environment variable WEIR_" .. name)
    elseif key and not RESERVED_VARIABLES["WEIR_" .. name]
      and (absent.instead(key) or suggest.nearest(key, names)) then
      local message = unknown_setting(key)
      table.insert(warnings, ("environment variable WEIR_%s: %s"):format(name, message))
    end
  end
end

local function read_sets(sets, add, fail)
  for _, text in ipairs(sets) do
    local name, value = text:match("^%s*([%w_]+)%s*=%s*(.-)%s*$")
    if name then
      add(name, value, "--set " .. name)
    else
      fail("--set " .. text, "expected KEY=VALUE")
    end
  end
end

-- ---- rules about several settings

local function read_text(path)
  local file, err = io.open(path, "r")
  if not file then
    return nil, err
  end
  local text, read_err = file:read("*a")
  file:close()
  return text, read_err and path .. ": " .. read_err
end

local function check_readable(name, path, where, fail)
  local text, err = read_text(path)
  if not text then
    fail(where, ("%s: cannot read %s"):format(name, err))
  end
end

-- What is only read when a connection needs it: a path that is wrong shall not wait for that.
local function check_ca_files(result, sources, fail)
  if result.tls_system_cas ~= "auto" then
    check_readable("tls_system_cas", result.tls_system_cas, sources.tls_system_cas, fail)
  end
  for _, path in ipairs(result.lua_ssl_trusted_certificate) do
    if path ~= "system" then
      check_readable("lua_ssl_trusted_certificate", path, sources.lua_ssl_trusted_certificate,
        fail)
    end
  end
end

local function check_plugin_path(result, sources, fail)
  for folder in result.plugin_path:gmatch("[^:,%s]+") do
    local opened = io.open(folder .. "/.")
    if opened then
      opened:close()
    else
      fail(sources.plugin_path, ("plugin_path: there is no folder %s"):format(folder))
    end
  end
end

local function check_key_pair(cert_path, key_path)
  local cert, cert_err = read_text(cert_path)
  local key, key_err = read_text(key_path)
  if not cert or not key then
    return nil, "cannot read " .. (cert_err or key_err)
  end
  local ok, err = core.keypair_check(cert, key)
  return ok, err and ("%s, %s: %s"):format(cert_path, key_path, err)
end

local function check_certificates(result, sources, fail)
  local certs, key_files = result.ssl_cert, result.ssl_cert_key
  if #certs ~= #key_files then
    local where = #certs > 0 and sources.ssl_cert or sources.ssl_cert_key
    fail(where, ("ssl_cert and ssl_cert_key must name as many files each, but name %d and %d")
      :format(#certs, #key_files))
    return
  end
  for i, cert in ipairs(certs) do
    local ok, err = check_key_pair(cert, key_files[i])
    if not ok then
      fail(sources.ssl_cert, err)
    end
  end
end

local function check_listeners(result, sources, fail)
  local taken = {}
  for _, name in ipairs({ "proxy_listen", "admin_listen" }) do
    for _, listener in ipairs(result[name]) do
      local address = listener.host .. " " .. listener.port
      if taken[address] and listener.port ~= 0 then
        fail(sources[name], ("%s: port %d of %s is already taken by %s")
          :format(name, listener.port, listener.host, taken[address]))
      end
      taken[address] = name
      if name == "admin_listen" and listener.ssl then
        fail(sources[name], "admin_listen: flag 'ssl' is not supported by this version of weir")
      end
    end
  end
end

local function expand_plugins(list)
  local result, seen = {}, {}
  local function add(name)
    if not seen[name] then
      seen[name] = true
      table.insert(result, name)
    end
  end
  for _, name in ipairs(list) do
    if name == "bundled" then
      for _, bundled in ipairs(BUNDLED_PLUGINS) do
        add(bundled)
      end
    elseif name ~= "off" then
      add(name)
    end
  end
  return result
end

local function check_plugin_names(result, sources, fail)
  for _, name in ipairs(result.plugins) do
    if not name:find("^[%w_-]+$") then
      fail(sources.plugins, ("plugins: '%s' is no plugin name"):format(name))
    end
  end
end

-- ---- putting it together

local function parse_all(assignments, fail)
  local result, sources = {}, {}
  for _, key in ipairs(keys) do
    result[key.name] = values[key.type](key.default, key)
    sources[key.name] = "default"
  end
  for _, assignment in ipairs(assignments) do
    local key = by_name[assignment.name]
    if not key then
      fail(assignment.where, unknown_setting(assignment.name))
    else
      local value, err = values[key.type](assignment.text, key)
      if value == nil then
        fail(assignment.where, ("%s: %s"):format(key.name, err))
      else
        result[key.name], sources[key.name] = value, assignment.where
      end
    end
  end
  return result, sources
end

--- Gathers the settings.
-- @tparam table from `file`: path of a settings file; `environment`: list of "NAME=value"; `set`:
--   list of "key=value"; `flags`: list of { name, text, where } from dedicated options. All are
--   optional.
-- @treturn table|nil the settings by name
-- @treturn {string,...} errors when there are no settings, else warnings
function settings.load(from)
  local assignments, errors, warnings = {}, {}, {}
  local function fail(where, message)
    table.insert(errors, where and where .. ": " .. message or message)
  end
  local function add(name, text, where)
    table.insert(assignments, { name = name, text = text, where = where })
  end
  if from.file then
    read_file(from.file, add, fail)
  end
  read_environment(from.environment or {}, add, warnings)
  read_sets(from.set or {}, add, fail)
  for _, flag in ipairs(from.flags or {}) do
    add(flag.name, flag.text, flag.where)
  end
  local result, sources = parse_all(assignments, fail)
  result.plugins = expand_plugins(result.plugins)
  check_certificates(result, sources, fail)
  check_ca_files(result, sources, fail)
  check_plugin_path(result, sources, fail)
  check_listeners(result, sources, fail)
  check_plugin_names(result, sources, fail)
  if #errors > 0 then
    return nil, errors
  end
  return result, warnings
end

return settings
