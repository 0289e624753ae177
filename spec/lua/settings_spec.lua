require("spec.support.fake_core").install()
local settings = require("weir.settings")

local function write(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  finally(function() os.remove(path) end)
  return path
end

local function valid(from)
  local result, messages = settings.load(from)
  assert.is_table(result, result or table.concat(messages, "\n"))
  return result, messages
end

local function errors_of(from)
  local result, messages = settings.load(from)
  assert.is_nil(result)
  return messages
end

local function error_of_set(text)
  local messages = errors_of({ set = { text } })
  assert.equal(1, #messages)
  return messages[1]
end

describe("weir.settings", function()
  it("have Kong's defaults", function()
    local result = valid({})
    assert.same({
      { host = "0.0.0.0", port = 8000, family = 4, ssl = false, reuseport = true, backlog = 16384 },
    }, result.proxy_listen)
    assert.equal(8001, result.admin_listen[1].port)
    assert.equal("127.0.0.1", result.admin_listen[1].host)
    for name, value in pairs({
      nginx_worker_processes = "auto", log_level = "notice", upstream_keepalive_pool_size = 512,
      upstream_keepalive_max_requests = 10000, upstream_keepalive_idle_timeout = 60,
      client_body_buffer_size = 8192, response_buffer_size = 8388608,
      nginx_http_client_max_body_size = 0,
      real_ip_header = "X-Real-IP", real_ip_recursive = false, error_default_type = "text/plain",
      upstream_tls_session_reuse = true, upstream_tls_handshakes_max = 64,
      declarative_config = "", plugin_path = "",
    }) do
      assert.equal(value, result[name], name)
    end
    assert.same({ "server_tokens", "latency_tokens", "X-Kong-Request-Id" }, result.headers)
    assert.same(settings.bundled_plugins, result.plugins)
    assert.same({}, result.trusted_ips)
  end)

  it("all have a description and a type that is known", function()
    local values = require("weir.settings.values")
    local seen = {}
    for _, key in ipairs(settings.keys) do
      assert.is_function(values[key.type], key.name)
      assert.is_true(#key.description > 5)
      assert.is_nil(seen[key.name])
      seen[key.name] = true
    end
  end)

  it("are none of those that weir says it does not have", function()
    local absent = require("weir.settings.absent")
    local known = {}
    for _, key in ipairs(settings.keys) do
      known[key.name] = true
    end
    for _, group in ipairs(absent.GROUPS) do
      for _, name in ipairs(group[1]) do
        assert.is_nil(known[name], name)
        assert.equal(group[2], absent.instead((name:gsub("%*$", "x"))), name)
      end
    end
    assert.is_nil(absent.instead("log_levl"))
  end)

  it("name shared dictionaries beside Kong's", function()
    local shared_dicts = require("weir.settings.shared_dicts")
    assert.same({}, valid({}).nginx_http_lua_shared_dict)
    local result = valid({ set = {
      "nginx_http_lua_shared_dict=mine 10m; lua_shared_dict other 12k;", "mem_cache_size=1m",
    } })
    assert.same({ { name = "mine", size = 10485760 }, { name = "other", size = 12288 } },
      result.nginx_http_lua_shared_dict)
    local sizes = {}
    for _, entry in ipairs(shared_dicts.all(result)) do
      sizes[entry.name] = entry.size
    end
    assert.equal(10485760, sizes.mine)
    assert.equal(1048576, sizes.kong_db_cache)
    assert.equal(5242880, sizes.kong)
    for text, message in pairs({
      ["mine"] = "'mine' is not NAME SIZE, like 'my_counters 5m'",
      ["mine 1k"] = "shared dictionary 'mine': must be between 12288 and 1099511627776",
      ["mine x"] = "shared dictionary 'mine': 'x' is not a size, like 8192, 8k or 10m",
      ["kong 5m"] = "shared dictionary 'kong' is there already",
      ["a 1m; a 1m"] = "shared dictionary 'a' is there already",
    }) do
      assert.equal("--set nginx_http_lua_shared_dict: nginx_http_lua_shared_dict: " .. message,
        error_of_set("nginx_http_lua_shared_dict=" .. text))
    end
  end)

  describe("sources", function()
    it("win over each other in order", function()
      local from = { file = write("log_level = info\n") }
      assert.equal("info", valid(from).log_level)
      from.environment = { "HOME=/", "WEIR_LOG_LEVEL=warn" }
      assert.equal("warn", valid(from).log_level)
      from.set = { "log_level=error", "log_level = crit" }
      assert.equal("crit", valid(from).log_level)
      from.flags = { { name = "log_level", text = "debug", where = "--flag" } }
      assert.equal("debug", valid(from).log_level)
    end)

    it("include a file with comments and quotes", function()
      local result = valid({ file = write("# comment\n\n  log_level=info  # why\r\n"
        .. "declarative_config = '/a #b' # c\nreal_ip_header = \"X-A\"\nplugin_path =\n"
        .. "lua_package_path = # nothing\ndeclarative_config_string = a#b") })
      assert.equal("info", result.log_level)
      assert.equal("/a #b", result.declarative_config)
      assert.equal("X-A", result.real_ip_header)
      assert.equal("", result.plugin_path)
      assert.equal("", result.lua_package_path)
      assert.equal("a#b", result.declarative_config_string)
    end)

    it("name themselves in errors", function()
      local path = write("log_levl = info\nnonsense\nlog_level = 'info\nheaders = x\n")
      assert.same({
        path .. ":2: expected 'key = value'",
        path .. ":3: unbalanced quotes",
        path .. ":1: unknown setting 'log_levl' (did you mean 'log_level'?)",
        path .. ":4: headers: 'x' is not one of: off, server_tokens, latency_tokens, "
          .. "X-Kong-Upstream-Latency, X-Kong-Proxy-Latency, X-Kong-Response-Latency, "
          .. "X-Kong-Upstream-Status, X-Kong-Request-Id, Server, Via",
        "environment variable WEIR_DATABASE: database: 'postgres' is not one of: off",
        "--set x: unknown setting 'x'",
      }, errors_of({ file = path, environment = { "WEIR_DATABASE=postgres" }, set = { "x=1" } }))
      assert.equal("--set log_level: expected KEY=VALUE", error_of_set("log_level"))
      assert.equal("--workers: nginx_worker_processes: '0' is neither 'auto' nor a number between "
        .. "1 and 256", errors_of({ flags = {
        { name = "nginx_worker_processes", text = "0", where = "--workers" },
      } })[1])
    end)

    it("say what is so in place of what Kong has and weir has not", function()
      local path = write("proxy_error_log = logs/error.log\npg_host = db\nnginx_http_x = 1\n")
      assert.same({
        path .. ":1: weir does not have Kong's setting 'proxy_error_log': "
          .. "the error log goes to standard error",
        path .. ":2: weir does not have Kong's setting 'pg_host': "
          .. "there is no database; the configuration is a declarative file",
        path .. ":3: weir does not have Kong's setting 'nginx_http_x': "
          .. "there is no nginx that directives could be put into",
      }, errors_of({ file = path }))
      local _, warnings = valid({ environment = { "WEIR_PREFIX=/usr/local/kong" } })
      assert.same({ "environment variable WEIR_PREFIX: weir does not have Kong's setting 'prefix': "
        .. "weir runs in the foreground, as whoever starts it, and has no folder of its own",
      }, warnings)
    end)

    it("that cannot be read are errors", function()
      assert.matches("^cannot read settings file /no/such/file: ",
        errors_of({ file = "/no/such/file" })[1])
      assert.matches("^cannot read settings file /tmp: ", errors_of({ file = "/tmp" })[1])
    end)

    it("leave other people's variables alone, but warn of likely typing errors", function()
      local _, warnings = valid({ environment = {
        "WEIR_SERVICE_HOST=10.0.0.1", "WEIR_PORT_8000_TCP_ADDR=10.0.0.1", "WEIR_LUA_PATH=/x",
        "WEIR_LOG_LEVL=info", "KONG_LOG_LEVEL=bad",
      } })
      assert.same({ "environment variable WEIR_LOG_LEVL: "
        .. "unknown setting 'log_levl' (did you mean 'log_level'?)" }, warnings)
    end)
  end)

  describe("values", function()
    local function set(text)
      local name = text:match("^[^=]+")
      return valid({ set = { text } })[name]
    end

    it("are booleans, sizes, times, numbers", function()
      for _, word in ipairs({ "on", "true", "yes", "1", "ON" }) do
        assert.is_true(set("real_ip_recursive=" .. word))
      end
      for _, word in ipairs({ "off", "false", "no", "0" }) do
        assert.is_false(set("real_ip_recursive=" .. word))
      end
      assert.equal(10 * 1024 * 1024, set("nginx_http_client_max_body_size=10M"))
      assert.equal(1.5, set("upstream_keepalive_idle_timeout=1.5"))
      assert.equal(0.25, set("upstream_keepalive_idle_timeout=250ms"))
      assert.equal(120, set("upstream_keepalive_idle_timeout=2m"))
      assert.equal(4, set("nginx_worker_processes=4"))
    end)

    it("are lists", function()
      assert.same({ "10.0.0.0/8", "::1" }, set("trusted_ips=10.0.0.0/8, ::1"))
      assert.same({ "Via", "X-Kong-Upstream-Status" }, set("headers=via,x-kong-upstream-status"))
      assert.same({}, set("headers=off"))
      assert.same({ "mine", unpack(settings.bundled_plugins) }, set("plugins=mine,bundled,echo"))
      assert.same({}, set("plugins=off"))
    end)

    it("are refused when they are none of these", function()
      for text, expected in pairs({
        ["real_ip_recursive=maybe"] = "'maybe' is not a boolean: on or off",
        ["client_body_buffer_size=8kb"] = "'8kb' is not a size, like 8192, 8k or 10m",
        ["client_body_buffer_size=0"] = "must be between 1 and 1073741824",
        ["upstream_keepalive_idle_timeout=soon"]
          = "'soon' is not a time, like 60, 1.5s, 500ms or 2m",
        ["upstream_keepalive_idle_timeout=1w"] = "'1w' is not a time, like 60, 1.5s, 500ms or 2m",
        ["upstream_keepalive_pool_size=many"] = "'many' is not a whole number",
        ["upstream_keepalive_pool_size=-1"] = "'-1' is not a whole number",
        ["upstream_keepalive_pool_size=4294967296"] = "must be between 0 and 2147483647",
        ["trusted_ips=10.0.0.0/33"] = "prefix length of '10.0.0.0/33' exceeds 32",
        ["trusted_ips=10.0.0.0/8,,::1"] = "has an empty entry",
        ["real_ip_header=a b"] = "'a b' is not a header name",
        ["status_listen=127.0.0.1:8007"] = "only 'off' is supported by this version of weir",
        ["router_flavor=expressions"] = "'expressions' is not one of: traditional_compatible",
        ["proxy_listen=127.0.0.1:80 http2"]
          = "flag 'http2' is not supported by this version of weir",
        ["plugins=a/b"] = "'a/b' is no plugin name",
      }) do
        local name = text:match("^[^=]+")
        assert.equal(("--set %s: %s: %s"):format(name, name, expected), error_of_set(text))
      end
    end)
  end)

  describe("rules between settings", function()
    it("name files and folders that are there", function()
      assert.same({
        "--set tls_system_cas: tls_system_cas: "
          .. "cannot read /no/such.pem: No such file or directory",
        "--set lua_ssl_trusted_certificate: lua_ssl_trusted_certificate: "
          .. "cannot read /tmp: Is a directory",
        "--set plugin_path: plugin_path: there is no folder /no/such",
        "--set plugin_path: plugin_path: there is no folder /dev/null",
      }, errors_of({ set = {
        "tls_system_cas=/no/such.pem", "lua_ssl_trusted_certificate=system, /tmp",
        "plugin_path=/tmp:/no/such:/dev/null",
      } }))
    end)

    it("take no PROXY protocol", function()
      assert.equal("--set real_ip_header: real_ip_header: the PROXY protocol is not supported by "
        .. "this version of weir; name a header field",
        error_of_set("real_ip_header=proxy_protocol"))
    end)

    it("keep certificates and keys in step", function()
      local cert, key, other = write("CERT name=a"), write("KEY name=a"), write("KEY name=b")
      local result = valid({ set = { "ssl_cert=" .. cert, "ssl_cert_key=" .. key } })
      assert.same({ cert }, result.ssl_cert)
      assert.same({ "--set ssl_cert: ssl_cert and ssl_cert_key must name as many files each, "
        .. "but name 1 and 0" }, errors_of({ set = { "ssl_cert=" .. cert } }))
      assert.same({
        ("--set ssl_cert: %s, %s: certificate does not match key"):format(cert, other),
      }, errors_of({ set = { "ssl_cert=" .. cert, "ssl_cert_key=" .. other } }))
      assert.matches("cannot read /no/such: ",
        errors_of({ set = { "ssl_cert=/no/such", "ssl_cert_key=" .. key } })[1])
    end)

    it("keep listeners apart", function()
      assert.same({ "--set admin_listen: admin_listen: port 9000 of 127.0.0.1 is already taken "
        .. "by proxy_listen" },
        errors_of({ set = { "proxy_listen=127.0.0.1:9000", "admin_listen=127.0.0.1:9000" } }))
      assert.equal("--set admin_listen: admin_listen: flag 'ssl' is not supported by this version "
        .. "of weir", error_of_set("admin_listen=127.0.0.1:9000 ssl"))
      valid({ set = { "proxy_listen=127.0.0.1:0", "admin_listen=127.0.0.1:0" } })
    end)
  end)
end)
