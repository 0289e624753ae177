-- Configurations of thousands of entities: what is shared is held once, and what a load takes for a
-- while stays within bounds.

local fleet = require("spec.fixtures.fleet")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local workspace = require("spec.support.workspace")

local SERVICES, CAS = 10000, 144
local LIMIT = 150 * 1024 -- KiB
local CONSUMERS, CONSUMERS_LIMIT = 30000, 110 * 1024

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

describe("30,000 consumers with a key each", function()
  after_each(helpers.stop_all)

  -- Written as decK and as cjson do.
  local function text(format)
    local list = {}
    for i = 1, CONSUMERS do
      list[i] = format == "json"
        and ('{"username":"u%d","keyauth_credentials":[{"key":"key-of-%d"}]}'):format(i, i)
        or ("- username: u%d\n  keyauth_credentials:\n  - key: key-of-%d\n"):format(i, i)
    end
    if format == "json" then
      return '{"_format_version":"3.0","consumers":[' .. table.concat(list, ",") .. "]}"
    end
    return '_format_version: "3.0"\nconsumers:\n' .. table.concat(list)
  end

  for _, format in ipairs({ "yaml", "json" }) do
    it("load in bounded memory, from " .. format, function()
      local gateway = helpers.gateway({ config = text(format) })
      local peak = helpers.process.memory(gateway:worker_pid(), "VmHWM")
      assert.is_true(helpers.sanitized() or peak < CONSUMERS_LIMIT, peak .. " KiB")
    end)
  end
end)
