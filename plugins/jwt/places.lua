-- The places in a request where a token may be.

local places = {}

local MAX = 1000

local function as_list(value)
  return type(value) == "table" and value or { value }
end

local function add_arguments(found, names)
  local query = #names > 0 and kong.request.get_query(MAX) or {}
  for _, name in ipairs(names) do
    for _, value in ipairs(as_list(query[name])) do
      found[value] = type(value) == "string" or nil
    end
  end
end

local function add_cookies(found, names)
  local wanted = {}
  for _, name in ipairs(names) do
    wanted[name] = true
  end
  for _, line in ipairs(as_list(kong.request.get_headers(MAX).cookie)) do
    for name, value in line:gmatch("([^=;%s]+)=([^;]*)") do
      if wanted[name] then
        found[value] = true
      end
    end
  end
end

local function add_headers(found, names)
  local headers = kong.request.get_headers(MAX)
  for _, name in ipairs(names) do
    for _, value in ipairs(as_list(headers[name])) do
      local text = value:match("^%s*[Bb][Ee][Aa][Rr][Ee][Rr]%s+(%S.*)$")
      if text then
        found[text] = true
      end
    end
  end
end

--- The tokens of the request, each of them once.
-- @tparam table conf
-- @treturn {string,...}
function places.find(conf)
  local found = {}
  add_arguments(found, conf.uri_param_names or {})
  add_cookies(found, conf.cookie_names or {})
  add_headers(found, conf.header_names or {})
  found[""] = nil
  local texts = {}
  for text in pairs(found) do
    texts[#texts + 1] = text
  end
  return texts
end

return places
