-- A JSON object to be changed: members that are not changed stay as they are written, so that no
-- number loses digits and no empty list becomes an object.
--
-- Values are JSON texts.

local cjson = require("cjson.safe")

local JsonObject = {}
JsonObject.__index = JsonObject

-- Positions after things of a text that is known to be valid JSON.

local function after_space(text, at)
  return text:find("[^ \t\r\n]", at)
end

local function after_string(text, at)
  at = at + 1
  while true do
    at = text:find('["\\]', at)
    if text:sub(at, at) == '"' then
      return at + 1
    end
    at = at + 2
  end
end

local function after_nested(text, at)
  local depth = 0
  repeat
    at = text:find('["%[%]{}]', at)
    local c = text:sub(at, at)
    if c == '"' then
      at = after_string(text, at)
    else
      depth = depth + ((c == "{" or c == "[") and 1 or -1)
      at = at + 1
    end
  until depth == 0
  return at
end

local function after_value(text, at)
  local c = text:sub(at, at)
  if c == '"' then
    return after_string(text, at)
  elseif c == "{" or c == "[" then
    return after_nested(text, at)
  end
  return text:find("[,%]} \t\r\n]", at)
end

local function members_of(text)
  local members = {}
  local at = after_space(text, after_space(text, 1) + 1)
  while text:sub(at, at) ~= "}" do
    local key_end = after_string(text, at)
    local value = after_space(text, after_space(text, key_end) + 1)
    local value_end = after_value(text, value)
    members[#members + 1] = {
      name = cjson.decode("[" .. text:sub(at, key_end - 1) .. "]")[1],
      value = text:sub(value, value_end - 1),
    }
    at = after_space(text, value_end)
    if text:sub(at, at) == "," then
      at = after_space(text, at + 1)
    end
  end
  return members
end

--- Takes a text apart.
-- @tparam string text an empty one is an object without members
-- @treturn JsonObject|nil nil when it is no JSON, or JSON but no object
function JsonObject.new(text)
  local members = {}
  if text ~= "" then
    if not text:find("^[ \t\r\n]*{") or not cjson.decode(text) then
      return nil
    end
    members = members_of(text)
  end
  return setmetatable({ members = members, changed = false }, JsonObject)
end

-- The first member of a name.
local function find(self, name)
  for _, member in ipairs(self.members) do
    if member.name == name then
      return member
    end
  end
end

function JsonObject:has(name)
  return find(self, name) ~= nil
end

-- Removes the members of a name but for one.
local function remove_others(self, name, spared)
  local kept = {}
  for _, member in ipairs(self.members) do
    if member.name ~= name or member == spared then
      kept[#kept + 1] = member
    else
      self.changed = true
    end
  end
  self.members = kept
end

function JsonObject:remove(name)
  remove_others(self, name)
end

--- Gives the value of `old` to `new`, whose own is gone then.
function JsonObject:rename(old, new)
  if new == old then
    return
  end
  local member = find(self, old)
  remove_others(self, old, member)
  remove_others(self, new)
  member.name = new
  self.changed = true
end

--- Sets a value, in its place if there is one.
function JsonObject:set(name, value)
  local member = find(self, name)
  if member then
    remove_others(self, name, member)
    member.value = value
  else
    self.members[#self.members + 1] = { name = name, value = value }
  end
  self.changed = true
end

-- A list with one more item; what is no list becomes its first item.
local function longer(old, value)
  if not old or old:find("^%[%s*%]$") then
    return "[" .. value .. "]"
  elseif old:sub(1, 1) == "[" then
    return old:sub(1, -2) .. "," .. value .. "]"
  end
  return "[" .. old .. "," .. value .. "]"
end

--- Adds a value to a list.
function JsonObject:append(name, value)
  local member = find(self, name)
  self:set(name, longer(member and member.value, value))
end

function JsonObject:encode()
  local texts = {}
  for i, member in ipairs(self.members) do
    texts[i] = cjson.encode(member.name) .. ":" .. member.value
  end
  return "{" .. table.concat(texts, ",") .. "}"
end

return JsonObject
