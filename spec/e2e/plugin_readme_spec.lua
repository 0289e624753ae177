-- The walkthrough of plugins/README.md, as it stands there: its files are written, its commands run
-- in an empty directory, and what they print is compared. Only the ports are others.

local helpers = require("spec.helpers")

-- The text between a heading and the next.
local function section(text, heading)
  local _, from = text:find("\n## " .. heading .. "\n", 1, true)
  return text:sub(from, text:find("\n## ", from, true))
end

-- Its blocks: { language, text, file = the name in backquotes before it }.
local function blocks_of(text)
  local blocks, at = {}, 1
  while true do
    local from, to, language, body = text:find("\n```(%l+)\n(.-\n)```\n", at)
    if not from then
      return blocks
    end
    local before = text:sub(at, from)
    table.insert(blocks, { language = language, text = body,
      file = before:match("`([%w-]+/%l+%.lua)`[^`]*$") })
    at = to
  end
end

-- Other ports in place of those that are written there, also of the gateway's listener, which is
-- the default one.
local function with_free_ports(text, environment)
  for _, port in ipairs({ 8000, 8443, 8444 }) do
    local free = helpers.free_port()
    assert.matches("127%.0%.0%.1:" .. port, text)
    text = text:gsub("127%.0%.0%.1:" .. port, "127.0.0.1:" .. free)
    if port == 8000 then
      environment.WEIR_PROXY_LISTEN = "127.0.0.1:" .. free
    end
  end
  return text
end

-- One script of all blocks in their order, and what its last commands are said to print. Whatever
-- it leaves running ends with it.
local function script_of(blocks)
  local parts, expected = { "set -eu\ntrap 'kill $(jobs -p)' EXIT\n" }, nil
  for _, block in ipairs(blocks) do
    if block.language == "sh" then
      table.insert(parts, block.text)
    elseif block.language == "lua" then
      table.insert(parts, ("cat >%s <<'END OF FILE'\n%sEND OF FILE\n"):format(block.file,
        block.text))
    else
      expected = block.text
    end
  end
  return table.concat(parts), expected
end

-- The folder of the binary under test, which may be named relative to this one.
local function binary_folder()
  local folder = helpers.binary():match("^(.*)/")
  return folder:sub(1, 1) == "/" and folder or os.getenv("PWD") .. "/" .. folder
end

describe("the walkthrough of plugins/README.md", function()
  it("does what it says", function()
    local directory = helpers.directory()
    local environment = { WEIR_ADMIN_LISTEN = "off", PATH = binary_folder() .. ":"
      .. os.getenv("PATH") }
    local blocks = blocks_of(section(helpers.read("plugins/README.md"), "A plugin in twenty lines"))
    local script, expected = script_of(blocks)
    script = with_free_ports(script, environment)
    local result = helpers.run({
      "bash", helpers.write(directory .. "/script", script), cwd = directory, env = environment,
    })
    assert.equal(0, result.code, result.stderr)
    assert.equal("weir.yml: ok (2 services, 2 routes, 2 upstreams, 1 plugin, 2 targets)\n"
      .. expected, (result.stdout:gsub("127%.0%.0%.1 %- [^\n]*\n", ""))) -- but for the access log
  end)
end)
