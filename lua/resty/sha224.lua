-- resty.sha224: the digest, in pieces.
return require("weir.crypto.digest_class")("sha224")
