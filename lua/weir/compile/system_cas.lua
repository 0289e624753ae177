-- The CA certificates of the machine, as one PEM text.

local system_cas = {}

-- Where distributions keep them: Debian, Alpine and Arch; Fedora and RHEL; openSUSE; the BSDs.
local PLACES = {
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
}

local function read(path)
  local file, err = io.open(path, "rb")
  if not file then
    return nil, err
  end
  local text
  text, err = file:read("*a")
  file:close()
  return text, err and ("%s: %s"):format(path, err)
end

--- Reads them.
-- @tparam ?string path the setting tls_system_cas: a file, or "auto" for the usual places
-- @treturn string|nil
-- @treturn nil|string
function system_cas.read(path)
  if path and path ~= "auto" then
    return read(path)
  end
  for _, place in ipairs(PLACES) do
    local text = read(place)
    if text then
      return text
    end
  end
  return nil, "no CA certificates of the system are in " .. table.concat(PLACES, ", ")
end

return system_cas
