-- What plugins require for ngx.resp.
return { add_header = require("weir.ngx.resp").add_header }
