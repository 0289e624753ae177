-- Where plugins written for Kong look for the typedefs.
return require("weir.schema.typedefs")
