-- kong.db.schema, of which plugins have define(): fields of their own, with changes where they are
-- used, as typedefs are.
return { define = require("weir.schema.define") }
