local cimport = require "spec.support.cimport"
local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local socket = require "socket"
local workspace = require "spec.support.workspace"
local ffi = require "ffi"

local C = cimport("tls/probe.h")

local function probe(port, want, name, timeout)
  local addr, out = ffi.new("struct addr"), ffi.new("struct verdict")
  assert(C.addr_parse(tls.str("127.0.0.1"), port, addr) == nil)
  local chain, why = ffi.new("char[8192]"), ffi.new("char[256]")
  local err = C.probe_run(addr, assert(tls.policy(want or {})), tls.name(name or "kong.example"),
    timeout or 20000, out, chain, 8192, why)
  return {
    code = ffi.string(C.verdict_code_name(out.code)), anchor = ffi.string(out.anchor),
    chain = ffi.string(chain), why = ffi.string(why),
    err = err ~= nil and ffi.string(err.code) or nil,
  }
end

local function serve(name, ...)
  local identity = pki.get(name)
  local _, port = tls.s_server("-rev", "-cert", identity.cert, "-key", identity.key,
    "-cert_chain", identity.chain, ...)
  return port
end

describe("probe", function()
  after_each(workspace.stop_all)

  it("tells the verdict and the chain of a server that it would speak to", function()
    local seen = probe(serve("leaf"))
    assert.same({ "ok", "CN=weir test root" }, { seen.code, seen.anchor })
    assert.is_nil(seen.err)
    local _, count = seen.chain:gsub("BEGIN CERTIFICATE", "")
    assert.is_true(count >= 2)
    assert(tls.trust(seen.chain))
  end)

  it("tells them of one that it refuses, too", function()
    local seen = probe(serve("expired"))
    assert.equal("expired", seen.code)
    assert.is_nil(seen.err)
    assert.matches("BEGIN CERTIFICATE", seen.chain)
    assert.equal("name_mismatch", probe(serve("leaf"), {}, "other.example").code)
  end)

  it("tells why there was nothing to judge", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local port = tonumber((select(2, listener:getsockname())))
    local silent = probe(port, {}, nil, 100)
    assert.same({ "unverified", "" }, { silent.code, silent.chain })
    assert.is_true(silent.err ~= nil and #silent.why > 0)
    listener:close()
    assert.equal("refused", probe(port).err)
  end)
end)
