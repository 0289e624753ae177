-- kong.configuration: the settings, to read.
local values = {}

local configuration = {}

-- Names of settings whose value is a secret, or says where one lies.
local SENSITIVE = { ssl_cert_key = true }

local REDACTED = "******"

-- What plugins see: the settings by name, and what Kong adds to them.
configuration.view = setmetatable({}, {
  __index = function(_, name)
    return values[name]
  end,
  __newindex = function()
    error("cannot write to configuration", 2)
  end,
})

--- Replaces the settings.
-- @tparam table settings by name
function configuration.set(settings)
  values = {}
  for name, value in pairs(settings) do
    values[name] = value
  end
  --- A copy of all settings without what must not be shown.
  -- @treturn table
  values.remove_sensitive = function()
    local copy = {}
    for name, value in pairs(settings) do
      copy[name] = SENSITIVE[name] and REDACTED or value
    end
    return copy
  end
end

--- One setting.
function configuration.get(name)
  return values[name]
end

return configuration
