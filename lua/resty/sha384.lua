-- resty.sha384: the digest, in pieces.
return require("weir.digest_class")("sha384")
