-- What plugins can read of a peer's certificates, read in a handshake.

local ffi = require "ffi"
local forge = require "spec.support.forge"
local tls = require "spec.support.tls"

local C = tls.C
local ext = forge.ext

local root = forge.certificate({ subject = "presented root", ca = true })
local NAMES = { { "dns", "a.example" }, { "uri", "spiffe://domain/a" }, { "ip", "\127\0\0\1" },
  { "dns", "b.example\0.c.example" }, { "email", "a@b.example" }, { "ip", "\1\2\3" },
  { "ip", ("\0"):rep(15) .. "\1" } }

describe("shown", function()
  local arena = ffi.new("struct arena")

  setup(function() C.arena_init(arena, nil) end)
  teardown(function() C.arena_done(arena) end)
  after_each(tls.close_all)

  -- Runs `look` while the chain is judged; gives what it returned.
  local function shown(leaf, look)
    local identity = forge.identity({ leaf, root })
    local near, far = tls.pair()
    local result
    near.judge = function(presented)
      result = look(presented)
      return true
    end
    far:accept(assert(tls.server({}, tls.identity(identity))))
    near:connect(assert(tls.client(assert(tls.policy({
      trust = assert(tls.trust(root.pem)), verify_name = false, judges = "one", resume = false,
    })))), "kong.example", nil)
    tls.run(function() return near.ready or near.failed end)
    assert.is_true(near.ready, near:reason())
    return result
  end

  local function text(presented, index, what)
    local s = C.shown_text(presented, index, what, arena)
    return s.p ~= nil and ffi.string(s.p, s.n) or nil
  end

  it("has texts of any length", function()
    local long = ("x"):rep(60)
    local leaf = forge.certificate({ subject = long, issuer = root })
    local texts = shown(leaf, function(p)
      return { text(p, 0, C.SHOWN_DER), text(p, 0, C.SHOWN_PEM),
        text(p, 0, C.SHOWN_SUBJECT), text(p, 0, C.SHOWN_ISSUER),
        text(p, 1, C.SHOWN_DER), text(p, 2, C.SHOWN_DER) or "none" }
    end)
    assert.same({ leaf.der, leaf.pem, "CN=" .. long, "CN=presented root", root.der, "none" }, texts)
  end)

  it("has details, of the certificates that there are", function()
    local leaf = forge.certificate({ subject = "detailed", issuer = root, serial = 4660 })
    local details = shown(leaf, function(p)
      local out = ffi.new("struct x509_detail")
      local first = { C.shown_detail(p, 0, out), ffi.string(out.serial), out.is_ca,
        ffi.string(out.sha256) }
      return { first, C.shown_detail(p, 1, out) and out.is_ca, C.shown_detail(p, 2, out) }
    end)
    local hex = forge.digest("SHA256", leaf.der):gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end)
    assert.same({ { true, "1234", false, hex }, true, false }, details)
  end)

  it("has names byte for byte, addresses written out, and says how many there are", function()
    local sans = {}
    for i, name in ipairs(NAMES) do
      sans[2 * i - 1], sans[2 * i] = name[1], name[2]
    end
    local leaf = forge.certificate({ subject = "named", issuer = root,
      extensions = { ext.san(unpack(sans)) } })
    local result = shown(leaf, function(p)
      local out = ffi.new("struct shown_name[8]")
      local count = C.shown_names(p, 0, out, 8, arena)
      local names = {}
      for i = 0, count - 1 do
        names[i + 1] = { out[i].kind, ffi.string(out[i].text.p, out[i].text.n) }
      end
      return { names, C.shown_names(p, 0, out, 2, arena), C.shown_names(p, 1, out, 8,
        arena), C.shown_names(p, 9, out, 8, arena) }
    end)
    assert.same({
      { { C.NAME_DNS, "a.example" }, { C.NAME_URI, "spiffe://domain/a" },
        { C.NAME_IP, "127.0.0.1" }, { C.NAME_DNS, "b.example\0.c.example" },
        { C.NAME_EMAIL, "a@b.example" }, { C.NAME_IP, "::1" } },
      6, 0, 0,
    }, result)
  end)

  it("has nothing of nothing", function()
    local p = ffi.new("struct shown")
    assert.equal(0, C.shown_count(p))
    assert.is_nil(text(p, 0, C.SHOWN_PEM))
  end)
end)
