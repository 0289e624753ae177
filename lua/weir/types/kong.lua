---@meta
-- Written by `make reference`: see lua/weir/pdk/README.md.

---@class kong
---@field default_workspace string
---@field pdk_major_version number
---@field pdk_version string
---@field version string
---@field version_num number
---@field weir_version string
kong = {}

---@class kong.cache
kong.cache = {}

--- Reads a value, and works it out when it is not there.
---@param key string
---@param opts? table ttl, neg_ttl (seconds, 0: as long as the configuration lasts), l1_serializer
---@param callback? function gives the value (nil is one, too), an error text, a ttl that counts instead of the options'; a negative one keeps nothing
---@param ... any its arguments
---@return any|nil
---@return nil|string
---@return number # where it came from: 1 the cache, 3 the callback, -1 nowhere (without a callback)
function kong.cache:get(key, opts, callback, ...) end

--- Reads several values.
---@param bulk table { key, opts or nil, callback, argument, key, …, n = keys }
---@param opts? table
---@return table|nil # { value, error, level, value, …, n = its length }
---@return nil|string
function kong.cache:get_bulk(bulk, opts) end

--- Forgets a value, in all workers. One that is being worked out meanwhile is not kept, either.
---@param key string
function kong.cache:invalidate(key) end

--- Forgets a value, in all workers. One that is being worked out meanwhile is not kept, either.
---@param key string
function kong.cache:invalidate_local(key) end

--- Looks whether a value is there, without working it out.
---@param key string
---@return number|nil # seconds that are left of its time, 0 for one without end; nil: not there
---@return nil|string
---@return any|nil # the value
function kong.cache:probe(key) end

--- Forgets everything, in all workers and in both caches.
function kong.cache:purge() end

--- Works a value out again, whether it is there or not.
---@param key string
---@param opts? table as for get()
---@param callback function as for get()
---@param ... any its arguments
---@return any|nil
---@return nil|string
---@return number # the ttl
function kong.cache:renew(key, opts, callback, ...) end

---@class kong.client
kong.client = {}

--- Says who the client is. Plugins whose turn comes later run with the configurations of that
--- consumer.
---
--- Phases: access
---@param consumer? table
---@param credential? table one of both is needed
function kong.client.authenticate(consumer, credential) end

--- The consumer.
---
--- Phases: access, response, header_filter, body_filter, log
---@return table|nil
function kong.client.get_consumer() end

--- What the client has authenticated with.
---
--- Phases: access, response, header_filter, body_filter, log
---@return table|nil
function kong.client.get_credential() end

--- The address of the client, as far as trusted peers tell it (`trusted_ips`, `real_ip_header`).
---
--- Phases: any in which there is a request
---@return string
function kong.client.get_forwarded_ip() end

--- The port of the client, as far as trusted peers tell it.
---
--- Phases: any in which there is a request
---@return number
function kong.client.get_forwarded_port() end

--- The address of the peer of the connection.
---
--- Phases: any in which there is a request
---@return string
function kong.client.get_ip() end

--- The port of the peer of the connection.
---
--- Phases: any in which there is a request
---@return number
function kong.client.get_port() end

--- The protocol that the route was matched with.
---
--- Phases: access, response, header_filter, body_filter, log
---@param allow_terminated? boolean whether "https" is also what a trusted peer says in X-Forwarded-Proto
---@return string|nil # "http" or "https"
---@return nil|string
function kong.client.get_protocol(allow_terminated) end

--- A consumer of the configuration that the request runs on.
---
--- Phases: access, response, header_filter, body_filter, log
---@param id string a UUID, or a username
---@param search_by_username? boolean whether `id` may be a username, too
---@return table|nil # nil when there is none
function kong.client.load_consumer(id, search_by_username) end

---@class kong.client.tls
kong.client.tls = {}

--- Has the client make a full handshake, and gives it no session.
---
--- Phases: certificate
---@return true|nil
---@return nil|string
function kong.client.tls.disable_session_reuse() end

--- What the client has presented.
---
--- Phases: rewrite, access, balancer, response, log
---@return string|nil # PEM, the leaf first; nil when it has presented nothing
function kong.client.tls.get_full_client_certificate_chain() end

