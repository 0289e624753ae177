-- kong.response: what goes to the client.
local ffi = require("ffi")
local clear = require("table.clear")
local cjson = require("kong.tools.cjson")
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local headers = require("weir.pdk.headers")
local limit = require("weir.pdk.limit")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local wait = require("weir.wait")

local C = abi.C
local check, RESPONSE, HEAD = phase.check, phase.RESPONSE, phase.HEAD
local BODY_FILTER = phase.set("body_filter")
local ENDING = phase.set("rewrite", "access", "balancer", "response")
local type = type

local CLIENT = C.WEIR_HEADERS_RESPONSE

local MIN_STATUS, MAX_STATUS, MIN_ERROR = 100, 599, 400

-- enum page_type, by the media types that error bodies are made in.
local PAGE_TYPES = {
  ["application/json"] = 0, ["text/html"] = 1, ["text/plain"] = 2, ["application/xml"] = 3,
  ["text/xml"] = 3,
}
local BY_ACCEPT = -1

local WARN = 4 -- enum log_level
local FRAMING = "transfer-encoding"
local IGNORED = "manually setting Transfer-Encoding. Ignored."

local SOURCES = { "service", "exit", "error" }

local response = {}

local function check_unsent()
  if native.number(C.WEIR_RESPONSE_SENT) == 1 then
    error("headers have already been sent", 3)
  end
end

-- ---- reading

--- The status.
-- @treturn number|nil
function response.get_status()
  check(RESPONSE)
  return native.number(C.WEIR_RESPONSE_STATUS)
end

--- The first value of a field.
-- @tparam string name in any case; "-" and "_" are the same
-- @treturn string|nil
function response.get_header(name)
  check(RESPONSE)
  if type(name) ~= "string" then
    error("header name must be a string", 2)
  end
  return native.header(CLIENT, name)
end

--- All fields.
-- @tparam ?number max_headers between 1 and 1000, 100 by default
-- @treturn table name -> value, or list of values
-- @treturn nil|string "truncated"
function response.get_headers(max_headers)
  check(RESPONSE)
  max_headers = limit.of(max_headers, "max_headers")
  return headers.read(CLIENT, max_headers)
end

--- Where the response comes from.
-- @treturn string "service" (it was proxied), "exit" (a plugin made it) or "error"
function response.get_source()
  check(RESPONSE)
  return SOURCES[native.number(C.WEIR_RESPONSE_SOURCE) or 0] or "error"
end

-- ---- changing the head

local function check_status(status, min)
  if type(status) ~= "number" then
    error("code must be a number", 3)
  elseif status < min or status > MAX_STATUS or status % 1 ~= 0 then
    error(("code must be a number between %d and %d"):format(min, MAX_STATUS), 3)
  end
end

--- Replaces the status.
-- @tparam number status 100 to 599
function response.set_status(status)
  check(HEAD)
  check_unsent()
  check_status(status, MIN_STATUS)
  local result = C.weir_response_set_status(status)
  if result < 0 then
    error(native.problem(result), 2)
  end
end

