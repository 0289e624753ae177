-- Appends an entry for each request to a file: JSON, one line.

local cjson = require("cjson.safe")
local appender = require("kong.plugins.file-log.appender")
local custom_fields = require("kong.plugins.file-log.custom_fields")

local FileLog = { PRIORITY = 9, VERSION = require("kong.meta").version }

function FileLog:configure(configs)
  local paths = {}
  for _, conf in ipairs(configs or {}) do
    paths[conf.path] = true
  end
  appender.keep(paths)
end

function FileLog:log(conf)
  custom_fields.set(conf)
  local entry, err = cjson.encode(kong.log.serialize())
  if not entry then
    kong.log.err("could not encode the entry for ", conf.path, ": ", err)
    return
  end
  local ok
  ok, err = appender.append(conf.path, entry .. "\n", conf.reopen)
  if not ok then
    kong.log.err(conf.path, ": ", err)
  end
end

return FileLog
