-- What a plugin sees of an upstream's certificates, read when it asks.

local fake = require("spec.support.fake_abi")

describe("weir.tls.chain", function()
  local chain, C, certificates, reads

  -- The core's side of a handshake with these certificates.
  local function present(list, verified)
    certificates, reads = list, {}
    function C.weir_chain(out)
      if not certificates then
        return -1
      end
      out.certificates, out.verified, out.port = #certificates, verified and 1 or 0, 8443
      out.name.p, out.name.n = "up.example", 10
      out.sni.p, out.sni.n = "", 0
      out.ip.p, out.ip.n = "10.0.0.1", 8
      return 0
    end
    function C.weir_chain_text(index, what, out)
      local text = certificates[index + 1].texts[tonumber(what)]
      reads[#reads + 1] = text
      if not text then
        return -2
      end
      out.p, out.n = text, #text
      return 0
    end
    function C.weir_chain_detail(index, out)
      local certificate = certificates[index + 1]
      if not certificate.details then
        return -2
      end
      for name, value in pairs(certificate.details) do
        out[name] = value
      end
      return 0
    end
    function C.weir_chain_names(index, out, max)
      local names = certificates[index + 1].names
      for i = 1, math.min(max, #names) do
        out[i - 1].kind = names[i][1]
        out[i - 1].value.p, out[i - 1].value.n = names[i][2], #names[i][2]
      end
      return #names
    end
  end

  local function certificate(name)
    return {
      texts = { [0] = name .. " pem", name .. " der", "CN=" .. name, "CN=issuer" },
      details = {
        not_before = 10, not_after = 20, is_ca = 1, path_length = -1, sha256 = "ab", serial = "01",
      },
      names = { { 1, "a.example" }, { 3, "spiffe://d/a" }, { 1, "b\0.example" }, { 2, "::1" },
        { 4, "a@b" } },
    }
  end

  before_each(function()
    fake.install()
    C = require("weir.abi").C
    package.loaded["weir.tls.chain"] = nil
    chain = require("weir.tls.chain")
    present({ certificate("leaf"), certificate("root") }, true)
  end)

  after_each(function()
    package.loaded["weir.tls.chain"] = nil
    for name in pairs({ weir_chain = 1, weir_chain_text = 1, weir_chain_detail = 1,
      weir_chain_names = 1 }) do
      C[name] = nil
    end
  end)

  it("is a list with the leaf first, and says who the peer is", function()
    local opened = chain.open()
    assert.equal(2, #opened)
    assert.is_nil(opened[3])
    assert.equal(opened[2], opened.anchor)
    assert.is_true(opened.verified)
    assert.same({ name = "up.example", ip = "10.0.0.1", port = 8443 }, opened.peer)
  end)

  it("has no anchor where nothing was verified", function()
    present({ certificate("leaf") }, false)
    local opened = chain.open()
    assert.is_false(opened.verified)
    assert.is_nil(opened.anchor)
  end)

  it("reads fields when they are asked for, once", function()
    local leaf = chain.open()[1]
    assert.same({}, reads)
    assert.same({ "leaf pem", "leaf pem", "leaf der", "CN=leaf", "CN=issuer" },
      { leaf.pem, leaf.pem, leaf.der, leaf.subject, leaf.issuer })
    assert.equal(4, #reads)
    assert.same({ 10, 20, true, "ab", "01" },
      { leaf.not_before, leaf.not_after, leaf.is_ca, leaf.sha256, leaf.serial })
    assert.is_nil(leaf.path_length)
    assert.is_nil(leaf.no_such_field)
  end)

  it("sorts names by their kind, byte for byte", function()
    assert.same({
      dns = { "a.example", "b\0.example" }, ip = { "::1" }, uri = { "spiffe://d/a" },
      email = { "a@b" },
    }, chain.open()[1].names)
  end)

  it("has all names of a certificate with very many", function()
    for i = 1, 100 do
      certificates[1].names[i] = { 1, "host" .. i }
    end
    local names = chain.open()[1].names
    assert.equal(100, #names.dns)
    assert.equal("host100", names.dns[100])
  end)

  it("raises what cannot be read", function()
    certificates[1].texts, certificates[1].details = {}, nil
    local leaf = chain.open()[1]
    assert.has_error(function() return leaf.subject end,
      "the subject of certificate 1 cannot be read")
    assert.has_error(function() return leaf.sha256 end, "certificate 1 cannot be read")
  end)

  it("cannot be read when the handshake is over, nor in another's", function()
    local first = chain.open()
    assert.equal("leaf pem", first[1].pem)
    chain.close()
    local text = "a certificate can only be read while upstream_verify runs"
    assert.error_matches(function() return first[1].der end, text)
    local second = chain.open()
    assert.error_matches(function() return first[1].der end, text)
    assert.equal("leaf der", second[1].der)
    assert.equal("leaf pem", first[1].pem)
  end)

  it("is not there outside of handshakes", function()
    certificates = nil
    assert.has_error(chain.open, "no upstream is being judged")
  end)

  it("keeps nothing alive", function()
    local opened = setmetatable({ chain.open() }, { __mode = "v" })
    chain.close()
    collectgarbage()
    collectgarbage()
    assert.is_nil(opened[1])
  end)
end)
