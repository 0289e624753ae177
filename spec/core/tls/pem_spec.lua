local cimport = require "spec.support.cimport"
local pki = require "spec.fixtures.pki"
local tls = require "spec.support.tls"
local ffi = require "ffi"

local C = cimport("tls/pem.h")

ffi.cdef "void free(void *p);"

-- C calls back into Lua during handshakes (spec.support.tls).
jit.off(true, true)

local function read(text)
  local list, why = ffi.new("struct pem_list"), ffi.new("char[256]")
  local err = C.pem_certificates(ffi.new("struct str", { ffi.cast("const char *", text), #text }),
    list, why)
  local blocks = {}
  for i = 0, list.count - 1 do
    blocks[i + 1] = ffi.string(list.block[i].der, list.block[i].n)
  end
  C.pem_free(list)
  assert.equal(0, list.count)
  return err == nil and blocks or nil, ffi.string(why)
end

describe("pem", function()
  local root, leaf

  setup(function()
    root, leaf = pki.pem(pki.get("root")), pki.pem(pki.get("leaf"))
  end)

  it("finds the certificates of a text, in order", function()
    local blocks = assert(read("subject: x\n" .. leaf .. "\n# and\r\n" .. root))
    assert.equal(2, #blocks)
    assert.same({ blocks[2], blocks[1] }, read(root .. leaf))
    assert.equal("\x30\x82", blocks[1]:sub(1, 2))
  end)

  it("takes the old spelling of the first line and other line ends", function()
    assert.equal(1, #assert(read((root:gsub("CERTIFICATE", "X509 CERTIFICATE")))))
    assert.equal(1, #assert(read((root:gsub("\n", "\r\n")))))
  end)

  it("keeps what came before an error", function()
    local blocks, why = read(root .. pki.text(pki.get("leaf").key))
    assert.is_nil(blocks)
    assert.matches("block 2: not a certificate but EC PRIVATE KEY", why)
  end)

  it("are written as they were read, cut at a whole one", function()
    local client = assert(tls.client(assert(tls.policy({}))))
    local near = tls.handshake(client, assert(tls.server({}, tls.identity(pki.get("leaf")))))
    local certs = C.tls_client_presented(near.conn).certs
    local own = pki.pem(pki.get("leaf")):match("%-%-%-%-%-BEGIN.*")
    local both = own .. pki.pem(pki.get("inter")):match("%-%-%-%-%-BEGIN.*")
    for max, expected in pairs({
      [#both] = both, [#both + 1] = both, [#both - 1] = own, [#own] = own, [#own - 1] = "",
    }) do
      local text = C.pem_write(certs, max)
      assert.equal(expected, text.n > 0 and ffi.string(text.p) or "")
      ffi.C.free(ffi.cast("void *", text.p))
    end
    tls.close_all()
  end)

  it("refuses texts without certificates and lines that are misspelt", function()
    assert.same({ nil, "no certificate in it" }, { nil, select(2, read("")) })
    assert.same({ nil, "no certificate in it" }, { nil, select(2, read("\0\0")) })
    assert.matches("blocks cannot be read", select(2, read(root .. "-----BEGIN CERTIFICATE----\n")))
  end)
end)
