-- kong.vault: secrets that configurations refer to.
--
-- Where a configuration was written as a reference, its table has it in the field `$refs`, and the
-- secret in the field's own place. Nothing is kept, so there is nothing to warm up or to flush.
local configuration = require("weir.pdk.configuration")
local current = require("weir.pdk.current")
local reference = require("weir.vault.reference")
local Store = require("weir.db.store")
local Vault = require("weir.vault")

local vault = {}

local secrets = Vault.new(function(prefix)
  return current.generation and Store.current():find("vaults", "prefix", prefix)
end, configuration.get)

--- Whether a value is a reference.
-- @param value
-- @treturn boolean
function vault.is_reference(value)
  return reference.is(value)
end

--- Takes a reference apart.
-- @tparam string text
-- @treturn table|nil name, resource, key, config, version
-- @treturn nil|string
function vault.parse_reference(text)
  return reference.parse(text)
end

--- Looks a secret up.
-- @tparam string text a reference
-- @treturn string|nil
-- @treturn nil|string
function vault.get(text)
  return secrets:get(text)
end

-- A reference, or a table of them, in place of what it says.
local function fill(target, field, refs)
  if type(refs) == "string" then
    target[field] = secrets:get(refs) or ""
  elseif type(target[field]) == "table" then
    for key, text in pairs(refs) do
      fill(target[field], key, text)
    end
  end
end

--- Looks up again what a table refers to, and puts it in place. A secret that is not there is "".
-- @tparam table options a configuration, or a part of one
-- @treturn table the same
function vault.update(options)
  if type(options) ~= "table" then
    return options
  end
  for name, value in pairs(options) do
    if name ~= "$refs" and type(value) == "table" then
      vault.update(value)
    end
  end
  for field, refs in pairs(options["$refs"] or {}) do
    fill(options, field, refs)
  end
  return options
end

--- Calls a function, and when it fails, once more with secrets that were looked up anew.
-- @tparam function callback gives a result, or nil and an error
-- @tparam ?table options its argument
-- @return what the callback gave last
function vault.try(callback, options)
  local result, err = callback(options)
  if result or type(options) ~= "table" then
    return result, err
  end
  return callback(vault.update(options))
end

--- Kong's; there is nothing to do.
function vault.flush() end

--- Kong's; there is nothing to do.
function vault.init_worker() end

--- Kong's; there is nothing to do.
function vault.warmup() end

return vault
