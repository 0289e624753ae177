-- kong.tools.redis.schema: fields that plugins take for a Redis of theirs.
return { config_schema = require("weir.redis.schema") }
