-- kong.cluster_events: messages between the gateways of a cluster. There is none, as there is none
-- of Kong's gateways without a database: nobody is reached, and nothing ever arrives.
local cluster_events = {}

local function check_channel(channel)
  if type(channel) ~= "string" then
    error("channel must be a string", 3)
  end
end

--- Says what is to be called for messages of other gateways.
-- @tparam string channel
-- @tparam function callback
-- @treturn boolean true
function cluster_events:subscribe(channel, callback)
  check_channel(channel)
  if type(callback) ~= "function" then
    error("callback must be a function", 2)
  end
  return true
end

--- Sends a message to other gateways.
-- @tparam string channel
-- @tparam string data
-- @tparam ?number delay seconds
-- @treturn boolean true
function cluster_events:broadcast(channel, data, delay)
  check_channel(channel)
  if type(data) ~= "string" then
    error("data must be a string", 2)
  elseif delay ~= nil and type(delay) ~= "number" then
    error("delay must be a number", 2)
  end
  return true
end

return cluster_events
