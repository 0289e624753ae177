-- Header fields to be changed: of the request as it goes upstream, of the response.

local Headers = {}
Headers.__index = Headers

local MAX = 1000

--- @tparam table reader kong.request or kong.response
-- @tparam table writer kong.service.request or kong.response
function Headers.new(reader, writer)
  return setmetatable({ reader = reader, writer = writer }, Headers)
end

function Headers:has(name)
  return self.reader.get_header(name) ~= nil
end

function Headers:remove(name)
  self.writer.clear_header(name)
end

--- Gives all values of `old` to `new`, whose own are gone then.
function Headers:rename(old, new)
  local values = self.reader.get_headers(MAX)[old]
  self.writer.clear_header(old)
  self.writer.set_header(new, values)
end

function Headers:set(name, value)
  self.writer.set_header(name, value)
end

function Headers:append(name, value)
  self.writer.add_header(name, value)
end

return Headers
