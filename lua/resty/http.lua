-- resty.http: an HTTP/1.1 client over cosockets, with lua-resty-http's interface.
--
-- https is verified as cosockets are: by default, and by the policy that `ssl_verify` names
-- otherwise.
local bodies = require("weir.http.body")
local headers = require("resty.http_headers")
local meta = require("kong.meta")
local requests = require("weir.http.request")
local responses = require("weir.http.response")
local tcp = require("weir.ngx.socket.tcp")
local uris = require("weir.http.uri")

local http = { _VERSION = "0.17.2", _USER_AGENT = "weir/" .. meta.weir_version }
local Client = {}
Client.__index = Client

--- A client.
-- @treturn table|nil
function http.new()
  return setmetatable({ sock = tcp.new() }, Client)
end

--- Takes a URI apart.
-- @tparam string text
-- @tparam ?boolean query_in_path whether the query stays a part of the path; true
-- @treturn table|nil { scheme, host, port, path, query }
-- @treturn nil|string
function http.parse_uri(_, text, query_in_path)
  local parsed, err = uris.parse(text)
  if not parsed then
    return nil, err
  end
  local path, query = parsed.path, parsed.query
  if query_in_path ~= false and query ~= "" then
    path, query = path .. "?" .. query, ""
  end
  return { parsed.scheme, parsed.host, parsed.port, path, query }
end
Client.parse_uri = http.parse_uri

--- A time limit for each step, ms.
function Client:set_timeout(ms)
  self.sock:settimeout(ms)
end

--- Time limits for connecting, sending and receiving, ms.
function Client:set_timeouts(connect_ms, send_ms, read_ms)
  self.sock:settimeouts(connect_ms, send_ms, read_ms)
end

-- ---- connecting

-- connect(host, port, options) and connect("unix:PATH", options) as well as connect(options).
local function options_of(first, port, options)
  if type(first) == "table" then
    return first
  end
  local all = {}
  for key, value in pairs(type(port) == "table" and port or options or {}) do
    all[key] = value
  end
  all.host, all.port = first, type(port) ~= "table" and port or nil
  return all
end

-- A certificate is shown to the host that it was named for: the next connection of the same client
-- may lead elsewhere.
local function shake_hands(self, options)
  local ok, err = self.sock:setclientcert(options.ssl_client_cert, options.ssl_client_priv_key)
  if not ok then
    return nil, err
  end
  return self.sock:sslhandshake(nil, options.ssl_server_name, options.ssl_verify,
    options.ssl_send_status_req)
end

local function pool_of(scheme, host, port)
  return ("%s:%s:%s"):format(scheme or "http", host, port or "")
end

--- Connects, and shakes hands where the scheme is https.
-- @tparam table|string first options: scheme, host, port, pool, pool_size, ssl_verify,
--   ssl_server_name, ssl_client_cert, ssl_client_priv_key, ssl_send_status_req; or the host
-- @tparam ?number port
-- @tparam ?table more
-- @treturn boolean|nil
-- @treturn nil|string
function Client:connect(first, port, more)
  local options = options_of(first, port, more)
  local scheme, host = options.scheme, options.host
  if options.proxy_opts then
    return nil, "proxies are not supported"
  elseif scheme ~= nil and scheme ~= "http" and scheme ~= "https" then
    -- Taken for http, "HTTPS" would go out in the clear.
    return nil, ("'%s' is not a scheme: http or https"):format(tostring(scheme))
  end
  local is_unix = host:sub(1, 5) == "unix:"
  port = not is_unix and (options.port or (scheme == "https" and 443 or 80)) or nil
  local to = {
    pool = options.pool or pool_of(scheme, host, port), pool_size = options.pool_size,
  }
  local address = host:match("^%[(.*)%]$") or host
  self.kept, self.body_left = nil, false
  local ok, err
  if is_unix then
    ok, err = self.sock:connect(host, to)
  else
    ok, err = self.sock:connect(address, port, to)
  end
  if ok and scheme == "https" then
    ok, err = shake_hands(self, options)
  end
  if not ok then
    self.sock:close()
    return nil, err
  end
  self.authority = uris.authority(scheme, host, port)
  return true
