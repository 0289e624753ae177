-- PEM texts taken apart.

local pem = require("weir.text.pem")

local function block(label, body)
  return ("-----BEGIN %s-----\n%s\n-----END %s-----\n"):format(label, body, label)
end

describe("weir.text.pem", function()
  it("finds each block, whatever stands around it", function()
    local first, second = block("CERTIFICATE", "YQ==\nYg=="), block("X509 CERTIFICATE", "Yw==")
    assert.same({ first, second }, pem.blocks(first .. second))
    assert.same({ first, second }, pem.blocks("# one\n" .. first .. "\n\n# two\n" .. second .. "x"))
  end)

  it("gives the last one an end of line", function()
    local text = block("CERTIFICATE", "YQ==")
    assert.same({ text }, pem.blocks((text:gsub("\n$", ""))))
  end)

  it("finds none where there is none", function()
    assert.same({}, pem.blocks(""))
    assert.same({}, pem.blocks("-----BEGIN CERTIFICATE-----\nYQ==\n"))
  end)
end)
