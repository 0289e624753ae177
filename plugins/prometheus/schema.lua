-- Which metrics requests are counted in. Fields are Kong's.

local typedefs = require("kong.db.schema.typedefs")

local function flag()
  return { type = "boolean", required = true, default = false }
end

return {
  name = "prometheus",
  fields = {
    { protocols = typedefs.protocols },
    { config = {
      type = "record",
      fields = {
        { per_consumer = flag() },
        { status_code_metrics = flag() },
        { ai_metrics = flag() },
        { latency_metrics = flag() },
        { bandwidth_metrics = flag() },
        { upstream_health_metrics = flag() },
        { wasm_metrics = flag() },
      },
    } },
  },
}
