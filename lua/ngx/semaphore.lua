-- What plugins require for weir.ngx.semaphore.
return require("weir.ngx.semaphore")