--- Asks the client for a certificate. It need not have one, and nobody verifies it: that is up to
--- the plugin. The handshake is a full one, and there is no session to resume.
---
--- Phases: certificate
---@param ca_certs? ffi.cdata* of ngx.ssl.parse_pem_cert(): CAs whose names are sent along, as a hint which certificate to choose
---@return true|nil
---@return nil|string
function kong.client.tls.request_client_certificate(ca_certs) end

--- Says how the client's certificate was judged, for plugins that log and for $ssl_client_verify: a
--- plugin has judged it.
---
--- Phases: rewrite, access, balancer, response
---@param result string "SUCCESS", "NONE" or "FAILED:reason"
function kong.client.tls.set_client_verify(result) end

---@class kong.cluster
kong.cluster = {}

--- The id of the cluster.
---@return nil
---@return string # why there is none
function kong.cluster.get_id() end

---@class kong.cluster_events
kong.cluster_events = {}

--- Sends a message to other gateways.
---@param channel string
---@param data string
---@param delay? number seconds
---@return boolean # true
function kong.cluster_events:broadcast(channel, data, delay) end

--- Says what is to be called for messages of other gateways.
---@param channel string
---@param callback function
---@return boolean # true
function kong.cluster_events:subscribe(channel, callback) end

---@class kong.configuration: table<string, any>
kong.configuration = {}

---@class kong.core_cache: kong.cache
kong.core_cache = {}

---@class kong.ctx: table<string, table>
---@field plugin table<string, any>
---@field shared table<string, any>
kong.ctx = {}

---@class kong.db: table<string, any>
---@field strategy string
kong.db = {}

---@class kong.ip
kong.ip = {}

--- Whether an address lies in one of the blocks of `trusted_ips`.
---@param text string an address
---@return boolean
function kong.ip.is_trusted(text) end

---@class kong.log
---@overload fun(...: any)
kong.log = {}

--- Writes a line at level alert, if the log's level is not below it.
---@param ... any values, put together
function kong.log.alert(...) end

--- Writes a line at level crit, if the log's level is not below it.
---@param ... any values, put together
function kong.log.crit(...) end

--- Writes a line at level debug, if the log's level is not below it.
---@param ... any values, put together
function kong.log.debug(...) end

--- Warns of what is deprecated.
---@param ... any values, put together; the last may be a table: { after, removal = versions, trace = whether a traceback is added }
function kong.log.deprecation(...) end

--- Writes a line at level emerg, if the log's level is not below it.
---@param ... any values, put together
function kong.log.emerg(...) end

--- Writes a line at level err, if the log's level is not below it.
---@param ... any values, put together
function kong.log.err(...) end

--- The same as kong.log.err. Kong does not have it, and yet plugins of its own call it.
---@param ... any values, put together
function kong.log.error(...) end

--- Writes a line at level info, if the log's level is not below it.
---@param ... any values, put together
function kong.log.info(...) end

--- A facility like kong.log whose lines carry a name.
---@param namespace string
---@param format? string with the modifiers %file_src, %line_src, %func_name, %namespace and %message
---@return table
function kong.log.new(namespace, format) end

--- Writes a line at level notice, if the log's level is not below it.
---@param ... any values, put together
function kong.log.notice(...) end

--- What happened with the request.
---
--- Phases: log
---@param options? table kong, ngx: what stands for the globals of that name, with `request` and with `ctx`, `status` and `resp`
---@return table
function kong.log.serialize(options) end

--- Changes what the lines look like.
---@param text? string with the modifiers of new(); nil is Kong's format again
function kong.log.set_format(text) end

--- Sets, or with nil removes, a value of what serialize() returns.
---
--- Phases: certificate, rewrite, access, balancer, response, header_filter, body_filter, log
---@param key string dots lead into tables
---@param value any nil, a number, a string, a boolean or a table of these
---@param options? table mode: "set" (default), "add" (unless it is there), "replace" (only if it is there)
function kong.log.set_serialize_value(key, value, options) end

