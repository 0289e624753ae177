---@meta
-- Written by `make reference`: see lua/weir/pdk/README.md.

---@class ngx
---@field arg any[]
---@field ctx table<string, any>
---@field headers_sent boolean
---@field null userdata
---@field shared table<string, ngx.shared.DICT>
---@field status integer
---@field AGAIN number
---@field ALERT number
---@field CRIT number
---@field DEBUG number
---@field DECLINED number
---@field DONE number
---@field EMERG number
---@field ERR number
---@field ERROR number
---@field HTTP_ACCEPTED number
---@field HTTP_BAD_GATEWAY number
---@field HTTP_BAD_REQUEST number
---@field HTTP_CLOSE number
---@field HTTP_CONFLICT number
---@field HTTP_CONTINUE number
---@field HTTP_COPY number
---@field HTTP_CREATED number
---@field HTTP_DELETE number
---@field HTTP_FORBIDDEN number
---@field HTTP_GATEWAY_TIMEOUT number
---@field HTTP_GET number
---@field HTTP_GONE number
---@field HTTP_HEAD number
---@field HTTP_ILLEGAL number
---@field HTTP_INSUFFICIENT_STORAGE number
---@field HTTP_INTERNAL_SERVER_ERROR number
---@field HTTP_LOCK number
---@field HTTP_METHOD_NOT_IMPLEMENTED number
---@field HTTP_MKCOL number
---@field HTTP_MOVE number
---@field HTTP_MOVED_PERMANENTLY number
---@field HTTP_MOVED_TEMPORARILY number
---@field HTTP_NOT_ACCEPTABLE number
---@field HTTP_NOT_ALLOWED number
---@field HTTP_NOT_FOUND number
---@field HTTP_NOT_MODIFIED number
---@field HTTP_NO_CONTENT number
---@field HTTP_OK number
---@field HTTP_OPTIONS number
---@field HTTP_PARTIAL_CONTENT number
---@field HTTP_PATCH number
---@field HTTP_PAYMENT_REQUIRED number
---@field HTTP_PERMANENT_REDIRECT number
---@field HTTP_POST number
---@field HTTP_PROPFIND number
---@field HTTP_PROPPATCH number
---@field HTTP_PUT number
---@field HTTP_REQUEST_TIMEOUT number
---@field HTTP_SEE_OTHER number
---@field HTTP_SERVICE_UNAVAILABLE number
---@field HTTP_SPECIAL_RESPONSE number
---@field HTTP_SWITCHING_PROTOCOLS number
---@field HTTP_TEMPORARY_REDIRECT number
---@field HTTP_TOO_MANY_REQUESTS number
---@field HTTP_TRACE number
---@field HTTP_UNAUTHORIZED number
---@field HTTP_UNLOCK number
---@field HTTP_UPGRADE_REQUIRED number
---@field HTTP_VERSION_NOT_SUPPORTED number
---@field INFO number
---@field NOTICE number
---@field OK number
---@field STDERR number
---@field WARN number
---@field is_subrequest boolean
ngx = {}

--- A time for a cookie, "Thu, 18-Nov-10 11:27:35 GMT".
---@param seconds number since the epoch
---@return string
function ngx.cookie_time(seconds) end

--- CRC-32 as of Ethernet and zip.
---@param text string
---@return number # 0 to 4294967295
function ngx.crc32_long(text) end

--- CRC-32 as of Ethernet and zip.
---@param text string
---@return number # 0 to 4294967295
function ngx.crc32_short(text) end

--- The arguments of a query string.
---@param text string
---@param max? number 100 if nil; 0: all
---@return table
---@return nil|string # "truncated"
function ngx.decode_args(text, max) end

--- Decodes, with or without padding.
---@param text string
---@return string|nil # nil when it is no base64
function ngx.decode_base64(text) end

--- A query string, sorted by name.
---@param args table name -> string, number, boolean or a list of these
---@return string
function ngx.encode_args(args) end

