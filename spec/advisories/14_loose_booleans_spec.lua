-- Traefik 14a1aedf57: `InsecureSkipVerify = (verify == "on")`, and whatever else was not "on".

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

local FILE = [[
_format_version: "3.0"
ca_certificates:
- id: 00000000-0000-4000-8000-000000000001
  cert: |
%s
services:
- name: up
  protocol: https
  host: 127.0.0.1
  port: 1
  %s
  ca_certificates: [00000000-0000-4000-8000-000000000001]
  routes: [{ name: up, paths: [/up] }]
]]

local REFUSED = {
  "tls_verify: 'on'", "tls_verify: 'off'", "tls_verify: 'true'", "tls_verify: 'false'",
  "tls_verify: 1", "tls_verify: 0", "tls_verify: ''", "tls_verify: ON_", "tls_verify: yess",
  "tls_verify: TRUE1", "tls_verify: []", "tls_verify: {}", "tls_verify: [true]",
  "tls_verfy: true", "tls-verify: true", "TLS_VERIFY: true", "tls_verify_depth: '1'",
  "tls_verify_depth: -1", "tls_verify_depth: 65", "tls_verify_depth: 1.5",
  "tls_verify_depth: true", "tls_verify: true\n  tls_verify: false",
}

describe("advisory 14, values that are not quite booleans:", function()
  local function check(line)
    local directory = helpers.directory()
    local pem = advisory.root().pem:gsub("[^\n]+", "    %0")
    local file = helpers.write(directory .. "/weir.yml", FILE:format(pem, line))
    return helpers.run({ helpers.binary(), "check", file })
  end

  for _, line in ipairs({ "tls_verify: true", "tls_verify: false", "tls_verify_depth: 1" }) do
    it("fine: " .. line, function()
      local result = check(line)
      assert.equal(0, result.code, result.stderr)
    end)
  end

  for _, line in ipairs(REFUSED) do
    it("refused, with the place: " .. line:gsub("\n", " "), function()
      local result = check(line)
      assert.not_equal(0, result.code)
      assert.matches("weir%.yml:%d+:%d+:", result.stdout .. result.stderr)
    end)
  end
end)
