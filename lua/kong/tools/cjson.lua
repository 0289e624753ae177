-- kong.tools.cjson: JSON whose errors are results. An empty table is written as an object.
return require("cjson.safe").new()
