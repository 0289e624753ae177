-- Answers requests instead of proxying them: for maintenance, for blocked paths, for tests.

local RequestTermination = { PRIORITY = 2, VERSION = "1.0.0" }

local DEFAULT_CONTENT_TYPE = "application/json; charset=utf-8"

local DEFAULT_MESSAGES = {
  [400] = "Bad request",
  [401] = "Unauthorized",
  [402] = "Payment required",
  [403] = "Forbidden",
  [404] = "Not found",
  [405] = "Method not allowed",
  [500] = "An unexpected error occurred",
  [502] = "Bad Gateway",
  [503] = "Service unavailable",
}

-- Whether the request carries the trigger, in its headers or its query.
local function is_triggered(trigger)
  return kong.request.get_header(trigger) ~= nil
    or kong.request.get_query_arg(trigger) ~= nil
end

local function echo_of_request(conf)
  return {
    message = conf.message or DEFAULT_MESSAGES[conf.status_code],
    kong = {
      node_id = kong.node.get_id(),
      worker_pid = ngx.worker.pid(),
      hostname = kong.node.get_hostname(),
    },
    request = {
      scheme = kong.request.get_scheme(),
      host = kong.request.get_host(),
      port = kong.request.get_port(),
      headers = kong.request.get_headers(),
      query = kong.request.get_query(),
      body = kong.request.get_body(),
      raw_body = kong.request.get_raw_body(),
      method = kong.request.get_method(),
      path = kong.request.get_path(),
    },
    matched_route = kong.router.get_route(),
    matched_service = kong.router.get_service(),
  }
end

function RequestTermination:access(conf)
  if conf.trigger and not is_triggered(conf.trigger) then
    return
  end
  if conf.echo then
    return kong.response.exit(conf.status_code, echo_of_request(conf))
  elseif conf.body then
    return kong.response.exit(conf.status_code, conf.body, {
      ["Content-Type"] = conf.content_type or DEFAULT_CONTENT_TYPE,
    })
  end
  local message = conf.message or DEFAULT_MESSAGES[conf.status_code]
  return kong.response.exit(conf.status_code, message and { message = message })
end

return RequestTermination
