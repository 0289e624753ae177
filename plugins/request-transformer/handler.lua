-- Changes requests before they go upstream: path, method, query, headers, body.
--
-- Configurations are prepared once, templates compiled; what is not configured costs nothing.

local Form = require("kong.plugins.request-transformer.form")
local Headers = require("kong.plugins.request-transformer.headers")
local body = require("kong.plugins.request-transformer.body")
local memo = require("kong.plugins.request-transformer.memo")
local rules = require("kong.plugins.request-transformer.rules")
local template = require("kong.plugins.request-transformer.template")
local values = require("kong.plugins.request-transformer.values")

local RequestTransformer = { PRIORITY = 801, VERSION = require("kong.meta").version }

-- Methods whose parameters are in the query.
local BODILESS = { GET = true, HEAD = true, TRACE = true }

-- The host can be replaced, nothing else: requests always have one.
local function allow_header(name, operation)
  return name:lower() ~= "host" or operation == "replace"
end

-- A path and the query behind it. Where they part is what the configuration says, not what an
-- expression gives: a "?" that a client brought in is a character of the path.
local function split_uri(uri)
  local plain = uri:gsub("%$%b()", function(expression)
    return ("x"):rep(#expression)
  end)
  local mark = plain:find("?", 1, true) or #uri + 1
  return uri:sub(1, mark - 1), uri:sub(mark + 1)
end

local prepared = memo(function(conf)
  local templates = false
  local function compile(text)
    local value = template.compile(text)
    templates = templates or type(value) == "function"
    return value
  end
  local path, path_query = split_uri(conf.replace.uri or "")
  local made = {
    path = conf.replace.uri and compile(path),
    path_query = compile(path_query),
    method = conf.http_method,
    query = rules.of(conf, "querystring", compile),
    headers = rules.of(conf, "headers", compile, allow_header),
    body = rules.of(conf, "body", compile),
  }
  made.templates = templates
  return made
end)

-- A function that says what a value is for this request.
local function new_text_of(made)
  local seen = made.templates and values.read()
  return function(value)
    return type(value) == "function" and value(seen) or value
  end
end

-- A form that a method cannot carry goes to the query.
local function change_method(made, query)
  kong.service.request.set_method(made.method)
  local form = BODILESS[made.method] and body.read_form()
  if form then
    query:merge(form)
  end
end

local function change_body(made, text_of)
  local things, encode = body.read()
  if not things then
    return
  end
  rules.apply(made.body, things, text_of, encode)
  if things.changed then
    kong.service.request.set_raw_body(things:encode())
  end
end

function RequestTransformer:access(conf)
  local made = prepared(conf)
  local text_of = new_text_of(made)
  local query = Form.new(kong.request.get_raw_query())
  if made.path then
    kong.service.request.set_path(text_of(made.path))
    query:prepend(text_of(made.path_query))
  end
  if made.method then
    change_method(made, query)
  end
  rules.apply(made.headers, Headers.new(kong.request, kong.service.request), text_of)
  if not made.body.empty then
    change_body(made, text_of)
  end
  rules.apply(made.query, query, text_of)
  if query.changed then
    kong.service.request.set_raw_query(query:encode())
  end
end

return RequestTransformer
