local cimport = require "spec.support.cimport"
local pki = require "spec.fixtures.pki"
local ffi = require "ffi"

local C = cimport("tls/pem.h")

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

  it("refuses texts without certificates and lines that are misspelt", function()
    assert.same({ nil, "no certificate in it" }, { nil, select(2, read("")) })
    assert.same({ nil, "no certificate in it" }, { nil, select(2, read("\0\0")) })
    assert.matches("blocks cannot be read", select(2, read(root .. "-----BEGIN CERTIFICATE----\n")))
  end)
end)