--- Writes a line at level warn, if the log's level is not below it.
---@param ... any values, put together
function kong.log.warn(...) end

---@class kong.log.inspect
---@overload fun(...: any)
kong.log.inspect = {}

--- Has kong.log.inspect() write nothing.
function kong.log.inspect.off() end

--- Has kong.log.inspect() write, which it does from the start.
function kong.log.inspect.on() end

---@class kong.nginx
kong.nginx = {}

--- Client connections and requests, of all workers.
---@return table # connections_active, of which connections_reading (a request's head comes), connections_writing (its request is under way) and connections_waiting (for the next one); connections_accepted and connections_handled (the same), total_requests
function kong.nginx.get_statistics() end

--- "http": weir proxies no streams.
---@return string
function kong.nginx.get_subsystem() end

---@class kong.node
kong.node = {}

--- The name of the machine.
---@return string|nil
function kong.node.get_hostname() end

--- The id of this gateway, a UUID made when it was started.
---@return string
function kong.node.get_id() end

--- What shared dictionaries and the workers' Lua states take.
---@param unit? string "b", "k", "m" or "g"; bytes are numbers, the others texts
---@param scale? number digits after the point, 2 if nil
---@return table # { lua_shared_dicts = { [name] = { allocated_slabs, capacity } }, workers_lua_vms = list of { pid, http_allocated_gc } }
function kong.node.get_memory_stats(unit, scale) end

--- What is counted of the workers and their Lua, since the start; weir's own.
---@return table # lua_phases: how often a request entered it; lua_renewals: how often a worker gave a Lua state up whose plugins kept too much memory; worker_stalls: how often one did not come back to its loop for worker_stall_warning
function kong.node.get_statistics() end

---@class kong.plugin
kong.plugin = {}

--- The id of its entity.
---@return string|nil # nil outside of plugins
function kong.plugin.get_id() end

---@class kong.request
kong.request = {}

--- The decoded body: a form, JSON or multipart.
---
--- Phases: rewrite, access, response
---@param mimetype? string instead of the request's Content-Type
---@param max_args? number of a form, 100 by default
---@param max_file_size? number as for get_raw_body()
---@return table|nil
---@return nil|string
---@return string|nil # the media type
function kong.request.get_body(mimetype, max_args, max_file_size) end

--- Like get_host(), or what a trusted peer says in X-Forwarded-Host.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_forwarded_host() end

--- The path as it was sent, or what a trusted peer says in X-Forwarded-Path.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_forwarded_path() end

--- Like get_port(), or what a trusted peer says in X-Forwarded-Port or, failing that,
--- X-Forwarded-Host.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return number
function kong.request.get_forwarded_port() end

--- What the route took off the path, or what a trusted peer says in X-Forwarded-Prefix.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string|nil
function kong.request.get_forwarded_prefix() end

--- Like get_scheme(), or what a trusted peer says in X-Forwarded-Proto.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_forwarded_scheme() end

--- The first value of a field.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param name string in any case; "-" and "_" are the same
---@return string|nil
function kong.request.get_header(name) end

--- All fields.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max_headers? number between 1 and 1000, 100 by default
---@return table
---@return nil|string # "truncated"
function kong.request.get_headers(max_headers) end

--- The host that the request names, in lower case, without port.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_host() end

--- 1.0 or 1.1.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return number
function kong.request.get_http_version() end

--- The method, as it was sent.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_method() end

--- The normalised path, without query.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_path() end

--- The target as it was sent.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_path_with_query() end

--- The port of the listener.
---
--- Phases: any in which there is a request
---@return number
function kong.request.get_port() end

--- The decoded query.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param max_args? number between 1 and 1000, 100 by default
---@return table # name -> value, true for an argument without value, or a list of these
---@return nil|string # "truncated"
function kong.request.get_query(max_args) end

--- The first value of one argument.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@param name string
---@return string|true|nil
function kong.request.get_query_arg(name) end

--- The body. It waits for it if need be. weir keeps bodies that plugins read in memory only, so
--- `max_file_size` never makes a larger one readable.
---
--- Phases: rewrite, access, response
---@param max_file_size? number as in Kong
---@return string|nil
---@return nil|string
function kong.request.get_raw_body(max_file_size) end

