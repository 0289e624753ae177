-- Header fields of a message: found in any case and with "_" for "-", kept in the case that they
-- first had, and with "-": what is looked up as Content-Length must not go out as content_length,
-- which delimits nothing.
local headers = {}

local function fold(name)
  return (tostring(name):gsub("_", "-"):lower())
end

--- An empty set of fields. A field that came more than once is a list.
-- @treturn table
function headers.new()
  local names = {} -- folded -> as it is kept
  return setmetatable({}, {
    __index = function(self, name)
      local kept = names[fold(name)]
      return kept and rawget(self, kept)
    end,
    __newindex = function(self, name, value)
      local folded = fold(name)
      local kept = names[folded]
      -- What was removed with rawset, or by assigning nil, gives up its spelling.
      if not kept or rawget(self, kept) == nil then
        kept = type(name) == "string" and name:gsub("_", "-") or name
        names[folded] = kept
      end
      rawset(self, kept, value)
    end,
  })
end

return headers
