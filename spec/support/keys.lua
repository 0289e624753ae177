-- Keys made by the openssl command line, once per run: PEM texts, private and public.

local pki = require("spec.fixtures.pki")
local workspace = require("spec.support.workspace")

local keys = {}

local OPTIONS = {
  rsa = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
  p256 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
  p521 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
  ed25519 = "-algorithm ED25519",
}

local made = {}

local function run(command)
  assert(os.execute(command .. " >/dev/null 2>&1") == 0, command)
end

--- A key.
-- @tparam string name of OPTIONS
-- @treturn table private, public (PEM), private_file, public_file
function keys.get(name)
  if not made[name] then
    local stem = ("%s/%s"):format(workspace.directory(), name)
    local files = { private_file = stem .. ".key", public_file = stem .. ".pub" }
    run(("openssl genpkey %s -out %s"):format(OPTIONS[name], files.private_file))
    run(("openssl pkey -in %s -pubout -out %s"):format(files.private_file, files.public_file))
    files.private = pki.text(files.private_file)
    files.public = pki.text(files.public_file)
    made[name] = files
  end
  return made[name]
end

--- What an openssl command that reads a key writes.
-- @tparam string name of OPTIONS
-- @tparam string command with %s for the private key's file, writing to standard output
-- @treturn string
function keys.convert(name, command)
  local pipe = assert(io.popen(command:format(keys.get(name).private_file) .. " 2>/dev/null"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- Whether the openssl command takes a signature by the public key.
-- @tparam string name of OPTIONS
-- @tparam string signature
-- @tparam string text that was signed
-- @tparam string options of `openssl dgst`, or of `openssl pkeyutl` for ed25519
function keys.accepts(name, signature, text, options)
  local directory = workspace.directory()
  workspace.write(directory .. "/sig", signature)
  workspace.write(directory .. "/text", text)
  local command = name == "ed25519" and "pkeyutl -verify -rawin -pubin -inkey %s -sigfile %s -in %s"
    or "dgst -verify %s -signature %s " .. options .. " %s"
  return os.execute(("openssl " .. command .. " >/dev/null 2>&1"):format(
    keys.get(name).public_file, directory .. "/sig", directory .. "/text")) == 0
end

return keys