--- Encodes bytes.
---@param text string
---@param no_padding? boolean
---@return string
function ngx.encode_base64(text, no_padding) end

--- The answer is complete. What the phase does after it still happens before it is sent.
---
--- Phases: rewrite, access
---@return number # 1
function ngx.eof() end

--- Percent-encodes.
---@param text string
---@param kind? number 2 (nil): a component, all but unreserved characters; 0: a whole URI, what cannot stand in one
---@return string
function ngx.escape_uri(text, kind) end

--- Ends the phase. In rewrite and access the request is answered: with what was written, else by
--- `status`; in response, by `status`. Where nothing was written, ngx.OK ends the plugin's handler
--- alone. In header_filter and balancer the handler goes on, and ngx.OK changes nothing. In a timer,
--- any status ends it; in certificate, any but ngx.OK is an error, which refuses the client.
---
--- Phases: certificate, rewrite, access, balancer, response, header_filter, timer
---@param status number 200 or above, or ngx.OK; 444 closes the connection without an answer
function ngx.exit(status) end

--- Does nothing: the answer is sent as a whole.
---
--- Phases: rewrite, access
---@return number # 1
function ngx.flush() end

--- The name of the phase.
---@return string
function ngx.get_phase() end

--- HMAC with SHA-1, 20 bytes.
---@param key string
---@param text string
---@return string
function ngx.hmac_sha1(key, text) end

--- A time as HTTP has it, "Thu, 18 Nov 2010 11:27:35 GMT".
---@param seconds number since the epoch
---@return string
function ngx.http_time(seconds) end

--- The local time, "2026-01-31 12:00:00".
---@return string
function ngx.localtime() end

--- Writes to the error log.
---@param level number ngx.STDERR to ngx.DEBUG
---@param ... any values
function ngx.log(level, ...) end

--- MD5 in hexadecimal digits.
---@param text string
---@return string
function ngx.md5(text) end

--- MD5, 16 bytes.
---@param text string
---@return string
function ngx.md5_bin(text) end

--- Seconds since the epoch, with milliseconds.
---@return number
function ngx.now() end

--- Reads a time as HTTP has it.
---@param text string
---@return number|nil # seconds since the epoch
function ngx.parse_http_time(text) end

--- Writes to the body of the answer.
---
--- Phases: rewrite, access
---@param ... any texts, numbers, booleans, nil, or (nested) lists of these
---@return number # 1
function ngx.print(...) end

--- A text as a literal of MySQL's SQL.
---@param text string
---@return string
function ngx.quote_sql_str(text) end

--- Sends the client elsewhere, and ends the phase.
---
--- Phases: rewrite, access
---@param uri string
---@param status? number 301, 302 (if nil), 303, 307 or 308
function ngx.redirect(uri, status) end

--- Like print(), with a new line after it.
---
--- Phases: rewrite, access
---@param ... any as for print()
---@return number # 1
function ngx.say(...) end

--- The request is answered by the plugin, whether or not it writes a body.
---
--- Phases: rewrite, access
---@return number # 1
function ngx.send_headers() end

--- SHA-1, 20 bytes.
---@param text string
---@return string
function ngx.sha1_bin(text) end

--- Lets time pass.
---@param seconds number
function ngx.sleep(seconds) end

--- Seconds since the epoch.
---@return number
function ngx.time() end

--- The local day, "2026-01-31".
---@return string
function ngx.today() end

--- Undoes percent-encoding, and "+" for a space. What is not well-formed stays as it is.
---@param text string
---@return string
function ngx.unescape_uri(text) end

--- Nothing to do: time is never cached.
function ngx.update_time() end

--- The time in UTC, "2026-01-31 12:00:00".
---@return string
function ngx.utctime() end

---@class ngx.config
---@field debug boolean
---@field nginx_version number
---@field ngx_lua_version number
---@field subsystem string
ngx.config = {}

