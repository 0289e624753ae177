-- What a Lua file asks of the gateway: modules by require(), and fields of `kong` (also called
-- `weir`) and `ngx`, also by way of locals that stand for one of them.
--
-- The file is not run, and not parsed in full either. Where it is not plain what a name stands for,
-- nothing is said: what is reported shall be there.
local lexer = require("weir.plugins.needs.lexer")

local scan = {}

local ROOTS = { kong = "kong", weir = "kong", ngx = "ngx" }

-- Functions that say something of what they are called with, under whatever name.
local FUNCTIONS = { require = true, pcall = true, xpcall = true }

-- After these a value is only looked at, or before them.
local LOOKED_AT = { ["and"] = true, ["or"] = true, ["then"] = true, ["do"] = true, ["=="] = true,
  ["~="] = true }
local LOOKING = { ["not"] = true, ["and"] = true, ["or"] = true, ["=="] = true, ["~="] = true }
local LOOKING_FUNCTIONS = { type = true, rawequal = true, pcall = true, xpcall = true }

-- What an expression goes on with.
local GOES_ON = { ["and"] = true, ["or"] = true, ["("] = true, ["{"] = true, ["["] = true,
  [":"] = true, string = true, [".."] = true, ["=="] = true, ["~="] = true, ["<"] = true,
  [">"] = true, ["<="] = true, [">="] = true, ["+"] = true, ["-"] = true, ["*"] = true,
  ["/"] = true, ["%"] = true, ["^"] = true }

local CALLED = { ["("] = true, ["{"] = true, string = true }

local NONE = { type = "end of file" }


local function type_at(self, at)
  return (self.tokens[at] or NONE).type
end

-- ---- scopes: name -> the path it stands for, as a list; false for what is not known

local function open_scope(self, names)
  local scope = {}
  for _, name in ipairs(names or {}) do
    scope[name] = false
  end
  table.insert(self.scopes, scope)
end

local function close_scope(self)
  if #self.scopes > 1 then
    table.remove(self.scopes)
  end
end

local function scope_of(self, name)
  for i = #self.scopes, 1, -1 do
    if self.scopes[i][name] ~= nil then
      return self.scopes[i]
    end
  end
end

-- The path that a name stands for, nil when it is none of the gateway's and none of FUNCTIONS.
local function resolve(self, name)
  local scope = scope_of(self, name)
  if scope then
    return scope[name] or nil
  end
  local root = ROOTS[name] or FUNCTIONS[name] and name
  return root and { root }
end

-- ---- paths

-- Reads "a.b.c" at a place. Returns what it stands for, if that is known, and the place behind it.
local function read_path(self, at)
  local base = resolve(self, self.tokens[at].value)
  local path = base and { unpack(base) }
  at = at + 1
  while type_at(self, at) == "." and type_at(self, at + 1) == "name" do
    if path then
      table.insert(path, self.tokens[at + 1].value)
    end
    at = at + 2
  end
  return path, at
end

local function is_looked_at(self, before, behind)
  return LOOKED_AT[type_at(self, behind)] or LOOKING[type_at(self, before)]
    or type_at(self, before) == "(" and LOOKING_FUNCTIONS[(self.tokens[before - 1] or NONE).value]
end

-- How a path that stands between two places is used.
local function usage(self, before, behind)
  local follows = type_at(self, behind)
  if follows == "=" then
    return "set"
  elseif CALLED[follows] or follows == "[" or follows == ":" then
    return "used"
  end
  return is_looked_at(self, before, behind) and "looked at" or "read"
end

local function add_path(self, path, line, how)
  if not FUNCTIONS[path[1]] then
    table.insert(self.paths, { path = path, line = line, how = how })
  end
end

-- A name that begins an expression or a statement.
local function read_name(self, at)
  local path, behind = read_path(self, at)
  local how = usage(self, at - 1, behind)
  if how == "set" and behind == at + 1 then
    -- A local gets another value, and whoever stood for a path stands for it no more. (Within a
    -- table it is a key, and then something is not found that might have been.)
    local scope = scope_of(self, self.tokens[at].value)
    if scope then
      scope[self.tokens[at].value] = false
    end
    return behind
  elseif not path then
    return behind
  end
  if type_at(self, behind) == ":" and type_at(self, behind + 1) == "name" then
    table.insert(path, self.tokens[behind + 1].value)
    behind = behind + 2
  end
  add_path(self, path, self.tokens[at].line, how)
  return behind
end

-- ---- statements

-- Names in a list "a, b"; returns them and the place behind.
local function read_names(self, at)
  local names = {}
  while type_at(self, at) == "name" do
    table.insert(names, self.tokens[at].value)
    at = at + 1
    if type_at(self, at) ~= "," then
      break
    end
    at = at + 1
  end
  return names, at
