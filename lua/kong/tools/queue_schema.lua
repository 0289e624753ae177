-- kong.tools.queue_schema: the record `config.queue` of plugins that use kong.tools.queue.
return require("weir.schema.typedefs").queue
