-- Which shared dictionaries there are: Kong's, with Kong's sizes, and those that the setting
-- nginx_http_lua_shared_dict adds.
local MEBIBYTE = 1024 * 1024

-- { name, bytes, the setting that says otherwise }
local KONG = {
  { "kong", 5 * MEBIBYTE },
  { "kong_locks", 8 * MEBIBYTE },
  { "kong_healthchecks", 5 * MEBIBYTE },
  { "kong_cluster_events", 5 * MEBIBYTE },
  { "kong_process_events", 5 * MEBIBYTE },
  { "kong_rate_limiting_counters", 12 * MEBIBYTE },
  { "kong_core_db_cache", 128 * MEBIBYTE, "mem_cache_size" },
  { "kong_core_db_cache_miss", 12 * MEBIBYTE },
  { "kong_db_cache", 128 * MEBIBYTE, "mem_cache_size" },
  { "kong_db_cache_miss", 12 * MEBIBYTE },
  { "kong_secrets", 5 * MEBIBYTE },
  { "prometheus_metrics", 5 * MEBIBYTE },
}

local shared_dicts = {}

-- The setting's text as { { name, text of the size }, … }. Kong puts the text into nginx's
-- configuration, so the name of the directive may stand before each entry but the first.
local function split(text)
  local list = {}
  for item in (text .. ";"):gmatch("%s*([^;]*);") do
    item = item:gsub("%s+$", ""):gsub("^lua_shared_dict%s+", "")
    local name, size = item:match("^([%w_.-]+)%s+(%S+)$")
    if name then
      list[#list + 1] = { name, size }
    elseif item ~= "" then
      return nil, ("'%s' is not NAME SIZE, like 'my_counters 5m'"):format(item)
    end
  end
  return list
end

--- Reads the setting.
-- @tparam string text "NAME SIZE; NAME SIZE"
-- @tparam function parse_size text to bytes, or nil and what is wrong
-- @treturn table|nil list of { name = string, size = bytes }
-- @treturn nil|string
function shared_dicts.parse(text, parse_size)
  local items, err = split(text)
  if not items then
    return nil, err
  end
  local seen, list = {}, {}
  for _, entry in ipairs(KONG) do
    seen[entry[1]] = true
  end
  for i, item in ipairs(items) do
    local name = item[1]
    local size, size_err = parse_size(item[2])
    if not size then
      return nil, ("shared dictionary '%s': %s"):format(name, size_err)
    elseif seen[name] then
      return nil, ("shared dictionary '%s' is there already"):format(name)
    end
    seen[name] = true
    list[i] = { name = name, size = size }
  end
  return list
end

--- All dictionaries.
-- @tparam table settings by name
-- @treturn table list of { name = string, size = bytes }
function shared_dicts.all(settings)
  local list = {}
  for i, entry in ipairs(KONG) do
    local name, size, setting = unpack(entry)
    list[i] = { name = name, size = setting and settings[setting] or size }
  end
  for _, entry in ipairs(settings.nginx_http_lua_shared_dict or {}) do
    list[#list + 1] = entry
  end
  return list
end

return shared_dicts
