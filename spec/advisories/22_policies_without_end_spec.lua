-- OpenSSL CVE-2023-0464: chains with policies cost time that grew exponentially with their length.
-- Likewise chains with many ways up, and certificates of any size.

local advisory = require("spec.support.advisory")
local der = require("spec.support.der")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local ext = forge.ext

-- Certificate policies and mappings of each onto all of the next layer.
local function policies(layer, width)
  local list, mappings = {}, {}
  for i = 1, width do
    list[i] = der.sequence(der.oid(("1.2.%d.%d"):format(layer, i)))
    for j = 1, width do
      mappings[#mappings + 1] = der.sequence(der.oid(("1.2.%d.%d"):format(layer, i)),
        der.oid(("1.2.%d.%d"):format(layer + 1, j)))
    end
  end
  return ext.raw("2.5.29.32", false, der.sequence(unpack(list))),
    ext.raw("2.5.29.33", true, der.sequence(unpack(mappings)))
end

local function policy_tree(depth, width)
  local chain, issuer = {}, advisory.root()
  for layer = 1, depth do
    issuer = forge.certificate({ subject = "tree " .. layer, ca = true, issuer = issuer,
      more = { policies(layer, width) } })
    table.insert(chain, 1, issuer)
  end
  table.insert(chain, 1, forge.certificate({ subject = "leaf", issuer = issuer }))
  return forge.identity(chain)
end

local function maze(layers, width)
  local function issuer(layer)
    return { name = forge.name("maze " .. layer), key = forge.key("maze " .. layer) }
  end
  local chain = { forge.certificate({ subject = "leaf", issuer = issuer(1) }) }
  for layer = 1, layers do
    for _ = 1, width do
      chain[#chain + 1] = forge.certificate({ subject = "maze " .. layer, ca = true,
        issuer = issuer(layer + 1) })
    end
  end
  return forge.identity(chain)
end

describe("advisory 22, a chain made to cost time:", function()
  local world

  setup(function()
    world = advisory.world({ listeners = {
      good = { tls = advisory.leaf() },
      policies = { tls = policy_tree(12, 6), close = true, tickets = 0 },
      maze = { tls = maze(9, 9), close = true, tickets = 0 },
    } })
  end)
  teardown(helpers.stop_all)

  -- Times are those of the gateway's own CPU, so that a busy machine does not matter.
  local function cost(work)
    local pid = world.gateway:worker_pid()
    local before = helpers.process.cpu_us(pid)
    work()
    return (helpers.process.cpu_us(pid) - before) / 1e6
  end

  it("with policies mapped onto each other is judged in no time", function()
    assert.is_true(cost(function()
      for _ = 1, 5 do
        world:ask("policies")
      end
    end) < 2)
  end)

  it("with exponentially many ways that lead nowhere is refused in no time", function()
    assert.is_true(cost(function()
      for _ = 1, 5 do
        world:refuses("maze")
      end
    end) < 2)
    world:accepts("good")
  end)
end)