--- The path as it was sent, without query.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_raw_path() end

--- The query as it was sent, without "?"; "" when there is none.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_raw_query() end

--- The scheme of the listener: "http" or "https".
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return string
function kong.request.get_scheme() end

--- When the request began, in milliseconds since the epoch.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return number
function kong.request.get_start_time() end

--- The groups of the expression that the route matched the path with, the first 32 of them.
---
--- Phases: rewrite, access, balancer, response, header_filter, body_filter, log
---@return table # { unnamed = list of them by number, named = by name }; false: not set
function kong.request.get_uri_captures() end

---@class kong.response
kong.response = {}

--- Adds a field and leaves those of its name.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param name string
---@param value string|number|boolean|table a list makes several fields
function kong.response.add_header(name, value) end

--- Removes all fields of a name.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param name string
function kong.response.clear_header(name) end

--- Answers with an error body in the form that the client accepts.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param status number 400 to 599
---@param message? string|table by default Kong's text for the status; a table is sent as JSON
---@param all? table header fields; Content-Type chooses the form
function kong.response.error(status, message, all) end

--- Answers the request. In rewrite, access, balancer and response it does not return.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param status number 100 to 599
---@param body? string|table a table is sent as JSON
---@param all? table header fields
function kong.response.exit(status, body, all) end

--- The first value of a field.
---
--- Phases: response, header_filter, body_filter, log
---@param name string in any case; "-" and "_" are the same
---@return string|nil
function kong.response.get_header(name) end

--- All fields.
---
--- Phases: response, header_filter, body_filter, log
---@param max_headers? number between 1 and 1000, 100 by default
---@return table # name -> value, or list of values
---@return nil|string # "truncated"
function kong.response.get_headers(max_headers) end

--- The body, when its last piece has come. Until then nil, and the pieces are withheld.
---
--- Phases: body_filter
---@return string|nil
function kong.response.get_raw_body() end

--- Where the response comes from.
---
--- Phases: response, header_filter, body_filter, log
---@return string # "service" (it was proxied), "exit" (a plugin made it) or "error"
function kong.response.get_source() end

--- The status.
---
--- Phases: response, header_filter, body_filter, log
---@return number|nil
function kong.response.get_status() end

--- Replaces a field.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param name string
---@param value string|number|boolean|table a list makes several fields
function kong.response.set_header(name, value) end

--- Replaces the fields that are named, and leaves the others.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param all table name -> value or list of values
function kong.response.set_headers(all) end

--- Replaces the whole body: what comes after it is dropped.
---
--- Phases: body_filter
---@param body string
function kong.response.set_raw_body(body) end

--- Replaces the status.
---
--- Phases: rewrite, access, balancer, response, header_filter
---@param status number 100 to 599
function kong.response.set_status(status) end

---@class kong.router
kong.router = {}

--- The route as an entity.
---
--- Phases: access, response, header_filter, body_filter, log
---@return table|nil
function kong.router.get_route() end

--- The service as an entity.
---
--- Phases: access, response, header_filter, body_filter, log
---@return table|nil
function kong.router.get_service() end

---@class kong.service
kong.service = {}

--- How the certificate of the upstream was judged in the last try. Not in Kong.
---
--- Phases: response, header_filter, body_filter, log
---@return table|nil # the fields that plugins/upstream-tls/README.md lists; what says nothing is nil, and so is all of it when no certificate was judged
function kong.service.get_tls_verdict() end

--- How often a failed attempt is repeated.
---
--- Phases: access
---@param retries number 0 to 32767
function kong.service.set_retries(retries) end

--- Chooses one target instead of an upstream. Its host is also what the upstream is called by
--- (Host, SNI, the name that its certificate must have), unless the route preserves the client's. It
--- is verified by what upstream-tls's `targets` say about it for the route, else as the route is.
---
--- Phases: rewrite, access, balancer
---@param host string
---@param port number
function kong.service.set_target(host, port) end

