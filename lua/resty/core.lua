-- resty.core: plugins of OpenResty's require it to have its functions in the global `ngx`, where
-- they are anyway.
return { version = "0.1.28" }