--- The options that nginx was compiled with.
---@return string # ""
function ngx.config.nginx_configure() end

--- Where nginx is installed: weir is not nginx.
---@return string # ""
function ngx.config.prefix() end

---@class ngx.header: table<string, string|string[]|nil>
ngx.header = {}

---@class ngx.re
ngx.re = {}

--- Where the first match, or a group of it, lies.
---@param nth? number group; 0 or nil: the match as a whole
---@param subject string
---@param regex string
---@param options? string as for match()
---@param ctx? table as for match()
---@return number|nil # first byte
---@return number|nil # last byte
---@return nil|string
function ngx.re.find(nth, subject, regex, options, ctx) end

--- An iterator over the matches.
---@param subject string
---@param regex string
---@param options? string as for match()
---@return function|nil # returns captures, nil at the end, or nil and what went wrong
---@return nil|string
function ngx.re.gmatch(subject, regex, options) end

--- Replaces all matches.
---@param subject string
---@param regex string
---@param replace string|function as for sub()
---@param options? string
---@return string|nil
---@return number|nil # how many were replaced
---@return nil|string
function ngx.re.gsub(subject, regex, replace, options) end

--- The first match.
---@param subject string
---@param regex string
---@param options? string of "adijmosuxDJU"
---@param ctx? table `pos` is where to begin, and where the match ended afterwards
---@param res? table to be filled instead of a new table
---@return table|nil # captures
---@return nil|string
function ngx.re.match(subject, regex, options, ctx, res) end

--- Replaces the first match.
---@param subject string
---@param regex string
---@param replace string|function a text in which $0, $1, ${1} stand for groups and $$ for "$"; or a function of the captures
---@param options? string
---@return string|nil
---@return number|nil # how many were replaced
---@return nil|string
function ngx.re.sub(subject, regex, replace, options) end

---@class ngx.req
ngx.req = {}

---
---
--- Phases: rewrite, access, balancer
---@param piece string
function ngx.req.append_body(piece) end

--- Removes a field.
---
--- Phases: rewrite, access, balancer
---@param name string
function ngx.req.clear_header(name) end

--- The upstream gets no body.
---
--- Phases: rewrite, access, balancer
function ngx.req.discard_body() end

--- Replaces the body by what was built.
---
--- Phases: rewrite, access, balancer
function ngx.req.finish_body() end

--- The body that was read.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max? number bytes of it
---@return string|nil # nil when there is none, it was not read, or does not fit into memory
function ngx.req.get_body_data(max) end

--- Bodies are never in files.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return nil
function ngx.req.get_body_file() end

--- All fields.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max? number 100 if nil; 0: as many as there may be
---@param raw? boolean names as they were sent
---@return table
---@return nil|string # "truncated"
function ngx.req.get_headers(max, raw) end

--- The method, as it goes upstream.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
function ngx.req.get_method() end

--- The arguments of a form that was read.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max? number as for get_uri_args()
function ngx.req.get_post_args(max) end

--- The arguments of the query, as it goes upstream.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max? number 100 if nil; 0: all
---@return table
---@return nil|string # "truncated"
function ngx.req.get_query_args(max) end

--- The arguments of the query, as it goes upstream.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max? number 100 if nil; 0: all
---@return table
---@return nil|string # "truncated"
function ngx.req.get_uri_args(max) end

--- 1.0 or 1.1.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
function ngx.req.http_version() end

--- Begins a body that append_body() builds.
---
--- Phases: rewrite, access, balancer
function ngx.req.init_body() end

--- No request of weir's is one.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
function ngx.req.is_internal() end

--- The head as text.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param without_line? boolean leaves the request line out
---@return string
function ngx.req.raw_header(without_line) end

--- Waits for the body.
---
--- Phases: rewrite, access, response
function ngx.req.read_body() end

--- Replaces the body.
---
--- Phases: rewrite, access, balancer
---@param data string
function ngx.req.set_body_data(data) end