--- A function that is asked before each retry, as long as the host is no upstream entity's: it may
--- choose another target (set_target), which holds for the retries after it, too. It is called
--- without arguments, as in the balancer phase, and has to return true; else, and when it fails, the
--- request ends with 503. Of several that are set the last counts.
---
--- Phases: access
---@param callback function
function kong.service.set_target_retry_callback(callback) end

--- Timeouts in milliseconds.
---
--- Phases: access
---@param connect_timeout number 1 to 2147483646
---@param write_timeout number
---@param read_timeout number
function kong.service.set_timeouts(connect_timeout, write_timeout, read_timeout) end

--- The certificate and key to show to the upstream.
---
--- Phases: rewrite, access, balancer
---@param chain ffi.cdata* of ngx.ssl.parse_pem_cert()
---@param key ffi.cdata* of ngx.ssl.parse_pem_priv_key()
---@return true|nil
---@return nil|string
function kong.service.set_tls_cert_key(chain, key) end

--- All of the above at once, made beforehand (kong.tls.policy). Not in Kong.
---
--- Phases: rewrite, access, balancer
---@param policy ffi.cdata*
---@return true|nil
---@return nil|string
function kong.service.set_tls_policy(policy) end

--- Whether the upstream's certificate is verified.
---
--- Phases: rewrite, access, balancer
---@param on boolean
---@return true|nil
---@return nil|string
function kong.service.set_tls_verify(on) end

--- How many intermediate certificates may lie between the upstream's certificate and a trusted one.
--- Above 100, which is as deep as chains go, it makes no difference.
---
--- Phases: rewrite, access, balancer
---@param depth number
---@return true|nil
---@return nil|string
function kong.service.set_tls_verify_depth(depth) end

--- Which CA certificates are trusted: exactly those in the store.
---
--- Phases: rewrite, access, balancer
---@param store table of resty.openssl.x509.store
---@return true|nil
---@return nil|string
function kong.service.set_tls_verify_store(store) end

--- Chooses an upstream entity.
---
--- Phases: access
---@param host string its name
---@return true|nil
---@return nil|string
function kong.service.set_upstream(host) end

---@class kong.service.request
kong.service.request = {}

--- Adds a field and leaves those of its name.
---
--- Phases: rewrite, access
---@param name string
---@param value string|number|boolean|table a list makes several fields
function kong.service.request.add_header(name, value) end

--- Removes all fields of a name.
---
--- Phases: rewrite, access
---@param name string
function kong.service.request.clear_header(name) end

--- Removes all query arguments of a name.
---
--- Phases: rewrite, access
---@param name string
function kong.service.request.clear_query_arg(name) end

--- The try goes to the upstream in the clear.
---
--- Phases: balancer
---@return true|nil
---@return nil|string
function kong.service.request.disable_tls() end

--- Has the whole response read before anything of it goes out, for
--- kong.service.response.get_raw_body().
---
--- Phases: rewrite, access, balancer
function kong.service.request.enable_buffering() end

--- The try goes to the upstream over TLS.
---
--- Phases: balancer
---@return true|nil
---@return nil|string
function kong.service.request.enable_tls() end

--- The body, from a table, with its Content-Type.
---
--- Phases: rewrite, access
---@param args table
---@param mimetype? string a form, JSON or multipart; by default that of the request
---@return true|nil
---@return nil|string
function kong.service.request.set_body(args, mimetype) end

--- Replaces a field. `Host` is also what the upstream is called by: its SNI and the name in its
--- certificate.
---
--- Phases: rewrite, access, balancer
---@param name string
---@param value string|number|boolean|table a list makes several fields
function kong.service.request.set_header(name, value) end

--- Replaces the fields that are named, and leaves the others.
---
--- Phases: rewrite, access
---@param all table name -> value, or list of values
function kong.service.request.set_headers(all) end

--- Replaces the method.
---
--- Phases: rewrite, access
---@param method string in capitals
function kong.service.request.set_method(method) end

--- The path, without query. It is escaped where that is necessary.
---
--- Phases: rewrite, access, balancer
---@param path string begins with "/"
function kong.service.request.set_path(path) end

--- The query, from a table.
---
--- Phases: rewrite, access
---@param args table name -> value or list of values
function kong.service.request.set_query(args) end

