-- kong.tools.http.
local abi = require("weir.abi")
local arguments = require("weir.pdk.arguments")
local headers = require("weir.pdk.headers")
local mime_type = require("kong.tools.mime_type")
local native = require("weir.pdk.native")
local time = require("weir.ngx.time")

local C = abi.C

local http = {}

-- Adds what stands for one value; "[key]" follows the name for each table on the way.
local function add(parts, name, value, escape, plain_lists)
  if type(value) == "table" then
    for key, item in pairs(value) do
      key = plain_lists and type(key) == "number" and "" or tostring(key)
      add(parts, ("%s[%s]"):format(name, key), item, escape, plain_lists)
    end
  elseif value == true then
    parts[#parts + 1] = escape(name)
  else
    parts[#parts + 1] = escape(name) .. "=" .. escape(tostring(value))
  end
end

local function as_it_is(text)
  return text
end

--- A query string of values and tables in tables, sorted.
-- @tparam table args
-- @tparam ?boolean raw leaves out percent-encoding
-- @tparam ?boolean plain_lists writes "a[]" instead of "a[1]"
-- @treturn string
function http.encode_args(args, raw, plain_lists)
  local parts = {}
  for name, value in pairs(args) do
    add(parts, tostring(name), value, raw and as_it_is or arguments.escape, plain_lists)
  end
  table.sort(parts)
  return table.concat(parts, "&")
end

local DEFAULT_TYPE = "application/json; charset=utf-8"

-- Media type -> what Kong answers in.
local ANSWERS = {
  ["application/json"] = DEFAULT_TYPE, ["text/html"] = "text/html; charset=utf-8",
  ["text/plain"] = "text/plain; charset=utf-8", ["application/xml"] =
    "application/xml; charset=utf-8", ["application/grpc"] = "application/grpc",
}

--- The form that an answer of the gateway has for a media type.
-- @tparam string content_type
-- @tparam ?boolean use_default true if nil: JSON where there is no such form
-- @treturn string|nil
function http.get_mime_type(content_type, use_default)
  local kind, subtype = mime_type.parse_mime_type(content_type)
  local answer = kind and ANSWERS[kind .. "/" .. subtype]
  return answer or (use_default ~= false and DEFAULT_TYPE or nil)
end

--- Whether the client speaks TLS, with us or with a proxy in front of us.
-- @tparam boolean trusted whether X-Forwarded-Proto may be believed
-- @tparam boolean allow_terminated whether it counts
-- @treturn boolean
function http.check_https(trusted, allow_terminated)
  if native.number(C.WEIR_REQUEST_IS_TLS) == 1 then
    return true
  elseif not allow_terminated or not trusted then
    return false
  end
  local forwarded = native.header(C.WEIR_HEADERS_REQUEST, "x-forwarded-proto")
  return forwarded ~= nil and forwarded:lower() == "https"
end

--- The directives of a header field like Cache-Control.
-- @param value text; nil and what is none have no directives
-- @treturn table name in lower case -> text, number or true
function http.parse_directive_header(value)
  local directives = {}
  if type(value) ~= "string" then
    return directives
  end
  for piece in value:gmatch("[^,]+") do
    local name, argument = piece:match('^%s*([^=%s]+)%s*=?%s*"?([^"]-)"?%s*$')
    if name then
      directives[name:lower()] = argument == "" or tonumber(argument) or argument
    end
  end
  return directives
end

-- The last value of a field of the response.
local function last_value(name)
  local values = headers.values(C.WEIR_HEADERS_RESPONSE, name)
  return type(values) == "table" and values[#values] or values
end

--- How long a response may be kept.
-- @tparam table directives of its Cache-Control, from parse_directive_header()
-- @treturn number seconds; by Expires where there are no such directives, 0 where nothing is said
function http.calculate_resource_ttl(directives)
  local ttl = tonumber(directives["s-maxage"]) or tonumber(directives["max-age"])
  if not ttl then
    local expires = time.parse_http_time(last_value("expires") or "")
    ttl = expires and expires - time.time() or 0
  end
  return math.max(ttl, 0)
end

local function name_check(what)
  return function(name)
    if name == nil or name == "" then
      return nil, ("no %s name provided"):format(what)
    elseif name:find("^[%w!#$%%&'*+.^_`|~-]+$") then
      return name
    end
    return nil, ("bad %s name '%s', allowed characters are A-Z, a-z, 0-9, '_', and '-'"):format(
      what, name)
  end
end

--- Whether a text may be the name of a header field.
-- @treturn string|nil the name
-- @treturn nil|string why not
http.validate_header_name = name_check("header")

--- The same of a cookie.
http.validate_cookie_name = name_check("cookie")

return http
