-- kong.nginx: what of nginx plugins ask for.
local nginx = {}

--- "http": weir proxies no streams.
function nginx.get_subsystem()
  return "http"
end

return nginx