--- The body, instead of the client's.
---
--- Phases: rewrite, access, balancer
---@param body string
function kong.service.request.set_raw_body(body) end

--- The query as it is to be sent, without "?".
---
--- Phases: rewrite, access
---@param query string
function kong.service.request.set_raw_query(query) end

--- "http" or "https".
---
--- Phases: rewrite, access, balancer
---@param scheme string
function kong.service.request.set_scheme(scheme) end

---@class kong.service.response
kong.service.response = {}

--- The body, read as its Content-Type says.
---
--- Phases: response, header_filter, body_filter, log
---@param mimetype? string instead of the Content-Type
---@param max_args? number of a form, 100 by default
---@return table|nil
---@return nil|string # why not
---@return string|nil # the media type
function kong.service.response.get_body(mimetype, max_args) end

--- The first value of a field.
---
--- Phases: response, header_filter, body_filter, log
---@param name string in any case; "-" and "_" are the same
---@return string|nil
function kong.service.response.get_header(name) end

--- All fields.
---
--- Phases: response, header_filter, body_filter, log
---@param max_headers? number between 1 and 1000, 100 by default
---@return table # name -> value, or list of values
---@return nil|string # "truncated"
function kong.service.response.get_headers(max_headers) end

--- The whole body, where a plugin implements `response` or has called
--- kong.service.request.enable_buffering().
---
--- Phases: response, header_filter, body_filter, log
---@return string
function kong.service.response.get_raw_body() end

--- The status.
---
--- Phases: response, header_filter, body_filter, log
---@return number|nil # nil when the request was not proxied
function kong.service.response.get_status() end

---@class kong.table
kong.table = {}

--- Removes everything from a table and keeps its room.
---@param tab table
function kong.table.clear(tab) end

--- A new table with the fields of both; those of the second win.
---@param a? table
---@param b? table
---@return table
function kong.table.merge(a, b) end

--- A table with room.
---@param narr number for so many list items
---@param nrec number for so many fields
---@return table
function kong.table.new(narr, nrec) end

---@class kong.telemetry
kong.telemetry = {}

--- Records something.
---@param plugin_name string
---@param plugin_config table
---@param message_type string
---@param message? string
---@param attributes? table
---@return true|nil
---@return nil|string
function kong.telemetry.log(plugin_name, plugin_config, message_type, message, attributes) end

---@class kong.timer
kong.timer = {}

--- Calls a function once.
---@param delay number seconds
---@param callback function called with `premature` and the further arguments
---@param ... any its arguments, after `premature`
---@return string|nil # a name, for cancel()
---@return nil|string
function kong.timer:at(delay, callback, ...) end

--- Takes a timer back.
---@param name string
---@return boolean|nil
---@return nil|string
function kong.timer:cancel(name) end

--- Calls a function again and again.
---@param delay number seconds
---@param callback function called with `premature` and the further arguments
---@param ... any its arguments, after `premature`
---@return string|nil # a name, for cancel()
---@return nil|string
function kong.timer:every(delay, callback, ...) end

--- As at(), under a name that no other timer has.
---@param name string
---@param delay number seconds
---@param callback function called with `premature` and the further arguments
---@param ... any its arguments, after `premature`
---@return string|nil # the name
---@return nil|string # "already exists timer"
function kong.timer:named_at(name, delay, callback, ...) end

--- As every(), under a name that no other timer has.
---@param name string
---@param delay number seconds
---@param callback function called with `premature` and the further arguments
---@param ... any its arguments, after `premature`
---@return string|nil # the name
---@return nil|string # "already exists timer"
function kong.timer:named_every(name, delay, callback, ...) end

---@class kong.tls
kong.tls = {}

--- A certificate chain with its key, to show to upstreams.
---@param cert string PEM, leaf first
---@param key string PEM
---@return ffi.cdata*|nil
---@return nil|string
function kong.tls.credential(cert, key) end

--- What is counted of TLS with upstreams, for metrics: all workers since the start.
---@return table # what the Admin API's /status has as `tls`, and `services`: name of a service (its host where it has none) -> mode -> code of a verdict -> handshakes that came to it
function kong.tls.get_statistics() end

