local ffi = require("ffi")
local cimport = require("spec.support.cimport")
local http = require("spec.support.http")
local C, str = cimport("conf/settings.h"), http.str

local function parse(text)
  local range = ffi.new("struct cidr")
  local err = C.cidr_parse(str(text), range)
  return err == nil and range or nil
end

local function address(text)
  local a = ffi.new("struct addr")
  assert(C.addr_parse(str(text), 0, a) == nil, text)
  return a
end

describe("conf/settings", function()
  it("reads addresses and ranges", function()
    for text, bits in pairs({
      ["10.0.0.0/8"] = 8, ["10.1.2.3"] = 32, ["0.0.0.0/0"] = 0, ["::1"] = 128, ["fd00::/8"] = 8,
      ["::/0"] = 0, ["::1/128"] = 128,
    }) do
      assert.equal(bits, parse(text).bits, text)
    end
  end)

  it("refuses what is neither", function()
    for _, text in ipairs({
      "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8x", "10.0.0.0/-1", "10.0.0.0/0008",
      "a.test", "10.0.0/8", "10.0.0.0/8/8",
    }) do
      assert.is_nil(parse(text), text)
    end
  end)

  describe("trusts", function()
    local function trusts(ranges, text)
      local list = ffi.new("struct cidr[?]", math.max(#ranges, 1))
      for i, range in ipairs(ranges) do
        list[i - 1] = parse(range)
      end
      local settings = ffi.new("struct settings", { trusted = list, trusted_count = #ranges })
      return C.settings_trusts(settings, address(text))
    end

    it("nobody by default", function()
      assert.is_false(trusts({}, "127.0.0.1"))
    end)

    local rows = {
      { "10.0.0.0/8", "10.255.1.2", true }, { "10.0.0.0/8", "11.0.0.0", false },
      { "10.128.0.0/9", "10.127.255.255", false }, { "10.128.0.0/9", "10.128.0.0", true },
      { "192.0.2.1", "192.0.2.1", true }, { "192.0.2.1", "192.0.2.2", false },
      { "192.0.2.0/31", "192.0.2.1", true }, { "0.0.0.0/0", "1.2.3.4", true },
      { "0.0.0.0/0", "::1", false }, { "::/0", "1.2.3.4", false },
      { "fd00::/7", "fc00::1", true }, { "fd00::/8", "fc00::1", false },
      { "2001:db8::/33", "2001:db8:8000::", false }, { "2001:db8::/33", "2001:db8:7fff::", true },
    }
    for _, row in ipairs(rows) do
      it(("%s: %s %s"):format(row[1], row[2], row[3] and "" or "not"), function()
        assert.equal(row[3], trusts({ row[1] }, row[2]))
        assert.equal(row[3], trusts({ "203.0.113.0/24", row[1] }, row[2]))
      end)
    end

    -- Bit by bit, as nobody would write it but everybody can read it.
    it("what a comparison of bits trusts", function()
      math.randomseed(1)
      for _ = 1, 2000 do
        local base, bits = math.random(0, 2 ^ 32 - 1), math.random(0, 32)
        local other = bit.bxor(base, bit.lshift(math.random(0, 255), math.random(0, 31))) % 2 ^ 32
        local function dotted(n)
          return ("%d.%d.%d.%d"):format(n / 2 ^ 24, n / 2 ^ 16 % 256, n / 2 ^ 8 % 256, n % 256)
        end
        local same = math.floor(base / 2 ^ (32 - bits)) == math.floor(other / 2 ^ (32 - bits))
        local range = dotted(base) .. "/" .. bits
        assert.equal(same, trusts({ range }, dotted(other)), range .. " " .. dotted(other))
      end
    end)
  end)
end)
