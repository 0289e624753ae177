-- Functions of ngx that answer the client instead of the upstream.
--
-- What ngx.say() and ngx.print() write is gathered and sent as a whole, when the phase ends or
-- ngx.exit() ends it: the client gets it with a Content-Length.
local abi = require("weir.abi")
local context = require("weir.ngx.context")
local headers = require("weir.pdk.headers")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local pieces = require("weir.ngx.pieces")
local wait = require("weir.wait")

local C = abi.C
local concat = table.concat
local type = type

local CONTENT = phase.set("rewrite", "access")
local EXIT = phase.set("rewrite", "access", "balancer", "response", "header_filter", "certificate",
  "timer")
-- Here it ends what calls it; elsewhere it returns.
local ENDING = phase.set("rewrite", "access", "response", "timer")
local OUTSIDE = phase.set("certificate", "timer")

local MOVED_TEMPORARILY = 302
local OK = 0
local FIRST_STATUS, FIRST_REDIRECT, FIRST_ERROR = 200, 300, 400
local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local answer = {}

local function checked(result)
  if result < 0 then
    error(native.problem(result), 3)
  end
end

-- ---- pieces

local function text_of(...)
  local parts = {}
  for i = 1, select("#", ...) do
    pieces.add(parts, (select(i, ...)), "print")
  end
  return parts
end

local function say(parts)
  local text = concat(parts)
  checked(C.weir_response_say(text, #text))
  return 1
end

--- Writes to the body of the answer.
-- @param ... texts, numbers, booleans, nil, or (nested) lists of these
-- @treturn number 1
function answer.print(...)
  context.check(CONTENT)
  return say(text_of(...))
end

--- Like print(), with a new line after it.
-- @tparam any ... as for print()
-- @treturn number 1
function answer.say(...)
  context.check(CONTENT)
  local parts = text_of(...)
  parts[#parts + 1] = "\n"
  return say(parts)
end

--- The request is answered by the plugin, whether or not it writes a body.
-- @treturn number 1
function answer.send_headers()
  context.check(CONTENT)
  return say({})
end

--- The answer is complete. What the phase does after it still happens before it is sent.
-- @treturn number 1
function answer.eof()
  context.check(CONTENT)
  return say({})
end

--- Does nothing: the answer is sent as a whole.
-- @treturn number 1
function answer.flush()
  context.check(CONTENT)
  return 1
end

-- ---- the end

-- nginx's pages are Kong's error bodies here; what is no error has an empty body.
local function make(status)
  if status >= FIRST_ERROR then
    return C.weir_response_error(status, nil, 0, -1)
  end
  return C.weir_response_exit(status, nil, 0, 0)
end

-- What was asked for is no status, or there is nobody who could get it.
local function leave(status)
  if phase.is(ENDING) and (status == OK or phase.is(OUTSIDE)) then
    wait.leave()
  elseif status ~= OK then
    error(("attempt to exit with status %d, which is no answer"):format(status), 3)
  end
end

--- Ends the phase. In rewrite and access the request is answered: with what was written, else by
-- `status`; in response, by `status`. Where nothing was written, ngx.OK ends the plugin's handler
-- alone. In header_filter and balancer the handler goes on, and ngx.OK changes nothing. In a timer,
-- any status ends it; in certificate, any but ngx.OK is an error, which refuses the client.
-- @tparam number status 200 or above, or ngx.OK; 444 closes the connection without an answer
function answer.exit(status)
  context.check(EXIT)
  if type(status) ~= "number" then
    error("bad argument #1 to 'exit' (number expected, got " .. type(status) .. ")", 2)
  end
  local said = phase.is(CONTENT) and C.weir_response_said() == 1
  if not said and (status < FIRST_STATUS or phase.is(OUTSIDE)) then
    leave(status)
    return
  end
  if not said or status >= FIRST_REDIRECT then
    checked(make(status))
  end
  if phase.is(ENDING) then
    wait.exit()
  end
end

--- Sends the client elsewhere, and ends the phase.
-- @tparam string uri
-- @tparam ?number status 301, 302 (if nil), 303, 307 or 308
function answer.redirect(uri, status)
  context.check(CONTENT)
  if type(uri) ~= "string" then
    error(("bad argument #1 to 'redirect' (string expected, got %s)"):format(type(uri)), 2)
  elseif not REDIRECTS[status or MOVED_TEMPORARILY] then
    error("only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, "
      .. "ngx.HTTP_PERMANENT_REDIRECT, ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are "
      .. "allowed", 2)
  end
  headers.set(C.WEIR_HEADERS_RESPONSE, "Location", uri)
  checked(C.weir_response_exit(status or MOVED_TEMPORARILY, nil, 0, 0))
  wait.exit()
end

--- Whether the client has got the head of a response, or will get that of a plugin's.
-- @treturn boolean
function answer.headers_sent()
  return native.number(C.WEIR_RESPONSE_SENT) == 1 or C.weir_response_said() == 1
end

return answer
