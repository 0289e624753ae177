-- `weir echo`: an upstream to try things with. It is the gateway itself, with the echo plugin on
-- every path.
local cjson = require("cjson")
local options = require("weir.cli.options")

local echo = { summary = "serve an HTTP or HTTPS echo upstream" }

local EPILOG = [[
Answers every request like kong/go-echo: lines that say where it runs, from
the environment variables NODE_NAME, POD_NAME, POD_NAMESPACE and POD_IP, on
HTTPS the line 'Through HTTPS connection.', and the body of the request.

Exit status:
   0  stopped by a signal
   1  the address cannot be used, or certificate and key cannot
   2  the command line is not valid

Example:
   weir echo --listen 127.0.0.1:8443 --tls-cert chain.crt --tls-key leaf.key]]

function echo.configure(parser)
  parser:description("Runs an echo server, for demonstrations and tests.")
  parser:option("--listen", "Where to listen; IPv6 addresses stand in brackets.")
    :argname("HOST:PORT"):count(1)
  parser:option("--tls-cert", "PEM file with the chain to present, leaf first; makes it HTTPS.")
    :argname("FILE")
  parser:option("--tls-key", "PEM file with the key of the certificate."):argname("FILE")
  parser:epilog(EPILOG)
end

local CONFIGURATION = cjson.encode({
  _format_version = "3.0",
  routes = { { name = "echo", paths = { "/" }, plugins = { { name = "echo" } } } },
})

-- Only what the command line says counts here, so that a gateway and its upstream can share an
-- environment.
local function flags_of(args)
  local listen = args.listen .. (args.tls_cert and " ssl" or "")
  local flags = {
    { name = "proxy_listen", text = listen, where = "--listen" },
    { name = "admin_listen", text = "off" },
    { name = "nginx_worker_processes", text = "1" },
    { name = "plugins", text = "echo" },
    { name = "client_body_buffer_size", text = "1m" },
  }
  if args.tls_cert then
    table.insert(flags, { name = "ssl_cert", text = args.tls_cert, where = "--tls-cert" })
    table.insert(flags, { name = "ssl_cert_key", text = args.tls_key, where = "--tls-key" })
  end
  return flags
end

function echo.execute(args, process, usage_error)
  if (args.tls_cert == nil) ~= (args.tls_key == nil) then
    return usage_error("--tls-cert and --tls-key need each other")
  elseif args.listen:find("[%s,]") or args.listen == "off" then
    return usage_error(("--listen: '%s' is not of the form HOST:PORT"):format(args.listen))
  end
  local loaded = options.load_settings({}, flags_of(args),
    { stderr = process.stderr, environment = {} })
  if not loaded then
    return options.exit(1)
  end
  return options.run_action(loaded, { type = "text", text = CONFIGURATION, name = "echo" })
end

return echo
