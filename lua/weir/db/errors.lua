-- What functions of kong.db return when they fail: nil, a text, and a table with Kong's code, name
-- and message.
local pretty = require("weir.db.pretty")

local errors = {}

local STRATEGY = "off"

local NAMES = {
  [1] = "invalid primary key", [7] = "invalid offset", [9] = "invalid size",
  [11] = "invalid options", [12] = "operation unsupported", [16] = "invalid foreign key",
}

local meta = {
  __tostring = function(err)
    return ("[%s] %s"):format(err.strategy, err.message)
  end,
  __concat = function(a, b)
    return tostring(a) .. tostring(b)
  end,
}

-- The three results of a function that fails.
local function fail(code, message, fields, name)
  local err = setmetatable({
    code = code, name = name or NAMES[code], message = message, fields = fields,
    strategy = STRATEGY,
  }, meta)
  return nil, tostring(err), err
end

function errors.invalid_primary_key(fields)
  return fail(1, ("invalid primary key: '%s'"):format(pretty(fields)), fields)
end

function errors.invalid_foreign_key(fields)
  return fail(16, ("invalid foreign key: '%s'"):format(pretty(fields)), fields)
end

function errors.invalid_offset(offset, why)
  return fail(7, ("'%s' is not a valid offset: %s"):format(offset, why))
end

function errors.invalid_size(why)
  return fail(9, why)
end

function errors.invalid_unique(field, why)
  return fail(10, why, nil, "invalid unique " .. field)
end

function errors.invalid_option(option, why)
  local _, message, err = fail(11, ("invalid option (%s: %s)"):format(option, why))
  err.options = { [option] = why }
  return nil, message, err
end

function errors.unsupported(verb, entity)
  return fail(12, ("cannot %s '%s' entities when not using a database"):format(verb, entity))
end

return errors