--- A policy. A mistake in the choice is an error; what only the core can judge (a CRL that does not
--- parse, a cipher that there is not) is returned.
---@param choice table the fields of weir.tls.policy: `verify` (boolean) or `mode` has to be there
---@return ffi.cdata*|nil
---@return nil|string
function kong.tls.policy(choice) end

--- A bundle of CA certificates.
---@param pems table list of PEM texts; an empty one makes the bundle that trusts nobody
---@return ffi.cdata*|nil
---@return nil|string
function kong.tls.trust(pems) end

---@class kong.tracing
---@field name string
kong.tracing = {}

--- The span that is active.
---@return nil
function kong.tracing.active_span() end

--- Makes a span.
---@param ctx? table
---@param options? table
---@return table # as of start_span()
function kong.tracing.create_span(ctx, options) end

--- Whether the spans of a request are recorded.
---@return boolean
function kong.tracing.get_sampling_decision() end

--- A tracer of another name.
---@param name string
---@return table
function kong.tracing.new(name) end

--- Calls a function for each finished span: there are none.
---
--- Phases: log
---@param processor function
function kong.tracing.process_span(processor) end

--- Makes a span the active one.
---@param active table
function kong.tracing.set_active_span(active) end

--- Says whether spans are to be recorded, which they are not.
---@param whether boolean
function kong.tracing.set_should_sample(whether) end

--- Begins a span.
---@param name string
---@param options? table
---@return table # the one that records nothing: its methods can be called and do nothing
function kong.tracing.start_span(name, options) end

---@class kong.vault
kong.vault = {}

--- Kong's; there is nothing to do.
function kong.vault.flush() end

--- Looks a secret up.
---@param text string a reference
---@return string|nil
---@return nil|string
function kong.vault.get(text) end

--- Kong's; there is nothing to do.
function kong.vault.init_worker() end

--- Whether a value is a reference.
---@param value any
---@return boolean
function kong.vault.is_reference(value) end

--- Takes a reference apart.
---@param text string
---@return table|nil # name, resource, key, config, version
---@return nil|string
function kong.vault.parse_reference(text) end

--- Calls a function, and when it fails, once more with secrets that were looked up anew.
---@param callback function gives a result, or nil and an error
---@param options? table its argument
---@return any # what the callback gave last
function kong.vault.try(callback, options) end

--- Looks up again what a table refers to, and puts it in place. A secret that is not there is "".
---@param options table a configuration, or a part of one
---@return table # the same
function kong.vault.update(options) end

--- Kong's; there is nothing to do.
function kong.vault.warmup() end

---@class kong.worker_events
kong.worker_events = {}

--- Delivers what other workers have posted.
---@return boolean # true
function kong.worker_events.poll() end

--- Posts a message to all workers.
---@param source string
---@param event string
---@param data any what can be written down: no functions
---@return boolean|nil # true
---@return nil|string
function kong.worker_events.post(source, event, data) end

--- Posts a message to this worker alone.
---@param source string
---@param event string
---@param data any any value
---@return boolean # true
function kong.worker_events.post_local(source, event, data) end

--- Posts a message as lua-resty-events does.
---@param target string "all" or "current"
---@param source string
---@param event string
---@param data any
---@return boolean|nil # true
---@return nil|string
function kong.worker_events.publish(target, source, event, data) end

--- Says what is to be called for messages.
---@param callback function called with data, event, source and the number of the worker that has posted it
---@param source string
---@param ...? string events; none: all of the source
function kong.worker_events.register(callback, source, ...) end

--- The same for one event.
---@param source string
---@param event string
---@param callback function
---@return boolean # true
function kong.worker_events.subscribe(source, event, callback) end

--- Takes back what register() was told.
---@param callback function
---@param source string
---@param ...? string events; none: all of the source
function kong.worker_events.unregister(callback, source, ...) end

---@class kong.configuration: table<string, any>
kong.configuration = {}

--- A copy of all settings without what must not be shown.
---@return table
function kong.configuration.remove_sensitive() end

---@type kong
weir = kong
