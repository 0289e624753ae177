-- "name:value" texts, as the transformers' lists have them.

local pairs_of = {}

--- Takes one apart. What is before the first colon is the name; colons after it belong to the value
-- from where it begins with something else.
-- @treturn string|nil name; nil when there is none
-- @treturn string value, "" when there is none
function pairs_of.split(text)
  local name, value = text:match("^([^:]+):*(.-)$")
  return name, value
end

local function header_problem(name)
  if not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then
    return ("'%s' is not a valid header"):format(name)
  end
end

--- Checks that a pair has a name and a value.
-- @treturn boolean|nil
-- @treturn nil|string what is wrong
function pairs_of.check(text)
  local name, value = pairs_of.split(text)
  if not name or value == "" then
    return nil, ("key '%s' has no value"):format(name or "")
  end
  return true
end

--- Checks the name of a header field, which may have a value behind it.
function pairs_of.check_header(text)
  local problem = header_problem((pairs_of.split(text)) or "")
  return not problem or nil, problem
end

--- Checks a header field's name with a value.
function pairs_of.check_header_pair(text)
  local ok, err = pairs_of.check_header(text)
  if not ok then
    return nil, err
  end
  return pairs_of.check(text)
end

--- Checks a pair of header fields' names.
function pairs_of.check_header_names(text)
  local ok, err = pairs_of.check_header_pair(text)
  if not ok then
    return nil, err
  end
  local _, value = pairs_of.split(text)
  err = header_problem(value)
  return not err or nil, err
end

return pairs_of
