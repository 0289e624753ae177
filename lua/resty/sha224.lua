-- resty.sha224: the digest, in pieces.
return require("weir.digest_class")("sha224")
