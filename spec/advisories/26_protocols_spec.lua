-- OpenSSL CVE-2024-5535: odd lists of protocols. What the peer selects is one of those offered.

local advisory = require("spec.support.advisory")
local config = require("spec.support.config")
local helpers = require("spec.helpers")

-- Bytes as the peer's configuration has them: characters of Latin-1, in UTF-8.
local function latin(bytes)
  return (bytes:gsub("[\128-\255]", function(c)
    return string.char(0xc0 + math.floor(c:byte() / 64), 0x80 + c:byte() % 64)
  end))
end

-- A ServerHello of TLS 1.2, where extensions are in plain text: for a suite that is offered, with
-- what every server answers (renegotiation_info), and `protocol` by ALPN.
local function server_hello(protocol)
  local alpn = protocol and ("\0\16\0%s\0%s%s%s"):format(string.char(#protocol + 3),
    string.char(#protocol + 1), string.char(#protocol), protocol) or ""
  local extensions = "\255\1\0\1\0" .. alpn
  local hello = "\3\3" .. ("r"):rep(32) .. "\0" .. "\192\43" .. "\0" .. "\0"
    .. string.char(#extensions) .. extensions
  return latin("\22\3\3\0" .. string.char(#hello + 4) .. "\2\0\0" .. string.char(#hello)
    .. hello)
end

-- Services whose ClientHello has no ALPN.
local function quiet(listener)
  return { listener = listener, fields = { tls_verify = true },
    plugins = { { name = "upstream-tls", config = { alpn = "none",
      ca_certificates = { config.id(1) } } } } }
end

describe("advisory 26, the protocol that the peer selects:", function()
  local world

  setup(function()
    world = advisory.world({ listeners = {
      none = { tls = advisory.leaf() },
      ours = { tls = advisory.leaf(), alpn = { "h2", "http/1.1" } },
      other = { tls = advisory.leaf(), alpn = { "h2" } },
      liar12 = { tls = advisory.leaf(), alpn_lie = "h2", version = "1.2" },
      liar13 = { tls = advisory.leaf(), alpn_lie = "h2", version = "1.3" },
      longer = { tls = advisory.leaf(), alpn_lie = "http/1.1x" },
      spoken = { tls = advisory.leaf(), mode = "raw", bytes = server_hello("http/1.1") },
      silent = { tls = advisory.leaf(), mode = "raw", bytes = server_hello() },
    }, services = {
      none = {}, ours = {}, other = {}, liar12 = {}, liar13 = {}, longer = {}, spoken = {},
      silent = {}, quiet = quiet("ours"), quiet_spoken = quiet("spoken"),
      quiet_silent = quiet("silent"),
    } })
  end)
  teardown(helpers.stop_all)

  it("may be ours or none", function()
    world:accepts("none")
    world:accepts("ours")
  end)

  it("is none when it has another only: HTTP/1.1 is spoken, or nothing", function()
    local response = world:ask("other")
    assert.is_true(response.status == 200 or response.status == 502)
    assert.same({ "http/1.1" }, world:hello("other").alpn)
    for _, event in ipairs(world.peer:events("request", "other")) do
      assert.matches(" HTTP/1%.1\r\n", event.raw)
    end
  end)

  for _, name in ipairs({ "liar12", "liar13", "longer" }) do
    it("is one that was offered, else nothing is sent: " .. name, function()
      world:refuses(name, nil, "SSL routines::bad extension")
    end)
  end

  it("is not offered where the policy says so", function()
    world:accepts("quiet")
    assert.same({}, world:hello("ours").alpn)
    for _, extension in ipairs(world:hello("ours").extensions) do
      assert.not_equal(16, extension)
    end
  end)

  it("is none when none was offered: the answer itself ends the handshake", function()
    local unsolicited = "unsolicited extension"
    world:refuses("quiet_spoken", nil, unsolicited)
    for _, name in ipairs({ "quiet_silent", "spoken", "silent" }) do
      local response = world:ask(name)
      local lines = world.gateway:lines("%[error%]", response.headers["x-kong-request-id"])
      assert.equal(1, #lines)
      assert.is_nil(lines[1]:find(unsolicited, 1, true), lines[1])
    end
  end)
end)
