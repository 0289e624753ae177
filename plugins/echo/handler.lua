-- Answers like kong/go-echo: where it runs, whether over HTTPS, and the body of the request.
--
-- Where it runs is what the environment says, in the variables that go-echo reads. A line whose
-- variable is not set is left out.

local Echo = { PRIORITY = 1, VERSION = "1.0.0" }

local LINES = {
  { "NODE_NAME", "Welcome, you are connected to node %s.\n" },
  { "POD_NAME", "Running on Pod %s.\n" },
  { "POD_NAMESPACE", "In namespace %s.\n" },
  { "POD_IP", "With IP address %s.\n" },
  { "SERVICE_ACCOUNT", "Service account %s.\n" },
}

local function welcome()
  local lines = {}
  for _, line in ipairs(LINES) do
    local value = os.getenv(line[1])
    if value and value ~= "" then
      lines[#lines + 1] = line[2]:format(value)
    end
  end
  return table.concat(lines)
end

-- The environment does not change while the process runs.
local WELCOME = welcome()

local TEXT = { ["Content-Type"] = "text/plain; charset=utf-8" }

local function details()
  return ("Protocol: HTTP/%.1f\nHost: %s\nMethod: %s\nURL: %s\n"):format(
    kong.request.get_http_version(), kong.request.get_header("host") or "",
    kong.request.get_method(), kong.request.get_path_with_query())
end

function Echo:access()
  local body, err = kong.request.get_raw_body()
  if not body then
    return kong.response.error(413, err)
  end
  local https = kong.request.get_scheme() == "https" and "Through HTTPS connection.\n" or ""
  local more = kong.request.get_query_arg("details") == "true" and details() or ""
  return kong.response.exit(200, WELCOME .. https .. more .. body .. "\n", TEXT)
end

return Echo
