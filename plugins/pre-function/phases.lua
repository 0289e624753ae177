-- The phases that pre-function and post-function have a list of code for.
return { "certificate", "rewrite", "access", "header_filter", "body_filter", "log" }