end

--- The handshake alone, for who connected without a scheme.
function Client:ssl_handshake(session, server_name, verify, status)
  return self.sock:sslhandshake(session, server_name, verify, status)
end

function Client:get_reused_times()
  return self.sock:getreusedtimes()
end

--- Closes the connection.
function Client:close()
  return self.sock:close()
end

--- Keeps the connection for another request, if the last response allows it and was read.
-- @treturn number|nil 1; 2 when it was closed instead
-- @treturn nil|string
function Client:set_keepalive(...)
  if self.kept and not self.body_left then
    return self.sock:setkeepalive(...)
  end
  local ok, err = self.sock:close()
  if not ok then
    return nil, err
  end
  return 2, "connection must be closed"
end

-- ---- requests

-- As many as a number can count exactly.
local LENGTH_DIGITS = 15

-- A name with "_" stands for the one with "-" where nobody set that: what a client made up must not
-- take the place of what a plugin says.
local function put_fields(fields, given)
  local aliases = {}
  for name, value in pairs(given) do
    if tostring(name):find("_", 1, true) then
      aliases[name] = value
    else
      fields[name] = value
    end
  end
  for name, value in pairs(aliases) do
    if fields[name] == nil then
      fields[name] = value
    end
  end
end

local function fields_of(self, params)
  local fields = headers.new()
  put_fields(fields, params.headers or {})
  fields["Host"] = fields["Host"] or self.authority
  fields["User-Agent"] = fields["User-Agent"] or http._USER_AGENT
  if params.version == 1.0 then
    fields["Connection"] = fields["Connection"] or "Keep-Alive"
  end
  return fields
end

-- How the length of a body is said that comes in pieces.
local function frame_pieces(params, fields)
  local length = fields["Content-Length"]
  if length ~= nil then
    local text = tostring(length)
    if not text:find("^%d+$") or #text > LENGTH_DIGITS then
      return nil, "Content-Length is not a number of bytes"
    end
    fields["Transfer-Encoding"] = nil
  elseif params.version == 1.0 then
    return nil, "a body of unknown length needs HTTP/1.1"
  else
    fields["Transfer-Encoding"] = "chunked"
  end
  return params.body
end

-- Methods whose requests say that they have no body.
local SAY_NONE = { POST = true, PUT = true, PATCH = true }

-- A body as a text, or as a function that gives pieces. How its length is said follows from what
-- there is: headers that were passed on from another request tell of that one's body.
local function frame(params, fields)
  local body = params.body
  if type(body) == "function" then
    return frame_pieces(params, fields)
  elseif type(body) == "table" then
    body = table.concat(body)
  end
  local length = body and #body or SAY_NONE[params.method] and 0 or nil
  fields["Content-Length"], fields["Transfer-Encoding"] = length, nil
  return body or ""
end