--- Replaces a field; nil removes it.
---
--- Phases: rewrite, access, balancer
---@param name string
---@param value any string, number, or a list of these
function ngx.req.set_header(name, value) end

---
---
--- Phases: rewrite, access, balancer
---@param method number ngx.HTTP_GET and its siblings
function ngx.req.set_method(method) end

--- The path that goes upstream.
---
--- Phases: rewrite, access, balancer
---@param path string unescaped
function ngx.req.set_uri(path) end

--- The query that goes upstream.
---
--- Phases: rewrite, access, balancer
---@param args string|number|table as it is, or for encode_args()
function ngx.req.set_uri_args(args) end

--- When the request began, in seconds since the epoch.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
function ngx.req.start_time() end

---@class ngx.resp
ngx.resp = {}

--- Adds a field.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param name string
---@param value any string, number, or a list of these
function ngx.resp.add_header(name, value) end

--- All fields.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max? number 100 if nil; 0: as many as there may be
---@param raw? boolean names as they are sent
---@return table
---@return nil|string # "truncated"
function ngx.resp.get_headers(max, raw) end

---@class ngx.socket
ngx.socket = {}

--- A TCP socket that is connected.
---@param ... any as for connect() of a socket
---@return ngx.socket.TCP|nil
---@return nil|string
function ngx.socket.connect(...) end

--- A socket of the request or timer that runs, which closes it when it ends.
---@return ngx.socket.TCP
function ngx.socket.stream() end

--- A socket of the request or timer that runs, which closes it when it ends.
---@return ngx.socket.TCP
function ngx.socket.tcp() end

--- A socket of the request or timer that runs, which closes it when it ends.
---@return ngx.socket.UDP
function ngx.socket.udp() end

---@class ngx.thread
ngx.thread = {}

--- Ends a thread that waits.
---@param co thread
---@return boolean|nil
---@return nil|string
function ngx.thread.kill(co) end

--- Runs a function beside the caller: at once until it waits, then whenever it can go on.
---@param f function
---@param ... any its arguments
---@return thread
function ngx.thread.spawn(f, ...) end

--- Waits for the first of some threads to end.
---@param ... any threads that the caller spawned
---@return boolean|nil # true, or false if it failed
---@return any # what the thread returned, or its error
function ngx.thread.wait(...) end

---@class ngx.timer
ngx.timer = {}

--- Calls a function once.
---@param delay number seconds
---@param callback function
---@param ... any its arguments, after `premature`
---@return number|nil # 1
---@return nil|string
function ngx.timer.at(delay, callback, ...) end

--- Calls a function again and again, whether or not the call before is over.
---@param delay number seconds
---@param callback function
---@param ... any its arguments, after `premature`
---@return number|nil # 1
---@return nil|string
function ngx.timer.every(delay, callback, ...) end

--- How many wait for their time.
---@return number
function ngx.timer.pending_count() end

--- How many run.
---@return number
function ngx.timer.running_count() end

---@class ngx.var: table<string, string|number|nil>
ngx.var = {}

---@class ngx.worker
ngx.worker = {}

--- How many workers there are.
---@return number
function ngx.worker.count() end

--- Whether it drains: no new connections come.
---@return boolean
function ngx.worker.exiting() end

--- The worker's number, from 0; nil outside of workers.
---@return number|nil
function ngx.worker.id() end

--- The process. Workers are threads of one.
---@return number
function ngx.worker.pid() end

--- The process of each worker.
---@return number[]
function ngx.worker.pids() end

---@class ngx.shared.DICT
local DICT = {}

--- Like set(), for a key that is not there ("exists").
---@param key string
---@param value string|number|boolean|nil
---@param exptime? number seconds; 0 or nil: no end
---@param flags? number any 32 bits
---@return boolean|nil
---@return nil|string # what is wrong
---@return boolean # whether values went before their time
function DICT:add(key, value, exptime, flags) end

