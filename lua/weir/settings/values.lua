-- The types of settings: from the text of a value to what the rest of weir works with.
--
-- Each parser takes (text, key definition) and returns the value, or nil and what is wrong.
local ip = require("weir.text.ip")
local listen = require("weir.settings.listen")
local shared_dicts = require("weir.settings.shared_dicts")

local values = {}

local BOOLEANS = {
  on = true, ["true"] = true, yes = true, ["1"] = true,
  off = false, ["false"] = false, no = false, ["0"] = false,
}

-- The least is that of core/base/dict.h.
local SHARED_DICT_LIMITS = { min = 12 * 1024, max = 2 ^ 40 }

local SIZE_UNITS = { [""] = 1, k = 1024, m = 1024 ^ 2, g = 1024 ^ 3 }
local TIME_UNITS = { [""] = 1, ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }

local function in_range(value, key)
  if key.min and value < key.min or key.max and value > key.max then
    return nil, ("must be between %.14g and %.14g"):format(key.min or 0, key.max or 2 ^ 53)
  end
  return value
end

local function trim(text)
  return text:match("^%s*(.-)%s*$")
end

local function split(text)
  local list = {}
  if trim(text) == "" then
    return list
  end
  for item in (text .. ","):gmatch("([^,]*),") do
    item = trim(item)
    if item == "" then
      return nil, "has an empty entry"
    end
    table.insert(list, item)
  end
  return list
end

function values.string(text)
  return text
end

function values.boolean(text)
  local value = BOOLEANS[text:lower()]
  if value == nil then
    return nil, ("'%s' is not a boolean: on or off"):format(text)
  end
  return value
end

function values.integer(text, key)
  local value = text:find("^%d+$") and tonumber(text)
  if not value then
    return nil, ("'%s' is not a whole number"):format(text)
  end
  return in_range(value, key)
end

--- Bytes: `8192`, `8k`, `10m`, `1g`.
function values.size(text, key)
  local number, unit = text:lower():match("^(%d+)([kmg]?)$")
  if not number then
    return nil, ("'%s' is not a size, like 8192, 8k or 10m"):format(text)
  end
  return in_range(tonumber(number) * SIZE_UNITS[unit], key)
end

--- Seconds, perhaps with a fraction: `60`, `1.5`, `500ms`, `1m`, `2h`.
function values.time(text, key)
  local number, unit = text:lower():match("^(%d+%.?%d*)(%l*)$")
  local factor = TIME_UNITS[unit or "?"]
  if not factor then
    return nil, ("'%s' is not a time, like 60, 1.5s, 500ms or 2m"):format(text)
  end
  return in_range(tonumber(number) * factor, key)
end

function values.enum(text, key)
  for _, option in ipairs(key.options) do
    if text == option then
      return text
    end
  end
  return nil, ("'%s' is not one of: %s"):format(text, table.concat(key.options, ", "))
end

--- Like enum, for a list of options without regard to case; `off` is the empty list.
function values.tokens(text, key)
  local list, err = split(text)
  if not list then
    return nil, err
  elseif #list == 1 and list[1]:lower() == "off" then
    return {}
  end
  local known = {}
  for _, option in ipairs(key.options) do
    known[option:lower()] = option
  end
  for i, item in ipairs(list) do
    local option = known[item:lower()]
    if not option then
      return nil, ("'%s' is not one of: off, %s"):format(item, table.concat(key.options, ", "))
    end
    list[i] = option
  end
  return list
end

values.list = split

function values.cidrs(text)
  local list, err = split(text)
  if not list then
    return nil, err
  end
  for _, item in ipairs(list) do
    local ok, cidr_err = ip.parse_cidr(item)
    if not ok then
      return nil, cidr_err
    end
  end
  return list
end

function values.listen(text)
  return listen.parse(text)
end

--- For listeners that weir does not have yet.
function values.listen_off(text)
  if trim(text) == "off" then
    return {}
  end
  return nil, "only 'off' is supported by this version of weir"
end

function values.shared_dicts(text)
  return shared_dicts.parse(text, function(size)
    return values.size(size, SHARED_DICT_LIMITS)
  end)
end

function values.workers(text)
  if text == "auto" then
    return text
  end
  local value = text:find("^%d+$") and tonumber(text)
  if not value or value < 1 or value > 256 then
    return nil, ("'%s' is neither 'auto' nor a number between 1 and 256"):format(text)
  end
  return value
end

--- nginx takes `proxy_protocol` in place of a name: what the PROXY protocol says.
function values.header_name(text)
  if text == "proxy_protocol" then
    return nil, "the PROXY protocol is not supported by this version of weir; name a header field"
  elseif not text:find("^[%w_-]+$") then
    return nil, ("'%s' is not a header name"):format(text)
  end
  return text
end

return values
