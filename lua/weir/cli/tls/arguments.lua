-- What the arguments of `weir tls explain` stand for. One that stands for nothing ends the command.
local file = require("weir.source.file")
local host = require("weir.text.host")

local DEFAULT_PORT = 443

local arguments = {}

--- Ends the command.
-- @tparam number code its exit status, 1 or 2
-- @tparam string format of the message, with its values
-- @raise { code, message }
function arguments.stop(code, format, ...)
  error({ code = code, message = format:format(...) }, 0)
end

local stop = arguments.stop

--- The contents of a file.
-- @tparam string path
-- @treturn string
function arguments.read(path)
  local text, err = file.new(path):load()
  return text or stop(1, "%s", err)
end

--- A whole number.
-- @tparam string text
-- @tparam string option how messages call it
-- @tparam number low
-- @tparam number high
-- @treturn number
function arguments.whole(text, option, low, high)
  local number = text:find("^%d+$") and tonumber(text)
  if not number or number < low or number > high then
    stop(2, "%s: expected a whole number from %d to %d, got '%s'", option, low, high, text)
  end
  return number
end

--- HOST or HOST:PORT, or a URL without a path.
-- @tparam string text
-- @tparam string option how messages call it
-- @treturn table host, port, canonical (weir.text.host.canonical() of the host)
function arguments.target(text, option)
  local parsed, err = host.parse((text:gsub("^https://", ""):gsub("/$", "")))
  if not parsed then
    stop(2, "%s: %s", option, err)
  end
  return { host = parsed.host, port = parsed.port or DEFAULT_PORT,
    canonical = host.canonical(parsed.host) }
end

return arguments