-- How a message is framed is the core's matter.
local function is_framing(name)
  if #name == #FRAMING and name:lower() == FRAMING then
    C.weir_log(WARN, IGNORED, #IGNORED)
    return true
  end
  return false
end

--- Replaces a field.
-- @tparam string name
-- @tparam string|number|boolean|table value a list makes several fields
function response.set_header(name, value)
  check(HEAD)
  headers.check_name(name)
  headers.check_value(name, value)
  if not is_framing(name) then
    headers.set(CLIENT, name, value)
  end
end

--- Adds a field and leaves those of its name.
-- @tparam string name
-- @tparam string|number|boolean|table value a list makes several fields
function response.add_header(name, value)
  check(HEAD)
  headers.check_name(name)
  headers.check_value(name, value)
  if not is_framing(name) then
    headers.add(CLIENT, name, value)
  end
end

--- Removes all fields of a name.
-- @tparam string name
function response.clear_header(name)
  check(HEAD)
  headers.check_name(name)
  headers.clear(CLIENT, name)
end

local function set_all(all)
  for name, value in pairs(all) do
    if not is_framing(name) then
      headers.set(CLIENT, name, value)
    end
  end
end

--- Replaces the fields that are named, and leaves the others.
-- @tparam table all name -> value or list of values
function response.set_headers(all)
  check(HEAD)
  check_unsent()
  headers.check_all(all)
  set_all(all)
end

-- ---- body_filter

local piece = ffi.new("struct weir_str")
local last = ffi.new("int[1]")

-- The key of the request's table of withheld pieces. All plugins share it: what one withholds, the
-- next sees as empty.
local WITHHELD = {}

--- The body, when its last piece has come. Until then nil, and the pieces are withheld.
-- @treturn string|nil
function response.get_raw_body()
  check(BODY_FILTER)
  if C.weir_chunk_get(piece, last) < 0 then
    return nil
  end
  local text = ffi.string(piece.p, piece.n)
  local withheld = current.ctx(WITHHELD)
  if last[0] ~= 1 then
    withheld[#withheld + 1] = text
    C.weir_chunk_set("", 0)
    return nil
  end
  if withheld[1] then
    withheld[#withheld + 1] = text
    text = table.concat(withheld)
    clear(withheld)
    C.weir_chunk_set(text, #text)
  end
  return text
end

--- Replaces the whole body: what comes after it is dropped.
-- @tparam string body
function response.set_raw_body(body)
  check(BODY_FILTER)
  if type(body) ~= "string" then
    error("body must be a string", 2)
  end
  -- An empty piece would withhold the end of the body.
  local text = body == "" and "\n" or body
  C.weir_chunk_set(text, #text)
  C.weir_chunk_set_last(1)
end

-- ---- answering

-- The stored answer ends the phase: before the request is sent no later handler runs, and no pcall
-- of the plugin can stop that. Later phases go on, and what they see is the new answer.
local function finish()
  if phase.is(ENDING) then
    wait.exit()
  end
end

local function body_text(body)
  if type(body) ~= "table" then
    return body, nil
  end
  local text, err = cjson.encode(body)
  if not text then
    error("body encoding failed while serializing: " .. tostring(err), 3)
  end
  return text, "application/json; charset=utf-8"
end

local function content_type_of(all)
  for name, value in pairs(all or {}) do
    if name:lower():gsub("_", "-") == "content-type" then
      return value
    end
  end
end

--- Answers the request. In rewrite, access, balancer and response it does not return.
-- @tparam number status 100 to 599
-- @tparam ?string|table body a table is sent as JSON
-- @tparam ?table all header fields
-- @usage
-- return kong.response.exit(403, { message = "not allowed" }, { ["Retry-After"] = "60" })
function response.exit(status, body, all)
  check(HEAD)
  check_unsent()
  check_status(status, MIN_STATUS)
  if body ~= nil and type(body) ~= "string" and type(body) ~= "table" then
    error("body must be a nil, string or table", 2)
  elseif all ~= nil and type(all) ~= "table" then
    error("headers must be a nil or table", 2)
  end
  local text, content_type = body_text(body)
  if all then
    headers.check_all(all)
    set_all(all)
  end
  if content_type and not content_type_of(all) then
    headers.set(CLIENT, "Content-Type", content_type)
  end
  local result = C.weir_response_exit(status, text, text and #text or 0, text and 1 or 0)
  if result < 0 then
    error(native.problem(result), 2)
  end
  finish()
end

-- The form of an error body: what the plugin's Content-Type says, else what the client accepts.
local function page_type(all)
  local content_type = content_type_of(all)
  local mime = type(content_type) == "string" and content_type:lower():match("^%s*([^;%s]*)")
  return PAGE_TYPES[mime] or BY_ACCEPT
end

--- Answers with an error body in the form that the client accepts.
-- @tparam number status 400 to 599
-- @tparam ?string|table message by default Kong's text for the status; a table is sent as JSON
-- @tparam ?table all header fields; Content-Type chooses the form
function response.error(status, message, all)
  check(HEAD)
  check_unsent()
  check_status(status, MIN_ERROR)
  if message ~= nil and type(message) ~= "string" and type(message) ~= "table" then
    error("message must be a nil, a string or a table", 2)
  elseif all ~= nil and type(all) ~= "table" then
    error("headers must be a nil or table", 2)
  end
  if type(message) == "table" then
    return response.exit(status, message, all)
  end
  if all then
    headers.check_all(all)
    set_all(all)
  end
  local result = C.weir_response_error(status, message, message and #message or 0, page_type(all))
  if result < 0 then
    error(native.problem(result), 2)
  end
  finish()
end

return response