--- Bytes that it may take.
---@return number
function DICT:capacity() end

--- Takes a key away.
---@param key string
---@return boolean|nil
---@return nil|string
function DICT:delete(key) end

--- Sets how many seconds a value has left; 0: no end.
---@param key string
---@param exptime number
---@return true|nil
---@return nil|string # "not found"
function DICT:expire(key, exptime) end

--- The time of all values is over.
function DICT:flush_all() end

--- Frees the memory of values whose time is over.
---@param max? number how many; 0 or nil: all
---@return number # how many there were
function DICT:flush_expired(max) end

--- Bytes that it could still take. OpenResty counts whole pages.
---@return number
function DICT:free_space() end

--- A value.
---@param key string
---@return string|number|boolean|nil
---@return number|string|nil # flags, if they are not 0; what is wrong
function DICT:get(key) end

--- Keys.
---@param max? number 1024 if nil; 0: all
---@return string[]
function DICT:get_keys(max) end

--- A value, also one whose time is over.
---@param key string
---@return string|number|boolean|nil
---@return number|string|nil # flags, if they are not 0; what is wrong
---@return boolean|nil # whether its time is over
function DICT:get_stale(key) end

--- Adds to a number.
---@param key any
---@param value number
---@param init? number what a key that is not there begins with
---@param init_ttl? number seconds that a new key lasts
---@return number|nil # the sum
---@return nil|string # "not found", "not a number", "no memory"
---@return boolean|nil # with `init`: whether values went before their time
function DICT:incr(key, value, init, init_ttl) end

--- How long a list is, 0 when it is not there.
---@param key string
---@return number|nil
---@return nil|string # "value not a list"
function DICT:llen(key) end

--- Takes the first value of a list.
---@param key string
---@return string|number|nil
---@return nil|string # "value not a list"
function DICT:lpop(key) end

--- Puts a string or number before a list, which is made if it is not there. Nothing goes for it.
---@param key string
---@param value string|number
---@return number|nil # how long the list is
---@return nil|string # "value not a list", "no memory"
function DICT:lpush(key, value) end

--- Like set(), for a key that is there ("not found").
---@param key string
---@param value string|number|boolean|nil
---@param exptime? number seconds; 0 or nil: no end
---@param flags? number any 32 bits
---@return boolean|nil
---@return nil|string # what is wrong
---@return boolean # whether values went before their time
function DICT:replace(key, value, exptime, flags) end

--- Takes the last value of a list.
---@param key string
---@return string|number|nil
---@return nil|string # "value not a list"
function DICT:rpop(key) end

--- Puts a string or number behind a list.
---@param key string
---@param value string|number
---@return number|nil # how long the list is
---@return nil|string # "value not a list", "no memory"
function DICT:rpush(key, value) end

--- Like add(), but nothing goes before its time.
---@param key string
---@param value string|number|boolean|nil
---@param exptime? number seconds; 0 or nil: no end
---@param flags? number any 32 bits
---@return boolean|nil
---@return nil|string # what is wrong
---@return boolean # whether values went before their time
function DICT:safe_add(key, value, exptime, flags) end

--- Like set(), but nothing goes before its time.
---@param key string
---@param value string|number|boolean|nil
---@param exptime? number seconds; 0 or nil: no end
---@param flags? number any 32 bits
---@return boolean|nil
---@return nil|string # what is wrong
---@return boolean # whether values went before their time
function DICT:safe_set(key, value, exptime, flags) end

--- Puts a value in, whatever has to go for it.
---@param key any
---@param value any string, number, boolean, or nil, which takes the key away
---@param exptime? number seconds; 0 or nil: no end
---@param flags? number any 32 bits
---@return boolean|nil
---@return nil|string # "no memory"
---@return boolean # whether values went before their time
function DICT:set(key, value, exptime, flags) end

