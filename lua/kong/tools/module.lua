-- kong.tools.module.
local module = {}

--- Loads a module that there need not be. What is wrong with one that is there is raised.
-- @tparam string name
-- @treturn boolean whether it is there
-- @treturn any the module, or why it is not there
function module.load_module_if_exists(name)
  local ok, result = pcall(require, name)
  if ok then
    return true, result
  elseif type(result) == "string" and result:find("module '" .. name .. "' not found", 1, true) then
    return false, result
  end
  error(("error loading module '%s':\n%s"):format(name, tostring(result)), 0)
end

return module
