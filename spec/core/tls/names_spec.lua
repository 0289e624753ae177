local forge = require "spec.support.forge"
local tls = require "spec.support.tls"
local ffi = require "ffi"

local C = tls.C
local ext = forge.ext

local root = forge.certificate({ subject = "names root", ca = true })

-- The verdict on a leaf with these SANs by a policy that wants these names.
local function judge(san, want, all)
  local leaf = forge.certificate({ subject = "names leaf", issuer = root,
    extensions = { ext.san(unpack(san)) } })
  local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)), names = want,
    names_all = all or false }))
  return tls.judge(policy, { leaf.pem })
end

describe("names", function()
  it("are normalised once", function()
    local names = assert(tls.names({ { C.NAME_DNS, "A.Example." }, { C.NAME_IP, "[0:0::1]" },
      { C.NAME_URI, "SPIFFE://Shop.Example/Web" }, { C.NAME_URI, "spiffe://shop.example/*" },
      { C.NAME_URI, "https://X.example/Y" } }))
    local texts = {}
    for i = 0, 4 do
      texts[i + 1] = ffi.string(names[i].text.p, names[i].text.n)
    end
    assert.same({ "a.example", "::1", "spiffe://shop.example/Web", "spiffe://shop.example/",
      "https://X.example/Y" }, texts)
    assert.same({ false, true }, { names[2].domain, names[3].domain })
  end)

  it("that do not parse are errors", function()
    for _, bad in ipairs({
      { 0, "a.example" }, { 5, "a.example" }, { C.NAME_DNS, "" }, { C.NAME_DNS, "*.example" },
      { C.NAME_DNS, "a b" }, { C.NAME_DNS, "10.0.0.1" }, { C.NAME_DNS, "a.example:443" },
      { C.NAME_DNS, "b\195\188cher.example" }, { C.NAME_IP, "a.example" },
      { C.NAME_IP, "10.0.0.1:80" }, { C.NAME_IP, "10.0.0" }, { C.NAME_URI, "no scheme" },
      { C.NAME_URI, "spiffe://" }, { C.NAME_URI, "spiffe:///path" },
      { C.NAME_URI, "spiffe://a/b*" }, { C.NAME_URI, "https://a/\n" }, { C.NAME_EMAIL, "nobody" },
    }) do
      local names, why = tls.names({ bad })
      assert.is_nil(names, bad[2])
      assert.is_true(#why > 0)
    end
  end)

  for _, row in ipairs({
    { "one of two", { "dns", "a.example", "dns", "b.example" }, { "b.example" }, "ok" },
    { "any of two wanted", { "dns", "a.example" }, { "c.example", "a.example" }, "ok" },
    { "none of two wanted", { "dns", "a.example" }, { "c.example", "d.example" }, "name_mismatch" },
    { "all of two", { "dns", "a.example", "dns", "b.example" }, { "a.example", "b.example" }, "ok",
      true },
    { "all of two, one missing", { "dns", "a.example" }, { "a.example", "b.example" },
      "name_mismatch", true },
    { "all of two, the first missing", { "dns", "b.example" }, { "a.example", "b.example" },
      "name_mismatch", true },
    { "a wildcard", { "dns", "*.example.com" }, { "x.example.com" }, "ok" },
    { "a wildcard over two labels", { "dns", "*.example.com" }, { "x.y.example.com" },
      "name_mismatch" },
    { "an address", { "ip", "\10\0\0\1" }, { "10.0.0.1" }, "ok" },
    { "an address as text", { "dns", "10.0.0.1" }, { "10.0.0.1" }, "name_mismatch" },
    { "a URI", { "uri", "https://a.example/x" }, { "https://a.example/x" }, "ok" },
    { "a longer URI", { "uri", "https://a.example/xy" }, { "https://a.example/x" },
      "name_mismatch" },
    { "a SPIFFE ID", { "uri", "spiffe://td.example/web" }, { "spiffe://td.example/web" }, "ok" },
    { "a SPIFFE ID in other case", { "uri", "SPIFFE://TD.example/web" },
      { "spiffe://td.example/web" }, "ok" },
    { "a SPIFFE ID with another path", { "uri", "spiffe://td.example/Web" },
      { "spiffe://td.example/web" }, "name_mismatch" },
    { "a trust domain", { "uri", "spiffe://td.example/web/1" }, { "spiffe://td.example/*" }, "ok" },
    { "a trust domain that only begins alike", { "uri", "spiffe://td.example.evil/web" },
      { "spiffe://td.example/*" }, "name_mismatch" },
    { "a trust domain's own ID", { "uri", "spiffe://td.example" }, { "spiffe://td.example/*" },
      "name_mismatch" },
    { "a SPIFFE ID beside another URI",
      { "uri", "spiffe://td.example/web", "uri", "https://a.example/" },
      { "spiffe://td.example/web" }, "name_mismatch" },
    { "a URI in a DNS name", { "dns", "https://a.example/x" }, { "https://a.example/x" },
      "name_mismatch" },
    { "a NUL in a URI", { "uri", "spiffe://td.example/web\0x" }, { "spiffe://td.example/web" },
      "name_mismatch" },
  }) do
    local what, san, wanted, code, all = unpack(row, 1, 5)
    it(("%s: %s"):format(what, code), function()
      local list = {}
      for i, text in ipairs(wanted) do
        list[i] = { text:find("://") and C.NAME_URI or text:find("^[%d.]+$") and C.NAME_IP
          or C.NAME_DNS, text }
      end
      assert.equal(code, assert(judge(san, list, all)).code)
    end)
  end

  it("that were seen and wanted are told, without control characters", function()
    local verdict = assert(judge({ "dns", "a.example", "ip", "\127\0\0\1", "uri", "x:\n\"" },
      { { C.NAME_DNS, "b.example" }, { C.NAME_URI, "spiffe://td.example/*" } }))
    assert.equal("DNS:a.example, IP:127.0.0.1, URI:x:??", verdict.seen)
    assert.equal("DNS:b.example, URI:spiffe://td.example/*", verdict.wanted)
    local names = {}
    for i = 1, 100 do
      names[2 * i - 1], names[2 * i] = "dns", ("n%d.example"):format(i)
    end
    assert.equal(511, #assert(judge(names, { { C.NAME_DNS, "b.example" } })).seen)
  end)

  it("of the policy count instead of the connection's", function()
    local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)),
      names = { { C.NAME_DNS, "a.example" } } }))
    local leaf = forge.certificate({ subject = "names leaf", issuer = root, dns = "a.example" })
    assert.equal("ok", tls.judge(policy, { leaf.pem }, "b.example").code)
    local own = assert(tls.policy({ trust = assert(tls.trust(root.pem)) }))
    assert.equal("name_mismatch", tls.judge(own, { leaf.pem }, "b.example").code)
    local off = assert(tls.policy({ trust = assert(tls.trust(root.pem)), verify_name = false }))
    assert.equal("ok", tls.judge(off, { leaf.pem }, "b.example").code)
  end)
end)
