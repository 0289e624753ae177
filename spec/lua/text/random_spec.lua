-- Random UUIDs.

require("spec.support.fake_abi").install()
local random = require("weir.text.random")

describe("weir.text.random", function()
  it("makes version 4 UUIDs", function()
    local pattern = ("^H-h-4%x%x%x-[89ab]%x%x%x-Hh$"):gsub("-", "%%-")
      :gsub("H", ("%%x"):rep(8)):gsub("h", ("%%x"):rep(4))
    for _ = 1, 1000 do
      assert.matches(pattern, random.uuid())
    end
  end)

  it("makes no two alike, over several pages of random bytes", function()
    local seen = {}
    for _ = 1, 2000 do
      local id = random.uuid()
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("fills every place with every digit", function()
    local seen = {}
    for _ = 1, 2000 do
      local id = random.uuid()
      for i = 1, 36 do
        seen[i] = seen[i] or {}
        seen[i][id:sub(i, i)] = true
      end
    end
    for i, digits in ipairs(seen) do
      local count = 0
      for _ in pairs(digits) do
        count = count + 1
      end
      local want = (i == 9 or i == 14 or i == 19 or i == 24 or i == 15) and 1 or i == 20 and 4 or 16
      assert.equal(want, count)
    end
  end)
end)
