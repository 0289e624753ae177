-- The control VM: what is put in force, what is refused, what is logged.

local buffer = require("string.buffer")
local fake = require("spec.support.fake_abi").install()
local plugin = require("spec.support.plugin")
local settings = require("weir.settings")
local control = require("weir.control")

local FILE = [[
_format_version: "3.0"
services:
- name: echo
  url: %s
  routes:
  - name: r
    paths: [/]
]]

local BROKEN = [[
_format_version: "3.0"
services:
- name: echo
  host: backend.example
  port: 70000
  unknown: 1
]]

local function logged(level)
  local texts = {}
  for _, line in ipairs(fake.log) do
    if line.level == level then
      table.insert(texts, line.text)
    end
  end
  return texts
end

describe("weir.control", function()
  local path

  local function write(text)
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    fake.log = {}
  end

  local function start(source, set)
    return control.start(buffer.encode({
      settings = assert(settings.load({ set = set })),
      source = source or { type = "file", path = path },
    }))
  end

  before_each(function()
    fake.install()
    path = os.tmpname()
    write(FILE:format("http://backend.example"))
  end)
  after_each(function()
    os.remove(path)
  end)

  it("puts the first configuration in force", function()
    assert.is_true(start())
    assert.equal(1, #fake.published)
    assert.equal("backend.example", fake.published[1].plans[3].service_host)
    assert.matches("^" .. ("%x"):rep(32) .. "$", fake.published[1].hash)
    assert.same({}, fake.log)
  end)

  it("takes a text in place of a file", function()
    local text = FILE:format("http://text.example")
    assert.is_true(start({ type = "text", text = text, name = "echo" }))
    assert.equal("text.example", fake.published[1].plans[3].service_host)
  end)

  it("does not start on a configuration with mistakes, and says where they are", function()
    write(BROKEN)
    local ok, err = start()
    assert.is_nil(ok)
    assert.equal("configuration refused: 2 errors", err)
    assert.equal(0, #fake.published)
    local lines = logged(3)
    assert.equal(2, #lines)
    assert.matches("^" .. path:gsub("%p", "%%%0") .. ":5:9: services%[0%]%.port: ", lines[1])
    assert.matches(":6:3: services%[0%]%.unknown: unknown field", lines[2])
  end)

  it("does not start without a file, or with a plugin that is not there", function()
    local ok, err = start({ type = "file", path = "/nowhere/weir.yml" })
    assert.is_nil(ok)
    assert.equal("configuration refused: 1 error", err)
    assert.matches("/nowhere/weir%.yml", logged(3)[1])
    ok, err = start(nil, { "plugins=bundled,absent" })
    assert.is_nil(ok)
    assert.equal("1 plugin cannot be loaded", err)
    assert.equal("absent plugin is enabled but not installed;", logged(3)[2])
  end)

  it("applies a changed file on reload", function()
    start()
    write(FILE:format("http://other.example"))
    assert.is_true(control.reload())
    assert.equal(2, #fake.published)
    assert.equal("other.example", fake.published[2].plans[3].service_host)
    assert.not_equal(fake.published[1].hash, fake.published[2].hash)
    assert.same({}, fake.log)
  end)

  it("applies an unchanged file, too", function()
    start()
    control.reload()
    assert.equal(2, #fake.published)
    assert.equal(fake.published[1].hash, fake.published[2].hash)
  end)

  it("keeps the running configuration when a reload is refused, and recovers", function()
    start()
    write(BROKEN)
    assert.is_true(control.reload())
    assert.equal(1, #fake.published)
    local lines = logged(3)
    assert.equal(3, #lines)
    assert.equal("configuration refused: 2 errors, the running configuration stays in force",
      lines[3])
    os.remove(path)
    control.reload()
    assert.equal(1, #fake.published)
    write(FILE:format("http://other.example"))
    control.reload()
    assert.equal(2, #fake.published)
  end)

  it("warns at every load, not only at the first", function()
    write(FILE:format("https://backend.example"))
    start()
    assert.equal(1, #logged(4))
    assert.matches(":3:3: warning: services%[0%] %(echo%): upstream certificate is not verified",
      logged(4)[1])
    control.reload()
    assert.equal(2, #logged(4))
  end)

  it("puts plans that can only refuse in force, and names service and reason", function()
    plugin.define("refusing", { plan = function() return nil, "on purpose" end })
    write(FILE:format("https://backend.example") .. "plugins:\n- name: refusing\n")
    assert.is_true(start(nil, { "plugins=bundled,refusing" }))
    assert.matches("on purpose", fake.published[1].plans[3].error)
    assert.equal(1, #logged(3))
    assert.matches("service 'echo' %(route 'r'%).*plugin 'refusing': on purpose", logged(3)[1])
    plugin.forget("refusing")
  end)

  it("keeps the node's id over reloads", function()
    start()
    control.reload()
    local first = buffer.decode(fake.published[1].blob).settings.node_id
    assert.matches("^%x+%-%x+%-4%x+%-", first)
    assert.equal(first, buffer.decode(fake.published[2].blob).settings.node_id)
  end)
end)
