-- Changes responses before they go to the client: headers, and the members of JSON objects.

local Headers = require("kong.plugins.request-transformer.headers")
local JsonObject = require("kong.plugins.request-transformer.json_object")
local memo = require("kong.plugins.request-transformer.memo")
local rules = require("kong.plugins.request-transformer.rules")
local json_value = require("kong.plugins.response-transformer.json_value")

local ResponseTransformer = { PRIORITY = 800, VERSION = require("kong.meta").version }

-- Operations whose values are JSON; those of rename are names.
local WRITES = { replace = true, add = true, append = true }

local prepared = memo(function(conf)
  local function encode(value, operation, number)
    return WRITES[operation] and json_value(value, conf[operation].json_types[number]) or value
  end
  return { headers = rules.of(conf, "headers"), json = rules.of(conf, "json", encode) }
end)

local function is_json(content_type)
  local mime = content_type and content_type:lower():match("^%s*([^;%s]*)") or ""
  return mime == "application/json" or mime:find("^application/.*%+json$") ~= nil
end

-- Bodies that nobody transforms keep their lengths.
function ResponseTransformer:phases(conf)
  local made = prepared(conf)
  return {
    header_filter = not (made.headers.empty and made.json.empty),
    body_filter = not made.json.empty,
  }
end

function ResponseTransformer:header_filter(conf)
  local made = prepared(conf)
  rules.apply(made.headers, Headers.new(kong.response, kong.response))
  if not made.json.empty and is_json(kong.response.get_header("content-type")) then
    kong.response.clear_header("content-length")
    kong.ctx.plugin.transforms = true
  end
end

-- A body that is empty (of HEAD, of 304) stays empty; one that is no JSON object stays as it is.
function ResponseTransformer:body_filter(conf)
  local text = kong.ctx.plugin.transforms and kong.response.get_raw_body()
  if not text or text == "" then
    return
  end
  local object = JsonObject.new(text)
  if not object then
    kong.log.warn("body transform failed: it is not a JSON object")
    return
  end
  rules.apply(prepared(conf).json, object)
  if object.changed then
    kong.response.set_raw_body(object:encode())
  end
end

return ResponseTransformer