end

-- "local a, b = kong.x, ngx.y": the names stand for these paths. With the first value that is not
-- a path the rest is not known.
local function read_local(self, at)
  local names, behind = read_names(self, at)
  local meanings = {}
  if type_at(self, behind) == "=" then
    behind = behind + 1
    for i = 1, #names do
      if type_at(self, behind) ~= "name" then
        break
      end
      local path, after = read_path(self, behind)
      if GOES_ON[type_at(self, after)] then
        break
      elseif path then
        add_path(self, path, self.tokens[behind].line, "kept")
      end
      meanings[i], behind = path, after
      if type_at(self, behind) ~= "," then
        break
      end
      behind = behind + 1
    end
  end
  local scope = self.scopes[#self.scopes]
  for i, name in ipairs(names) do
    scope[name] = meanings[i] or false
  end
  return behind
end

-- "function a.b:c(x, y)", from behind the keyword; its body is read by others.
local function read_function(self, at)
  local names = {}
  if type_at(self, at) == "name" then
    local path, behind = read_path(self, at)
    if path and behind > at + 1 then
      add_path(self, path, self.tokens[at].line, "set")
    end
    at = behind
    if type_at(self, at) == ":" then
      names[1], at = "self", at + 2
    end
  end
  local parameters, behind = read_names(self, at + 1)
  for _, name in ipairs(parameters) do
    table.insert(names, name)
  end
  open_scope(self, names)
  return behind
end

local function read_require(self, at)
  local behind = type_at(self, at + 1) == "(" and at + 2 or at + 1
  local token = self.tokens[behind]
  if token and token.type == "string" and type_at(self, behind + 1) ~= ".." then
    table.insert(self.modules, { name = token.value, line = self.tokens[at].line })
    return behind + 1
  end
  return at + 1
end

-- The place behind the bracket that closes the one at a place.
local function skip_brackets(self, at)
  local depth = 0
  repeat
    local kind = type_at(self, at)
    depth = depth + (kind == "(" and 1 or kind == ")" and -1 or 0)
    at = at + 1
  until depth == 0 or not self.tokens[at]
  return at
end

local read = {}

read["local"] = function(self, at)
  if type_at(self, at + 1) == "function" then
    self.scopes[#self.scopes][(self.tokens[at + 2] or NONE).value or ""] = false
    return read_function(self, at + 2)
  end
  return read_local(self, at + 1)
end

read["function"] = function(self, at)
  return read_function(self, at + 1)
end

-- The names of a loop are those of the block behind its `do`.
read["for"] = function(self, at)
  local names, behind = read_names(self, at + 1)
  table.insert(self.loops, { depth = #self.scopes, names = names })
  return behind
end

read["do"] = function(self, at)
  local loop = self.loops[#self.loops]
  if loop and loop.depth == #self.scopes then
    table.remove(self.loops)
    open_scope(self, loop.names)
  else
    open_scope(self)
  end
  return at + 1
end

local function open_block(self, at)
  open_scope(self)
  return at + 1
end

local function close_block(self, at)
  close_scope(self)
  return at + 1
end

read["then"], read["repeat"] = open_block, open_block
read["end"], read["until"], read["elseif"] = close_block, close_block, close_block

read["else"] = function(self, at)
  close_scope(self)
  return open_block(self, at)
end

-- Fields of anything else: "a.b" after a call, "x:method".
local function read_field(self, at)
  return type_at(self, at + 1) == "name" and at + 2 or at + 1
end

read["."], read[":"] = read_field, read_field

function read.name(self, at)
  local path = resolve(self, self.tokens[at].value)
  local fn = path and FUNCTIONS[path[1]] and path[1]
  if fn == "require" then
    return read_require(self, at)
  elseif fn and type_at(self, at + 1) == "(" then
    -- What fails in there is expected to.
    return skip_brackets(self, at + 1)
  end
  return read_name(self, at)
end

--- Reads a file's text.
-- @tparam string text
-- @treturn table `modules`: list of { name, line }; `paths`: list of { path = {"kong", "request",
-- "get_header"}, line, how }, where `how` is "used" (called, or a field of it is asked for),
-- "looked at" (it is asked whether it is there), "set", "kept" (in a local) or "read"
function scan.text(text)
  local self = {
    tokens = lexer.tokens(text), scopes = { {} }, loops = {}, modules = {}, paths = {},
  }
  local at = 1
  while self.tokens[at] do
    local reader = read[self.tokens[at].type]
    at = reader and reader(self, at) or at + 1
  end
  return { modules = self.modules, paths = self.paths }
end

return scan
