-- What of Lua's own library untrusted code may call.
--
-- Left out is whatever reaches beyond the code's own tables: ffi, debug, package, io, the rest of
-- os, getfenv and setfenv, raw access, the collector, and string.dump. Bytecode is never loaded.

local language = {}

local BASE = {
  "_VERSION", "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "select",
  "tonumber", "tostring", "type", "unpack", "xpcall",
}

local LIBRARIES = {
  bit = { "arshift", "band", "bnot", "bor", "bswap", "bxor", "lshift", "rol", "ror", "rshift",
    "tobit", "tohex" },
  coroutine = { "create", "resume", "running", "status", "wrap", "yield" },
  io = { "type" },
  jit = { "arch", "os", "version", "version_num" },
  math = { "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor",
    "fmod", "frexp", "huge", "ldexp", "log", "log10", "max", "min", "modf", "pi", "pow", "rad",
    "random", "sin", "sinh", "sqrt", "tan", "tanh" },
  os = { "clock", "date", "difftime", "time" },
  string = { "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep",
    "reverse", "sub", "upper" },
  table = { "concat", "foreach", "foreachi", "getn", "insert", "maxn", "move", "remove", "sort" },
}

-- LuaJIT's extensions are modules until somebody requires them.
local TABLE_MODULES = { clear = "table.clear", new = "table.new" }

-- Strings carry the library of the whole state, ("").dump. Since nobody may load bytecode, nobody
-- needs to make it.
rawset(string, "dump", nil)

local builtin = {}
for _, name in ipairs(BASE) do
  builtin[name] = _G[name]
end

-- Metatables that untrusted code has set itself. All others, that of strings above all, are the
-- gateway's.
local own = setmetatable({}, { __mode = "k" })

function builtin.getmetatable(value)
  local metatable = type(value) == "table" and getmetatable(value) or nil
  return own[metatable] and metatable or nil
end

function builtin.setmetatable(value, metatable)
  if type(value) ~= "table" then
    error(("bad argument #1 to 'setmetatable' (table expected, got %s)"):format(type(value)), 2)
  end
  local before = getmetatable(value)
  if before ~= nil and not own[before] then
    error("cannot change a protected metatable", 2)
  end
  if metatable then
    own[metatable] = true
  end
  return setmetatable(value, metatable)
end

function builtin.print(...)
  local texts = {}
  for i = 1, select("#", ...) do
    texts[i] = tostring((select(i, ...)))
  end
  _G.kong.log.notice(table.concat(texts, " "))
end

local function copy_of(library)
  local copy = {}
  for _, name in ipairs(LIBRARIES[library]) do
    copy[name] = _G[library][name]
  end
  if library == "table" then
    for name, module in pairs(TABLE_MODULES) do
      copy[name] = require(module)
    end
  end
  return copy
end

--- A global of the language; libraries are copies, made for whoever asks.
-- @tparam string name
-- @return nil when untrusted code has no such global
function language.global(name)
  if LIBRARIES[name] then
    return copy_of(name)
  end
  return builtin[name]
end

return language
