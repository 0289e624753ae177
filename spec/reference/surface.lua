-- What plugins see of the gateway: every function of `kong` and `ngx` with its comment and the
-- phases that its code asks for, and the other fields.
--
-- The tables are walked as they are, so nothing is listed that is not there, and nothing is left
-- out. A function says its phases itself: here weir.pdk.phase is one that tells the caller which
-- set of phases it was asked about.

local comments = require("spec.reference.comments")
local fake = require("spec.support.fake_abi")

-- Kong knows more; these are the ones in which weir runs something.
local PHASES = {
  "init_worker", "certificate", "rewrite", "access", "balancer", "upstream_verify", "response",
  "header_filter", "body_filter", "log", "timer",
}

-- What is there for weir itself.
local INTERNAL = { ["ngx.timer.configure"] = true }

local surface = {}

-- ---- phases

local function recording(phase)
  local recorder = setmetatable({}, { __index = phase })
  function recorder.check(set)
    error({ set = set }, 0)
  end
  recorder.is = recorder.check -- asked by functions of ngx, which have a text of their own
  function recorder.check_not_init()
    error({ request = true }, 0)
  end
  return recorder
end

local function names_in(phase, set)
  local names = {}
  for _, name in ipairs(PHASES) do
    if require("bit").band(phase.set(name), set) ~= 0 then
      table.insert(names, name)
    end
  end
  return names
end

-- The names of the phases in which a function can be called; nil: in any; "request": in any that
-- has one.
local function phases_of(phase, fn)
  local _, answer = pcall(fn)
  if type(answer) ~= "table" then
    return nil
  elseif answer.request then
    return "request"
  end
  return answer.set and names_in(phase, answer.set)
end

-- ---- comments

local function modules()
  local result = {}
  for name, value in pairs(package.loaded) do
    if type(value) == "table" and name:find("^weir%.") then
      result[value] = name
    end
  end
  return result
end

local function named_comment(module, name)
  return module and comments.of(package.searchpath(module, package.path)).names[name]
end

-- The comment of a function: above its code; or one that names it, in the file of the table that it
-- is in (of kong.log's tables: in its file). weir.wait is a stand-in here, with its own file.
local function comment_of(known, fn, path, holder)
  local info, name = debug.getinfo(fn, "S"), path:match("[%w_]+$")
  local source, module = info.source:match("^@(.*)$"), known[holder]
  return source and comments.of(source).lines[info.linedefined]
    or named_comment(module, path)
    or named_comment(module, name)
    or named_comment("weir.pdk.log", path)
    or named_comment(require("weir.wait")[name] == fn and "weir.wait", name)
end

-- ---- walking

local function sorted(t)
  local names = {}
  for name in pairs(t) do
    if type(name) == "string" and not name:find("^_") then
      table.insert(names, name)
    end
  end
  table.sort(names)
  return names
end

local function methods_of(value)
  local meta = getmetatable(value)
  local index = type(meta) == "table" and rawget(meta, "__index")
  return type(index) == "table" and index
end

local visit

local function add_function(state, space, path, fn, holder)
  local comment = comment_of(state.known, fn, path, holder)
  if comment and comment.method then
    path = path:gsub("%.([%w_]+)$", ":%1")
  end
  if not INTERNAL[path] then
    table.insert(space.functions, {
      path = path, comment = comment, phases = phases_of(state.phase, fn),
    })
  end
end

local function visit_fields(state, space, holder)
  for _, name in ipairs(sorted(holder)) do
    local value, path = holder[name], space.path .. "." .. name
    if type(value) == "function" then
      add_function(state, space, path, value, holder)
    elseif type(value) == "table" then
      visit(state, path, value)
    else
      table.insert(space.fields, { name = name, type = type(value) })
    end
  end
end

-- The methods of an object; of two of a class, those of the first.
local function visit_methods(state, space, class)
  if state.seen[class] then
    space.like = state.seen[class]
    return
  end
  state.seen[class] = space.path
  for _, name in ipairs(sorted(class)) do
    if type(class[name]) == "function" and name ~= "new" then
      add_function(state, space, space.path .. "." .. name, class[name], class)
    end
  end
end

function visit(state, path, value)
  if state.seen[value] then
    return
  end
  state.seen[value] = path
  local space, meta = { path = path, functions = {}, fields = {} }, getmetatable(value)
  table.insert(state.spaces, space)
  if type(meta) == "table" and meta.__call then
    add_function(state, space, path, meta.__call, value)
  end
  visit_fields(state, space, value)
  local class = methods_of(value)
  if class then
    visit_methods(state, space, class)
  end
end

-- An object that plugins get from a function: all that is known of it is its methods.
local function visit_object(state, path, object)
  local space = { path = path, functions = {}, fields = {}, object = true }
  table.insert(state.spaces, space)
  visit_methods(state, space, methods_of(object))
end

--- Everything that there is.
-- @treturn table list of { path, functions = list of { path, comment, phases }, fields = list of
-- { name, type }, like = path of another with the same methods, object = whether there are many of
-- it and the path only stands for them }
function surface.read()
  fake.install()
  local phase = require("weir.pdk.phase")
  package.loaded["weir.pdk.phase"] = recording(phase)
  local wait = require("weir.wait")
  wait.socket, wait.udp = function() end, function() end
  local kong = require("weir.pdk").install({})
  local ngx = _G.ngx
  local state = { phase = phase, known = modules(), spaces = {}, seen = { [ngx.shared] = true } }
  visit(state, "kong", kong)
  visit(state, "kong.configuration", { remove_sensitive = kong.configuration.remove_sensitive })
  visit(state, "ngx", ngx)
  visit_object(state, "ngx.shared.DICT", ngx.shared.kong)
  visit_object(state, "ngx.socket.TCP", ngx.socket.tcp())
  visit_object(state, "ngx.socket.UDP", ngx.socket.udp())
  package.loaded["weir.pdk.phase"] = phase
  return state.spaces
end

return surface
