-- nginx CVE-2026-1642: bytes that an upstream sent before the handshake were read as its answer.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

local ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

describe("advisory 6, an answer in plain text:", function()
  local world

  setup(function()
    world = advisory.world({
      listeners = {
        first = { tls = advisory.leaf(), mode = "plaintext-first" },
        instead = { tls = advisory.leaf(), mode = "raw", bytes = ANSWER },
        alert = { tls = advisory.leaf(), mode = "raw", bytes = "\21\3\3\0\2\1\0" .. ANSWER },
      },
      services = {
        first = {}, instead = {}, alert = {},
        first_off = { listener = "first", fields = { tls_verify = false } },
        instead_off = { listener = "instead", fields = { tls_verify = false } },
      },
    })
  end)
  teardown(helpers.stop_all)

  for _, name in ipairs({ "first", "instead", "alert", "first_off", "instead_off" }) do
    it("is none, " .. name, function()
      for _ = 1, 3 do
        local response = world:refuses(name)
        assert.not_matches("forged", response.body)
        assert.not_matches("plaintext", response.body)
      end
    end)
  end
end)
