-- What weir has for plugins: fields of the globals `kong` and `ngx` as they are, and modules that
-- require() would find.
local loader = require("weir.loader")

local offered = {}

-- Tables whose fields depend on the request, the configuration or the settings.
local OPEN = {
  ["kong.configuration"] = true, ["kong.ctx"] = true, ["kong.db"] = true, ["ngx.arg"] = true,
  ["ngx.ctx"] = true, ["ngx.header"] = true, ["ngx.shared"] = true, ["ngx.var"] = true,
}

-- Fields that are nil where there is no request.
local OF_REQUESTS = {
  ["ngx.ctx"] = true, ["ngx.header"] = true, ["ngx.headers_sent"] = true, ["ngx.status"] = true,
}

local function field(value, name)
  return value[name]
end

--- Looks for a field.
-- @tparam table path names, the first is that of the global
-- @treturn number|nil how many names lead to the first that is not there; nil when all are
function offered.missing(path)
  local value, name = _G[path[1]], path[1]
  for i = 2, #path do
    if OPEN[name] or type(value) ~= "table" then
      return nil
    end
    name = name .. "." .. path[i]
    -- A field that raises an error here, outside of requests, is there.
    local ok, found = pcall(field, value, path[i])
    if not ok or found == nil and OF_REQUESTS[name] then
      return nil
    elseif found == nil then
      return i
    end
    value = found
  end
  return nil
end

--- The names of the fields beside one that is not there.
-- @tparam table path
-- @tparam number length how many names lead to it
-- @treturn {string,...}
function offered.neighbours(path, length)
  local value, names = _G[path[1]], {}
  for i = 2, length - 1 do
    value = value[path[i]]
  end
  for name in pairs(value) do
    if type(name) == "string" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

--- Whether require() would find a module.
-- @tparam string name
-- @treturn boolean
function offered.module(name)
  local library = name:match("^[^.]+") -- one library may hold several modules
  return (package.loaded[name] or package.preload[name] or loader.locate(name)
    or package.searchpath(name, package.cpath)
    or package.searchpath(library, package.cpath)) and true or false
end

return offered