--- How many seconds a value has left, 0 when it has no end.
---@param key string
---@return number|nil
---@return nil|string # "not found"
function DICT:ttl(key) end

---@class ngx.socket.TCP
local TCP = {}

--- Closes it.
---@return number|nil # 1
---@return nil|string # "closed"
function TCP:close() end

--- Connects, or takes an idle connection of the same pool.
---@param host string name, address, or "unix:PATH" (then without a port)
---@param port number
---@param options? table pool: name of the pool, by default where it connects to; pool_size
---@return number|nil # 1
---@return nil|string
function TCP:connect(host, port, options) end

--- How often the connection came out of the pool.
---@return number|nil
---@return nil|string # "closed"
function TCP:getreusedtimes() end

--- Receives so many bytes, a line ("*l", the default) or everything until the other side closes
--- ("*a").
---@param what? string|number
---@return string|nil
---@return nil|string
---@return nil|string # what came before that
function TCP:receive(what) end

--- Receives what there is, at most so many bytes.
---@param most number
---@return string|nil
---@return nil|string
function TCP:receiveany(most) end

--- A function that receives up to a pattern of plain bytes.
---@param pattern string
---@param options? table inclusive: the pattern is a part of it
---@return fun(size)
function TCP:receiveuntil(pattern, options) end

--- Sends a text, or those of a table.
---@param data string|number|table
---@return number|nil # how many bytes
---@return nil|string
function TCP:send(data) end

--- The certificate that is shown in the handshake; none without arguments.
---@param cert? string|ffi.cdata* PEM, or what ngx.ssl.parse_pem_cert() gave
---@param key? string|ffi.cdata*
---@return boolean|nil
---@return nil|string
function TCP:setclientcert(cert, key) end

--- Puts the connection into its pool.
---@param idle_ms? number how long it is kept, 0 for ever; a minute
---@param size? number of the pool; the setting lua_socket_pool_size
---@return number|nil # 1
---@return nil|string
function TCP:setkeepalive(idle_ms, size) end

--- Sets one of the kernel's options: keepalive, reuseaddr, tcp-nodelay (booleans), sndbuf, rcvbuf
--- (bytes).
---@param name string
---@param value boolean|number
---@return number|nil # 1
---@return nil|string # "closed", "unsupported option"
function TCP:setoption(name, value) end

--- ms for everything.
---@param ms? number
function TCP:settimeout(ms) end

--- ms for connecting and handshakes, for sending, for receiving; nil: a minute.
---@param connect_ms? number
---@param send_ms? number
---@param read_ms? number
function TCP:settimeouts(connect_ms, send_ms, read_ms) end

--- Shakes hands. An idle connection that was verified under the same policy and for the same name
--- is used as it is; one that was not makes room for a new one.
---@param _ any a session; sessions are kept by policy, so there is none to hand in
---@param server_name? string what is sent as SNI and looked for in the certificate; the host
---@param verify nil|boolean|table|ffi.cdata* as for weir.ngx.socket.policy
---@param status? boolean
---@return boolean|nil
---@return nil|string
function TCP:sslhandshake(_, server_name, verify, status) end

---@class ngx.socket.UDP
local UDP = {}

--- Closes it.
---@return number|nil # 1
---@return nil|string # "closed"
function UDP:close() end

--- Receives a datagram, cut to so many bytes.
---@param size? number 8192
---@return string|nil
---@return nil|string
function UDP:receive(size) end

--- Sends a text, or those of a table, as one datagram.
---@param data string|number|boolean|nil|table
---@return number|nil # 1
---@return nil|string
function UDP:send(data) end

--- Sets whom it sends to and receives from.
---@param host string name, address, or "unix:PATH" (then without a port)
---@param port? number
---@return number|nil # 1
---@return nil|string
function UDP:setpeername(host, port) end

--- ms for setpeername() and receive().
---@param ms? number nil: a minute
function UDP:settimeout(ms) end
