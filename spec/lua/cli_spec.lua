require("spec.support.fake_abi").install()
require("spec.support.fake_core").install()
local buffer = require("string.buffer")
local cli = require("weir.cli")
local helpers = require("spec.helpers")

package.preload["kong.plugins.echo.schema"] = function()
  return { name = "echo", fields = { { config = { type = "record", fields = {} } } } }
end

-- A stream that keeps what is written to it.
local function stream()
  return {
    text = "",
    write = function(self, ...)
      self.text = self.text .. table.concat({ ... })
      return self
    end,
  }
end

local function weir(...)
  local process = { stdout = stream(), stderr = stream(), environment = {} }
  local action = cli.main({ ... }, process)
  return action, process.stdout.text, process.stderr.text
end

local function written(text)
  return helpers.write(helpers.directory() .. "/written", text)
end

local function exits(code, ...)
  local action, out, err = weir(...)
  assert.same({ action = "exit", code = code }, action, out .. err)
  return out, err
end

describe("weir.cli", function()
  it("explains itself", function()
    for _, argv in ipairs({ { "help" }, { "--help" }, { "-h" } }) do
      local out = exits(0, unpack(argv))
      for _, name in ipairs({ "run", "check", "echo", "version", "help" }) do
        assert.matches("\n   " .. name .. " ", out)
      end
    end
    for _, name in ipairs({ "run", "check", "echo", "version", "help" }) do
      local manual = exits(0, name, "--help")
      assert.matches("^Usage: weir " .. name, manual)
      assert.equal(manual, (exits(0, "help", name)))
    end
  end)

  it("keeps its manuals within 100 columns", function()
    for _, name in ipairs({ "run", "check", "echo", "version", "help" }) do
      for line in exits(0, name, "--help"):gmatch("[^\n]+") do
        assert.is_true(#line <= 100, line)
      end
    end
  end)

  it("lists the settings", function()
    local out = exits(0, "help", "settings")
    assert.matches("\nproxy_listen = 0%.0%.0%.0:8000 reuseport backlog=16384\n   %l", out)
    assert.matches("\ntrusted_ips =\n", out)
  end)

  it("ends with 2 when the command line is not valid", function()
    for expected, argv in pairs({
      ["Error: a command is missing"] = {},
      ["Error: unknown command 'rum' (did you mean 'run'?)"] = { "rum" },
      ["Error: unknown option '--foo'"] = { "run", "x", "--foo" },
      ["Error: too many arguments"] = { "check", "x", "y" },
      ["Error: missing argument 'FILE'"] = { "check" },
      ["Error: missing option '--listen'"] = { "echo" },
      ["Error: option '--workers' requires an argument"] = { "run", "x", "--workers" },
      ["Error: there is no help about 'foo'"] = { "help", "foo" },
      ["Error: --tls-cert and --tls-key need each other"]
        = { "echo", "--listen", "127.0.0.1:1", "--tls-key", "x" },
      ["Error: --listen: '127.0.0.1:1 ssl' is not of the form HOST:PORT"]
        = { "echo", "--listen", "127.0.0.1:1 ssl" },
    }) do
      local out, err = exits(2, unpack(argv))
      assert.equal("", out)
      assert.truthy(err:find(expected, 1, true), err)
      assert.matches("\nTry 'weir .*'%.\n$", err)
    end
  end)

  it("prints versions", function()
    assert.equal("weir 0.1.0\nOpenSSL 3.0\n", (exits(0, "version")))
    assert.equal("weir 0.1.0\nOpenSSL 3.0\n", (exits(0, "--version")))
  end)

  describe("run", function()
    it("gives the core what it needs as plain fields", function()
      local action = weir("run", "weir.yml", "--proxy-listen", "127.0.0.1:1 ssl", "--proxy-listen",
        "[::1]:2 reuseport backlog=5", "--admin-listen", "127.0.0.1:3", "--workers", "2",
        "--set", "log_level=warn")
      assert.equal("run", action.action)
      assert.equal(2, action.workers)
      assert.equal("warn", action.log_level)
      assert.same({
        { role = "proxy", host = "127.0.0.1", port = 1, family = 4, ssl = true, reuseport = false },
        { role = "proxy", host = "::1", port = 2, family = 6, ssl = false, reuseport = true,
          backlog = 5 },
        { role = "admin", host = "127.0.0.1", port = 3, family = 4, ssl = false,
          reuseport = false },
      }, action.listeners)
      local blob = buffer.decode(action.blob)
      assert.same({ type = "file", path = "weir.yml" }, blob.source)
      assert.equal(2, blob.settings.nginx_worker_processes)
    end)

    it("uses as many workers as there are processors", function()
      assert.is_true(weir("run", "x").workers >= 1)
    end)

    it("finds the configuration in the settings, if the command line names none", function()
      local function source(...)
        return buffer.decode(weir("run", ...).blob).source
      end
      assert.same({ type = "file", path = "a" }, source("--set", "declarative_config=a"))
      assert.same({ type = "file", path = "b" }, source("b", "--set", "declarative_config=a"))
      assert.same({ type = "text", text = "c", name = "declarative_config_string" },
        source("--set", "declarative_config_string=c"))
      local _, err = exits(1, "run")
      assert.equal("Error: no declarative file: name one, or set declarative_config\n", err)
      _, err = exits(1, "run", "--set", "declarative_config=a",
        "--set", "declarative_config_string=c")
      assert.equal("Error: declarative_config and declarative_config_string are both set\n", err)
    end)

    it("reports every setting that is not valid", function()
      local _, err = exits(1, "run", "x", "--set", "log_levl=1", "--workers", "many",
        "--proxy-listen", "127.0.0.1:1 http2")
      assert.equal("Error: --set log_levl: unknown setting 'log_levl' (did you mean 'log_level'?)\n"
        .. "Error: --proxy-listen: proxy_listen: "
        .. "flag 'http2' is not supported by this version of weir\n"
        .. "Error: --workers: nginx_worker_processes: "
        .. "'many' is neither 'auto' nor a number between 1 and 256\n", err)
    end)
  end)

  describe("check", function()
    it("says that a file is valid, and what is in it", function()
      local path = written('_format_version: "3.0"\nservices:\n- name: s\n  url: https://h\n'
        .. "  routes: [{paths: [/]}, {paths: [/a]}]\nplugins: [{name: echo}]\n"
        .. "ca_certificates: [{cert: CERT ca=true}]\n")
      local out, err = exits(0, "check", path)
      assert.equal(path .. ": ok (1 service, 2 routes, 1 ca certificate, 1 plugin)\n", out)
      assert.equal(path .. ":3:3: warning: services[0] (s): "
        .. "upstream certificate is not verified (tls_verify is off)\n", err)
    end)

    it("prints one line for each finding", function()
      local path = written('_format_version: "3.0"\nservices:\n- host: 1\n  tls_verify_depth: 65\n')
      local out, err = exits(1, "check", path)
      assert.equal(("%s:3:9: services[0].host: expected a string\n"
        .. "%s:4:21: services[0].tls_verify_depth: value should be between 0 and 64\n")
        :format(path, path), out)
      assert.equal("", err)
    end)

    it("knows which plugins are enabled", function()
      local path = written('_format_version: "3.0"\nplugins: [{name: echo}]\n')
      exits(0, "check", path)
      local out = exits(1, "check", path, "--set", "plugins=off")
      assert.matches("plugin 'echo' not enabled", out)
    end)

    it("says what it cannot read", function()
      local _, err = exits(1, "check", "/no/such/file")
      assert.equal("Error: cannot read /no/such/file: No such file or directory\n", err)
    end)
  end)

  describe("echo", function()
    it("is a gateway with one listener and one plugin", function()
      local action = weir("echo", "--listen", "127.0.0.1:1")
      assert.equal("run", action.action)
      assert.equal(1, #action.listeners)
      assert.is_false(action.listeners[1].ssl)
      local blob = buffer.decode(action.blob)
      assert.same({ "echo" }, blob.settings.plugins)
      local declarative = require("weir.declarative")
      local config, findings = declarative.load(blob.source.text, { plugins = { "echo" } })
      assert.same({}, findings.errors)
      assert.same({}, findings.warnings)
      assert.same({ "/" }, config.routes[1].paths)
    end)

    it("terminates TLS with a key pair that fits", function()
      local cert, key = written("CERT name=a"), written("KEY name=a")
      local action = weir("echo", "--listen", "127.0.0.1:1", "--tls-cert", cert, "--tls-key", key)
      assert.is_true(action.listeners[1].ssl)
      assert.same({ cert }, buffer.decode(action.blob).settings.ssl_cert)
      local _, err = exits(1, "echo", "--listen", "127.0.0.1:1", "--tls-cert", cert, "--tls-key",
        written("KEY name=b"))
      assert.matches("^Error: %-%-tls%-cert: .*: certificate does not match key\n$", err)
      _, err = exits(1, "echo", "--listen", "127.0.0.1:1", "--tls-cert", "/no/such",
        "--tls-key", key)
      assert.matches("^Error: %-%-tls%-cert: cannot read /no/such: ", err)
    end)

    it("refuses an address that is none", function()
      local _, err = exits(1, "echo", "--listen", "nowhere")
      assert.matches("'nowhere' is not of the form IP:PORT", err)
    end)
  end)
end)