-- Pieces go out as chunks, or as they are where the caller has said how many bytes they make up;
-- that they do is checked, since what follows would be taken for another request.
local function send_pieces(self, next_piece, length)
  local sent = 0
  while true do
    local piece, err = next_piece()
    if err then
      return nil, err
    elseif not piece or piece == "" then
      break
    end
    sent = sent + #piece
    if length and sent > length then
      break
    end
    local ok
    ok, err = self.sock:send(length and piece or { ("%x\r\n"):format(#piece), piece, "\r\n" })
    if not ok then
      return nil, err
    end
  end
  if length and sent ~= length then
    return nil, "the body is not as long as its Content-Length"
  end
  return length and true or self.sock:send("0\r\n\r\n")
end

local function send_body(self, body, fields)
  if type(body) == "function" then
    return send_pieces(self, body, tonumber(fields["Content-Length"]))
  end
  return body == "" or self.sock:send(body)
end

-- The head of the answer; interim ones are not it.
local function final_head(self, method)
  while true do
    local head, err = responses.head(self.sock, method)
    if not head or head.status >= 200 or head.status == 101 then
      return head, err
    end
  end
end

-- With Expect: 100-continue the body is sent when the peer asks for it; any other answer is the
-- final one.
local function await_go_ahead(self, method)
  local head, err = responses.head(self.sock, method)
  if head and head.status ~= 100 then
    head.kept = false -- the peer may still count on the body
    return nil, nil, head
  end
  return head ~= nil, err
end

local function exchange(self, params, fields, body)
  local text, err = requests.head(params, fields)
  if not text then
    return nil, err
  end
  local waits = body ~= "" and tostring(fields["Expect"]):lower() == "100-continue"
  local ok
  ok, err = self.sock:send(waits and text or { text, type(body) == "string" and body or "" })
  local early
  if ok and waits then
    ok, err, early = await_go_ahead(self, params.method)
  end
  if early then
    return early
  elseif ok and (waits or type(body) == "function") then
    ok, err = send_body(self, body, fields)
  end
  if not ok then
    return nil, err
  end
  return final_head(self, params.method)
end

local function result_of(self, head)
  self.kept = head.kept
  self.body_left = head.framing ~= "none"
  local reader = bodies.reader(self.sock, head, function()
    self.body_left = false
  end)
  return {
    status = head.status,
    reason = head.reason,
    headers = head.headers,
    has_body = head.framing ~= "none",
    body_reader = reader,
    read_body = function()
      return bodies.all(reader)
    end,
    read_trailers = function()
      return head.trailers
    end,
  }
end

--- Sends a request on the connection and reads the head of its response.
-- @tparam table params method (GET), path ("/"), query (text or table), headers, body (text, list
-- of texts, or a function that gives pieces), version (1.1)
-- @treturn table|nil { status, reason, headers, has_body, body_reader(most), read_body(),
-- read_trailers() }
-- @treturn nil|string
function Client:request(params)
  local what = {
    method = params.method or "GET", path = params.path or "/", query = params.query,
    version = params.version or 1.1, headers = params.headers, body = params.body,
  }
  local fields = fields_of(self, what)
  local body, err = frame(what, fields)
  if not body then
    return nil, err
  end
  self.kept, self.body_left = false, true
  local head
  head, err = exchange(self, what, fields, body)
  if not head then
    self.sock:close()
    return nil, err
  end
  return result_of(self, head)
end

-- The parameters of a request to a URI: those that the caller gave count more.
local function params_of(parsed, params)
  local all = {}
  for key, value in pairs(params or {}) do
    all[key] = value
  end
  all.path = all.path or parsed.path
  if all.query == nil and parsed.query ~= "" then
    all.query = parsed.query
  end
  all.scheme, all.host, all.port = parsed.scheme, parsed.host, parsed.port
  return all
end

--- A whole exchange with a URI: connects, asks, reads the body, keeps or closes the connection.
-- @tparam string uri
-- @tparam ?table params as for connect() and request(); keepalive (false: closes),
-- keepalive_timeout (ms), keepalive_pool (size)
-- @treturn table|nil { status, reason, headers, has_body, body }
-- @treturn nil|string
function Client:request_uri(uri, params)
  local parsed, err = uris.parse(uri)
  if not parsed then
    return nil, err
  end
  local all = params_of(parsed, params)
  local ok, res, body
  ok, err = self:connect(all)
  if not ok then
    return nil, err
  end
  res, err = self:request(all)
  if not res then
    return nil, err
  end
  body, err = res.read_body()
  if not body then
    self:close()
    return nil, err
  end
  res.body, res.body_reader, res.read_body = body, nil, nil
  if all.keepalive == false then
    self:close()
  else
    self:set_keepalive(all.keepalive_timeout, all.keepalive_pool)
  end
  return res
end

return http
