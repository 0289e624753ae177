-- What the specs share: one table with the gateway, the clients and the workspace of the run.
--
-- Nothing here asserts times. Whatever takes a while is polled with a generous limit.

local client = require("spec.support.client")
local gateway = require("spec.support.gateway")
local process = require("spec.support.process")
local workspace = require("spec.support.workspace")

return {
  binary = gateway.binary,
  connect = client.connect,
  curl = client.curl,
  directory = workspace.directory,
  eventually = workspace.eventually,
  exchange = client.exchange,
  free_port = client.free_port,
  gateway = gateway.start,
  process = process,
  read = process.read,
  run = workspace.run,
  sanitized = gateway.sanitized,
  sleep = process.sleep,
  start = workspace.start,
  stop_all = workspace.stop_all,
  write = workspace.write,
}
