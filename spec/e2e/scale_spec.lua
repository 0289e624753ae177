-- Configurations of thousands of services: what is shared is held once, and what a load takes for a
-- while stays within bounds.

local fleet = require("spec.fixtures.fleet")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local workspace = require("spec.support.workspace")

local SERVICES, CAS = 10000, 144
local LIMIT = 150 * 1024 -- KiB

local function system_bundle()
  local list = {}
  for i = 1, CAS do
    list[i] = forge.certificate({ subject = "Root CA " .. i, key = "fleet", ca = true })
  end
  return workspace.write(workspace.directory() .. "/system.pem", forge.bundle(list))
end

describe("10,000 services with one bundle of 144 CAs", function()
  after_each(helpers.stop_all)

  for _, format in ipairs({ "yaml", "json" }) do
    it("hold it once and load in bounded memory, from " .. format, function()
      local gateway = helpers.gateway({
        config = fleet.system(format, SERVICES),
        settings = { tls_system_cas = system_bundle() },
      })
      local tls = gateway:tls()
      assert.equal(1, tls.policies)
      assert.equal(1, tls.trust_bundles)
      local peak = helpers.process.memory(gateway:worker_pid(), "VmHWM")
      assert.is_true(helpers.sanitized() or peak < LIMIT, peak .. " KiB")
    end)
  end
end)
