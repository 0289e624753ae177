-- The places in a request where a key may be, in the order in which they are looked into: each with
-- the field of the configuration that allows it, a function that reads all that is there, by name,
-- and one that takes a name out of what the service gets.

local MAX = 1000

-- A body that is neither a form nor an object has no key.
local function read_body()
  if not kong.request.get_header("Content-Type") then
    return {}
  end
  local body, err = kong.request.get_body(nil, MAX)
  if type(body) ~= "table" then
    kong.log.info("no key is looked for in the body: ", err or "neither a form nor an object")
    return {}
  end
  return body
end

-- A field is found however its name is written, and taken out as it is written.
local function hide_in_header(name)
  local wanted = name:lower():gsub("_", "-")
  for sent in pairs(ngx.req.get_headers(MAX, true)) do
    if sent:lower():gsub("_", "-") == wanted then
      kong.service.request.clear_header(sent)
    end
  end
end

local function hide_in_body(name)
  local body = read_body()
  if body[name] == nil then
    return
  end
  body[name] = nil
  local ok, err = kong.service.request.set_body(body)
  if not ok then
    error("could not hide a key in the body: " .. tostring(err))
  end
end

return {
  {
    allowed_by = "key_in_header",
    read = function() return kong.request.get_headers(MAX) end,
    hide = hide_in_header,
  },
  {
    allowed_by = "key_in_query",
    read = function() return kong.request.get_query(MAX) end,
    hide = function(name) kong.service.request.clear_query_arg(name) end,
  },
  {
    allowed_by = "key_in_body",
    read = read_body,
    hide = hide_in_body,
  },
}
