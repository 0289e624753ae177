require("spec.support.fake_core").install()
local pki = require("spec.fixtures.pki")
local null = require("cjson").null
local Schema = require("weir.schema")
local typedefs = require("weir.schema.typedefs")

local function message(field, value)
  local schema = assert(Schema.new({ fields = { { f = field } } }))
  local _, errors = schema:process({ f = value })
  return errors[1] and errors[1].message
end

describe("weir.schema.typedefs", function()
  local accepted = {
    http_method = { "GET", "PROPFIND" },
    protocol = { "http", "grpcs", "tls_passthrough" },
    host = { "a.b", "10.0.0.1", "::1" },
    host_with_optional_port = { "a:80", "a", "[::1]:80" },
    wildcard_host = { "a.b", "*.b", "a.*", "*" },
    sni = { "a.b" },
    ip = { "10.0.0.1", "::1" },
    cidr = { "10.0.0.0/8", "::/0" },
    cidr_v4 = { "10.0.0.0/8" },
    ip_or_cidr = { "10.0.0.1", "::/0" },
    port = { 0, 65535 },
    path = { "/", "/a/b%20c" },
    router_path = { "/", "/a", "~/a(b)//c" },
    url = { "http://a/b", "redis://h:1" },
    header_name = { "X-Thing", "x_thing" },
    cookie_name = { "session" },
    timeout = { 0, 2147483646 },
    uuid = { "bf6e0f14-78cd-45ad-9325-87ec7ef7b891" },
    name = { "a.b-c_d~1" },
    utf8_name = { "a.b", "größe" },
    tag = { "a b", "größe" },
    key = { "-----BEGIN PRIVATE KEY-----\nx", "-----BEGIN RSA PRIVATE KEY-----\nx" },
    certificate = { "CERT name=a" },
    no_route = { null },
    headers = { { ["x-a"] = { "1", "2" } } },
    sources = { { { ip = "10.0.0.0/8" }, { port = 1 } } },
    redis_host = { "a.b", "10.0.0.1" },
    redis_server_name = { "a.b" },
    semantic_version = { "1", "1.2.3", "1.2.3-rc.1" },
    ttl = { 0.5 },
    capability = { "proxy-wasm", "v2" },
    methods = { { "GET", "POST" } },
    hosts = { { "a.b:80", "*.b" } },
    protocols = { { "tcp", "tls" } },
    protocols_http = { { "http", "grpcs" } },
    tags = { { "a", "b" } },
    no_methods = { null },
    lua_code = { { field = "return 1" } },
    jwk = {
      '{"kid":"1","kty":"oct","k":"AA"}', '{"kid":"1","kty":"EC","crv":"P-256","x":"A","y":"B"}',
    },
    propagation = { { extract = { "w3c" }, inject = { "preserve" }, default_format = "w3c" } },
  }
  local refused = {
    http_method = { get = "invalid value: get" },
    protocol = {
      ftp = "expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp",
    },
    host = { ["a:80"] = "must not have a port", ["a:x"] = "must not have a port",
      ["a b"] = "invalid value: a b" },
    host_with_optional_port = {
      ["a b"] = "invalid hostname: a b", ["a:x"] = "invalid port number",
    },
    wildcard_host = {
      ["*.*"] = "only one wildcard must be specified",
      ["a.*.b"] = "wildcard must be leftmost or rightmost character",
      ["10.0.0.1"] = "must not be an IP",
      ["a:80"] = "must not have a port",
      ["*.a:80"] = "must not have a port",
    },
    ip = { ["a.b"] = "not an ip address: a.b" },
    cidr = { ["10.0.0.0"] = "invalid cidr range: 10.0.0.0",
      ["x/8"] = "invalid cidr range: invalid IP address 'x'" },
    cidr_v4 = { ["::/0"] = "invalid cidr range: ::/0" },
    ip_or_cidr = { x = "invalid ip or cidr range: 'x'" },
    path = { a = "should start with: /", ["/a//b"] = "must not have empty segments" },
    router_path = {
      a = "should start with: / (fixed path) or ~/ (regex path)",
      ["/a//b"] = "must not have empty segments",
      ["//"] = "must not have empty segments",
      ["/a/../b"] = "non-normalized path, consider use '/b' instead",
      ["~/("] = "invalid regex: '/(' (PCRE returned: missing closing parenthesis)",
    },
    url = { ["a/b"] = "missing scheme in url", ["http:///b"] = "missing host in url" },
    header_name = { ["a b"] = "bad header name 'a b', "
      .. "allowed characters are A-Z, a-z, 0-9, '_', and '-'" },
    utf8_name = {
      ["a b"] = "invalid value 'a b': "
        .. "the only accepted ascii characters are alphanumerics or ., -, _, and ~",
      ["ab\255"] = "invalid utf-8 character sequence detected at position 3",
    },
    tag = { ["a,b"] = "invalid tag 'a,b': expected printable ascii (except `,` and `/`) "
      .. "or valid utf-8 sequences" },
    key = { x = "invalid key: no PEM private key found" },
    certificate = { x = "invalid certificate: no PEM certificate found" },
    no_route = { x = "value must be null" },
    no_service = { x = "value must be null" },
    no_consumer = { x = "value must be null" },
    no_consumer_group = { x = "value must be null" },
    redis_host = { ["a:80"] = "must not have a port" },
    redis_server_name = { ["10.0.0.1"] = "must not be an IP" },
    sni = { ["a:80"] = "must not have a port" },
    cookie_name = { ["a b"] = "invalid cookie name 'a b'" },
    port = { [65536] = "value should be between 0 and 65535" },
    timeout = { [-1] = "value should be between 0 and 2147483646" },
    uuid = { x = "expected a valid UUID" },
    auto_timestamp_s = { [0] = "expected a valid timestamp", [1.5] = "expected an integer" },
    auto_timestamp_ms = { [0] = "expected a valid timestamp" },
    name = { ["a b"] = "it must only contain alphanumeric and '., -, _, ~' characters" },
    ttl = { [0] = "value must be greater than 0" },
    semantic_version = {
      x = "invalid version number: must be in format of X.Y.Z",
      ["1..2"] = "must not have empty version segments",
    },
    capability = {
      ["a b"] = "invalid capability: must be made of letters, digits, '_' and '-'",
    },
    jwk = {
      ["{"] = "could not json decode jwk string",
      ['{"kty":"oct","k":"AA"}'] = "jwk must have a kid",
      ['{"kid":"1","kty":"oct"}'] = "could not load JWK, likely not a valid key",
      ['{"kid":"1","kty":"none"}'] = "could not load JWK, likely not a valid key",
    },
  }
  for name, values in pairs(accepted) do
    it("accept for " .. name, function()
      for _, value in ipairs(values) do
        assert.is_nil(message(typedefs[name], value))
      end
    end)
  end
  for name, values in pairs(refused) do
    it("refuse for " .. name, function()
      for value, expected in pairs(values) do
        assert.equal(expected, message(typedefs[name], value))
      end
    end)
  end

  it("refuse what is wrong inside", function()
    for name, case in pairs({
      methods = { { "get" }, "invalid value: get" },
      hosts = { { "a.*.b" }, "invalid wildcard: must be placed at leftmost or rightmost label" },
      protocols = { {}, "length must be at least 1" },
      protocols_http = { { "tcp" }, "expected one of: grpc, grpcs, http, https" },
      sources = { { {} }, "at least one of these fields must be non-empty: 'ip', 'port'" },
      tags = { { "a/b" }, "invalid tag 'a/b': expected printable ascii (except `,` and `/`) or "
        .. "valid utf-8 sequences" },
      propagation = { { extract = { "x" }, default_format = "w3c" },
        "expected one of: ot, w3c, datadog, b3, gcp, jaeger, aws" },
      pem = { {}, "at least one of these fields must be non-empty: 'private_key', 'public_key'" },
    }) do
      local schema = assert(Schema.new({ fields = { { f = typedefs[name] } } }))
      local _, errors = schema:process({ f = case[1] })
      assert.equal(1, #errors, name)
      assert.equal(case[2], errors[1].message, name)
    end
  end)

  it("refuse Lua that does not compile", function()
    assert.matches("^Error parsing function: ", message(typedefs.lua_code.values, "return ("))
  end)

  it("know pairs of keys from others", function()
    local function key(name)
      local identity = pki.get(name)
      return pki.text(identity.key), require("resty.openssl.pkey").new(pki.text(identity.key))
    end
    local private, pair = key("root")
    local _, other = key("leaf")
    assert.is_nil(message(typedefs.pem, { private_key = private, public_key = pair:to_PEM() }))
    assert.is_nil(message(typedefs.pem, { public_key = pair:to_PEM() }))
    assert.equal("public key does not match private key",
      message(typedefs.pem, { private_key = private, public_key = other:to_PEM() }))
    assert.equal("could not load private key: it is a public one",
      message(typedefs.pem, { private_key = pair:to_PEM() }))
    assert.matches("^could not load public key: ", message(typedefs.pem, { public_key = "x" }))
  end)

  it("are all of Kong's", function()
    for name in ([[http_method protocol host redis_host host_with_optional_port wildcard_host ip
      ip_or_cidr cidr cidr_v4 port path url cookie_name header_name timeout uuid auto_timestamp_s
      auto_timestamp_ms no_route no_service no_consumer name utf8_name sni redis_server_name
      certificate key tag tags capability protocols protocols_http sources destinations no_sources
      no_destinations methods no_methods hosts no_hosts router_path router_paths paths no_paths
      headers no_headers semantic_version pem jwk queue propagation lua_code ttl]]):gmatch("%S+") do
      assert(Schema.new({ fields = { { f = typedefs[name] } } }))
    end
  end)

  it("refuse the Host field among a route's headers", function()
    assert.equal("cannot contain 'host' header, which must be specified in the 'hosts' attribute",
      message(typedefs.headers, { HOST = { "a" } }))
  end)

  it("can be called with attributes to add or replace, and stay as they are", function()
    local port = typedefs.port { default = 80 }
    assert.equal(80, port.default)
    assert.is_nil(typedefs.port.default)
    assert.same({ 1, 2 }, port({ between = { 1, 2 } }).between)
    assert.equal("integer", port.type)
  end)

  it("have a queue for plugins", function()
    local schema = assert(Schema.new({ fields = { { queue = typedefs.queue } } }))
    assert.equal(10000, schema:process({}).queue.max_entries)
  end)

  it("are what plugins written for Kong load", function()
    assert.equal(typedefs, require("kong.db.schema.typedefs"))
  end)

  it("say which typedef does not exist", function()
    assert.has_error(function() return typedefs.nonsense end,
      "schema typedef error: definition nonsense does not exist")
  end)
end)

describe("kong.db.schema", function()
  it("has plugins define fields that can be added to where they are used, like typedefs", function()
    local define = require("kong.db.schema").define
    local tag = define({
      type = "record", fields = { { name = { type = "string", required = true } } },
    })
    assert.equal("required field missing", message(tag({ required = true }), { name = null }))
    local short = define({ type = "string" })({ len_max = 2 })
    assert.equal("length must be at most 2", message(short, "abc"))
    assert.equal("expected one of: x", message(short({ one_of = { "x" } }), "y"))
    assert.is_nil(tag.required)
  end)
end)
