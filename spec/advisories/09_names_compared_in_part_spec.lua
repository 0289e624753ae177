-- ATS 12f9ba56f5, 92693e8eb6: names were compared over the shorter length, patterns not anchored.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

local NAME = "up.example.com"

local OTHERS = {
  longer = "up.example.com.evil.test", shorter = "up.exam", prefix = "up.example.co",
  suffix = "p.example.com", joined = "xup.example.com", dot = "up.example.com..",
  star_end = "up.example.*", star_inside = "up.*.com", star_part = "u*.example.com",
  any_char = "up?example?com", pattern = ".*", parent = "example.com",
}

describe("advisory 9, names that are alike in part:", function()
  local world

  setup(function()
    local listeners = { good = { tls = advisory.leaf({ dns = NAME }) } }
    for name, dns in pairs(OTHERS) do
      listeners[name] = { tls = advisory.leaf({ dns = dns }) }
    end
    world = advisory.world({ listeners = listeners })
  end)
  teardown(helpers.stop_all)

  for name, dns in pairs(OTHERS) do
    it(("%s is not %s"):format(dns, NAME), function()
      world:refuses(name, NAME, "does not match")
    end)
  end

  it("the certificate is not good for parts of its name", function()
    world:accepts("good", NAME)
    for _, host in ipairs({ "up.example.com.evil.test", "up.example.co", "example.com", "up" }) do
      world:refuses("good", host, "does not match")
    end
  end)
end)
