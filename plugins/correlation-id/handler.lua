-- Gives each request an id, unless the client gave it one: upstreams and, if configured so, the
-- client see the same, and their logs can be put together.

local uuid = require("kong.tools.uuid").uuid

local CorrelationId = { PRIORITY = 100001, VERSION = "1.0.0" }

-- The part of ids that tells this worker from all others, and how many it has made.
local worker_uuid, counter = nil, 0

local generators = {
  ["uuid"] = uuid,

  ["uuid#counter"] = function()
    counter = counter + 1
    return worker_uuid .. "#" .. counter
  end,

  -- Six parts, like Kong's: the client's address, our port, the process, the connection (told by
  -- the client's port), a number, the time.
  ["tracker"] = function()
    counter = counter + 1
    return ("%s-%d-%d-%d-%d-%0.3f"):format(kong.client.get_ip(), kong.request.get_port(),
      ngx.worker.pid(), kong.client.get_port(), counter, ngx.now())
  end,
}

function CorrelationId:init_worker()
  worker_uuid = uuid()
end

function CorrelationId:phases(conf)
  return { access = true, header_filter = conf.echo_downstream }
end

function CorrelationId:access(conf)
  local id = kong.request.get_header(conf.header_name)
  if not id or id == "" then
    id = generators[conf.generator]()
    kong.service.request.set_header(conf.header_name, id)
  end
  if conf.echo_downstream then
    kong.ctx.plugin.id = id
  end
end

function CorrelationId:header_filter(conf)
  -- Without it an earlier plugin answered before `access` ran.
  local id = kong.ctx.plugin.id or kong.request.get_header(conf.header_name)
  if id then
    kong.response.set_header(conf.header_name, id)
  end
end

return CorrelationId
