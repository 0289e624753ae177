-- For specs of plugins, in `weir plugin test`: validates configurations as the gateway does, and
-- starts gateways to send requests to.
--
-- A gateway lives until stop(), and never longer than the process of the specs: it ends when the
-- pipe to it is closed.
local cjson = require("cjson.safe")

local READY_SECONDS = 30

local testing = {}

-- What install() is told: names of the plugins, plugin_path and lua_package_path.
local settings

--- Makes the globals `kong` and `ngx`, and says which plugins there are. For `weir plugin test`.
-- @tparam table given settings; `plugins` as they are written in a settings file
function testing.install(given)
  settings = given
  require("weir.loader").set_path(given.plugin_path, given.lua_package_path)
  require("weir.pdk").install(given)
end

--- Validates a configuration of a plugin.
-- @tparam string name of the plugin
-- @tparam table config
-- @treturn table|nil the configuration with its defaults
-- @treturn nil|string the first mistake: "config.FIELD: what is wrong"
function testing.configure(name, config)
  local schema = assert(require("weir.entities.plugins").schema_of(name))
  local entity, errors = schema:process({ name = name, config = config })
  if errors[1] then
    return nil, ("%s: %s"):format(table.concat(errors[1].path, "."), errors[1].message)
  end
  return entity.config
end

-- ---- gateways

local function read_file(path)
  local file = io.open(path)
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
end

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- The output of a shell's command, without the line break at its end.
local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("\n$", ""))
end

-- The binary that runs this: the parent of the shell.
local function binary()
  return output_of("readlink /proc/$PPID/exe")
end

-- A configuration whose only route answers 200 by itself.
local function default_config()
  return {
    routes = { { name = "spec", paths = { "/" }, plugins = {
      { name = "request-termination", config = { status_code = 200, message = "ok" } },
    } } },
  }
end

local function document(options)
  local config = options.config or default_config()
  config._format_version = config._format_version or "3.0"
  config.plugins = options.plugins or config.plugins
  return assert(cjson.encode(config))
end

local function command(directory, options)
  local words = {
    quote(binary()), "run", quote(directory .. "/weir.json"), "--proxy-listen", "127.0.0.1:0",
    "--admin-listen", "off", "--workers", "1",
  }
  local function set(name, value)
    table.insert(words, "--set " .. quote(("%s=%s"):format(name, tostring(value))))
  end
  set("plugins", table.concat(settings.plugins, ","))
  set("plugin_path", settings.plugin_path)
  set("lua_package_path", settings.lua_package_path)
  for name, value in pairs(options.settings or {}) do
    set(name, value)
  end
  return ("%s >%s 2>&1 </dev/null & read _; kill $! 2>/dev/null; wait $!; rm -r %s"):format(
    table.concat(words, " "), quote(directory .. "/log"), quote(directory))
end

local Gateway = {}
Gateway.__index = Gateway

-- Waits for the line that says that it is ready; its port is in an earlier one.
local function wait_until_ready(self)
  local socket = require("socket")
  for _ = 1, READY_SECONDS * 100 do
    local log = self:log()
    if log:find(" ready: ", 1, true) then
      return assert(tonumber(log:match("listening on 127%.0%.0%.1:(%d+)")))
    elseif log:find("[emerg]", 1, true) then
      break
    end
    socket.sleep(0.01)
  end
  local log = self:log()
  self:stop()
  error("the gateway did not start:\n" .. log, 3)
end

--- Starts a gateway with the plugins under test and those of weir.
-- @tparam table options `plugins`: list of plugin entities, for all requests; `config`: a
-- declarative configuration (by default one route that answers 200 "ok" without a service);
-- `settings`: by name
-- @treturn table with request(), log(), stop()
function testing.gateway(options)
  local directory = output_of("mktemp -d")
  write_file(directory .. "/weir.json", document(options))
  local self = setmetatable({ directory = directory }, Gateway)
  self.pipe = assert(io.popen(command(directory, options), "w"))
  self.port = wait_until_ready(self)
  return self
end

--- Sends a request.
-- @tparam string path with query
-- @tparam ?table request `method` (GET), `headers`, `body`
-- @treturn table { status, headers (by lower-case name), body }
function Gateway:request(path, request)
  local http, ltn12 = require("socket.http"), require("ltn12")
  request = request or {}
  local headers, parts = { connection = "close" }, {}
  for name, value in pairs(request.headers or {}) do
    headers[name:lower()] = value
  end
  if request.body then
    headers["content-length"] = #request.body
  end
  local ok, status, answered = http.request({
    url = ("http://127.0.0.1:%d%s"):format(self.port, path),
    method = request.method, headers = headers, redirect = false,
    source = request.body and ltn12.source.string(request.body), sink = ltn12.sink.table(parts),
  })
  if not ok then
    error(("no answer: %s\n%s"):format(status, self:log()), 2)
  end
  return { status = status, headers = answered, body = table.concat(parts) }
end

--- What it has logged so far: its access log and its error log.
-- @treturn string
function Gateway:log()
  return read_file(self.directory .. "/log")
end

--- Ends it, and forgets its files.
function Gateway:stop()
  if self.pipe then
    self.pipe:close()
    self.pipe = nil
  end
end

return testing
