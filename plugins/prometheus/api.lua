-- The path that Prometheus reads.

local counted = require("kong.plugins.prometheus.counted")
local exposition = require("kong.plugins.prometheus.exposition")
local gauges = require("kong.plugins.prometheus.gauges")

return {
  ["/metrics"] = {
    GET = function()
      local out = {}
      gauges.write(out)
      counted.write(out)
      return kong.response.exit(200, table.concat(out),
        { ["Content-Type"] = exposition.CONTENT_TYPE })
    end,
  },
}
