-- URL paths in configuration: well-formedness and normal form (RFC 3986, section 6.2.2).
local path = {}

local PCHAR = "^[%w%-%._~:@!$&'()*+,;=/%%]*$"

--- Checks a literal path's characters and percent-encodings.
-- @tparam string s
-- @treturn true|nil
-- @treturn nil|string Kong's message
function path.check(s)
  if not s:find(PCHAR) then
    return nil,
      ("invalid path: '%s' (characters outside of the reserved list of RFC 3986 found)"):format(s)
  end
  local rest = s:gsub("%%%x%x", "")
  local bad = rest:match("%%.?.?")
  if bad then
    return nil, ("invalid url-encoded value: '%s'"):format(bad)
  end
  return true
end

local function decode_unreserved(s)
  return (s:gsub("%%(%x%x)", function(hex)
    local c = string.char(tonumber(hex, 16))
    return c:find("[%w%-%._~]") and c or "%" .. hex:upper()
  end))
end

local function remove_dot_segments(s)
  local segments = {}
  for segment in s:gmatch("/([^/]*)") do
    if segment == ".." then
      table.remove(segments)
    elseif segment ~= "." then
      table.insert(segments, segment)
    end
  end
  -- "/a/.." and "/a/." end in a directory: keep the slash.
  if s:find("/%.%.?$") then
    table.insert(segments, "")
  end
  return "/" .. table.concat(segments, "/")
end

--- The normal form: unreserved characters decoded, other escapes in upper case, no dot segments.
-- @tparam string s a path that starts with "/"
-- @treturn string
function path.normalize(s)
  return remove_dot_segments(decode_unreserved(s))
end

return path
