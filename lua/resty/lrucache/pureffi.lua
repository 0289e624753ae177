-- resty.lrucache.pureffi differs from resty.lrucache in how it is made only.
return require("resty.lrucache")
