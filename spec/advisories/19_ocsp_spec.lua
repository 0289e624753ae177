-- nginx and curl (CVE-2020-8286): OCSP responses that were not judged, judged after the request had
-- gone out, or taken although they were of another certificate or signed by somebody else. Here
-- what is stapled decides in the handshake, and only what the issuer of the leaf says of it counts.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local config = require("spec.support.config")
local upstreams = require("spec.fixtures.upstreams")
local workspace = require("spec.support.workspace")

local ext = forge.ext

local root = advisory.root()
local leaf = forge.certificate({ subject = "stapling", issuer = root })
local must = forge.certificate({ subject = "must staple", issuer = root,
  more = { ext.must_staple() } })
local other = forge.certificate({ subject = "other", issuer = root })
local thief = forge.certificate({ subject = "advisory root", key = "thief", ca = true })

-- What is stapled, and how it ends in soft and in hard.
local CASES = {
  { "good", { leaf = leaf }, 200, 200 },
  { "revoked", { leaf = leaf, status = "revoked" }, "revoked", "revoked" },
  { "of another certificate", { leaf = other }, 200, "ocsp_invalid" },
  { "signed by another key", { leaf = leaf, broken = true }, 200, "ocsp_invalid" },
  { "signed by a CA of the same name", { leaf = leaf, signer = thief, certs = { thief } }, 200,
    "ocsp_invalid" },
  { "signed by the leaf itself", { leaf = leaf, signer = leaf, certs = { leaf } }, 200,
    "ocsp_invalid" },
  { "expired", { leaf = leaf, from = -7200, to = -600 }, 200, "ocsp_invalid" },
  { "without end", { leaf = leaf, to = false }, 200, "ocsp_invalid" },
  { "unknown", { leaf = leaf, status = "unknown" }, 200, "ocsp_invalid" },
  { "missing", nil, 200, "ocsp_required" },
  { "missing, where the certificate demands one", nil, "ocsp_required", "ocsp_required", must },
  { "spoiled, where the certificate demands one", { leaf = must, broken = true }, "ocsp_invalid",
    "ocsp_invalid", must },
}

describe("advisory 19, an OCSP response", function()
  local gateway
  local servers = {}

  local function serve(case)
    local identity = forge.identity({ case[5] or leaf })
    local args = {}
    if case[2] then
      args = { "-status_file",
        workspace.write(workspace.directory() .. "/response.der", forge.ocsp(case[2])) }
    end
    return upstreams.s_server({ tls = identity, args = args })
  end

  setup(function()
    local services = {}
    for i, case in ipairs(CASES) do
      servers[i] = serve(case)
      for _, mode in ipairs({ "soft", "hard" }) do
        services[mode .. i] = {
          protocol = "https", port = servers[i].port, service = { retries = 0 },
          plugins = { { name = "upstream-tls", config = {
            mode = "enforce", ca_certificates = { config.id(1) }, ocsp = mode } } },
        }
      end
    end
    gateway = helpers.gateway({ config = config.build(services, {
      ca_certificates = { { id = config.id(1), cert = root.pem } } }) })
  end)
  teardown(helpers.stop_all)

  for i, case in ipairs(CASES) do
    for column, mode in pairs({ [3] = "soft", [4] = "hard" }) do
      it(("that is %s: %s in %s"):format(case[1], case[column], mode), function()
        for _ = 1, 2 do
          local response = gateway:get({ path = "/" .. mode .. i, host = "kong.example" })
          if case[column] == 200 then
            assert.equal(200, response.status, gateway:logs():sub(-600))
            local passed = gateway:lines("without a good OCSP response",
              "GET /" .. mode .. i .. " ")
            assert.equal(case[1] == "good" and 0 or 1, #passed)
          else
            assert.equal(502, response.status)
            local lines = gateway:lines("%[error%]", response.headers["x-kong-request-id"])
            assert.equal(1, #lines)
            assert.truthy(lines[1]:find("code: " .. case[column], 1, true), lines[1])
          end
        end
      end)
    end
  end

  it("that is not good is logged and counted where soft lets it pass", function()
    for i, case in ipairs(CASES) do
      if case[1] == "missing" then
        assert.equal(200, gateway:get({ path = "/soft" .. i, host = "kong.example" }).status)
      end
    end
    local logged = #gateway:lines("without a good OCSP response")
    assert.is_true(logged > 0)
    assert.equal(logged, gateway:status().tls.ocsp_soft)
  end)
end)
