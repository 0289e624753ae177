local ip = require("weir.text.ip")
local ip_blocks = require("weir.text.ip_blocks")

describe("weir.text.ip_blocks", function()
  local blocks = assert(ip_blocks.new({
    ["10.0.0.0/8"] = "net", ["10.1.2.3"] = "host", ["10.1.0.0/15"] = "odd",
    ["2001:db8::/33"] = "net6", ["::1"] = "host6",
  }))

  for address, value in pairs({
    ["10.255.255.255"] = "net", ["11.0.0.0"] = false, ["9.255.255.255"] = false,
    ["10.1.2.3"] = "host", ["10.1.2.4"] = "odd", ["10.0.255.255"] = "odd", ["10.2.0.0"] = "net",
    ["2001:db8:7fff::1"] = "net6", ["2001:db8:8000::"] = false, ["::1"] = "host6",
    ["::a00:1"] = false,
  }) do
    it(("finds %s for %s"):format(tostring(value), address), function()
      assert.equal(value or nil, blocks:find(ip.bytes(address)))
    end)
  end

  it("has a block that holds every address of its family, and no other", function()
    local all = assert(ip_blocks.new({ ["0.0.0.0/0"] = 1 }))
    assert.equal(1, all:find(ip.bytes("255.255.255.255")))
    assert.is_nil(all:find(ip.bytes("::1")))
  end)

  it("says what is no block", function()
    assert.same({ nil, "invalid IP address 'x'" }, { ip_blocks.new({ x = 1 }) })
  end)
end)
