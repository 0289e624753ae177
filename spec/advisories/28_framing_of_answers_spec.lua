-- Pingora CVE-2026-2833, -2835, -2836, CVE-2025-4366, HAProxy b743b566b, 7e09e2a91, f9c2d4767,
-- CVE-2023-25725 (31), nginx CVE-2026-42055 (30): answers that two readers read in two ways, or
-- that are too large, and connections that were used again with half a message on them.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

local BAD = {
  "two_lengths", "length_and_chunked", "negative_length", "huge_length", "chunk_size", "huge_chunk",
  "te_unknown", "garbage", "http09", "status", "space_in_name", "space_before_colon", "nul",
  "folded", "upgrade",
}

describe("advisories 28, 30 and 31, an answer", function()
  local world

  setup(function()
    world = advisory.world({ listeners = { main = { tls = advisory.leaf() } } })
  end)
  teardown(helpers.stop_all)

  local function clean()
    local response = world:ask("main")
    assert.equal(200, response.status)
    assert.matches('"method": ?"GET"', response.body)
  end

  for _, name in ipairs(BAD) do
    it("with odd framing never looks whole, nor reaches the next: " .. name, function()
      local response = world:ask("main", nil, "/bad/" .. name)
      assert.is_true(response.status == 502 or response.exit ~= 0, response.status)
      clean()
    end)
  end

  it("that ends with the connection is not pooled", function()
    for _, path in ipairs({ "/close-delimited", "/http10" }) do
      assert.equal(200, world:ask("main", nil, path).status)
      clean()
    end
  end)

  it("that comes before the body was read costs the connection", function()
    local before = world.peer:count("accept")
    local raw = world.gateway:connect()
    raw:send("POST /main/refuse HTTP/1.1\r\nHost: kong.example\r\nContent-Length: 1000\r\n\r\nhalf")
    assert.equal(413, raw:response().status)
    raw:close()
    clean()
    assert.is_true(world.peer:count("accept") >= before)
    for _, event in ipairs(world.peer:events("request")) do
      assert.not_matches("^half", event.raw)
    end
  end)

  it("with a head beyond all measure is refused", function()
    for _, path in ipairs({ "/large-head/1000000", "/many-headers/20000" }) do
      assert.equal(502, world:ask("main", nil, path).status)
      clean()
    end
  end)

  it("with an upgrade that nobody asked for opens no tunnel", function()
    local raw = world.gateway:connect()
    raw:send("GET /main/bad/upgrade HTTP/1.1\r\nHost: kong.example\r\nConnection: upgrade\r\n"
      .. "Upgrade: other\r\n\r\nGET /main/smuggled HTTP/1.1\r\nHost: kong.example\r\n\r\n")
    local response = raw:response()
    assert.not_equal(101, response.status)
    raw:close()
    clean()
  end)
end)
