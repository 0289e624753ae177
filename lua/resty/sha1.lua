-- resty.sha1: the digest, in pieces.
return require("weir.digest_class")("sha1")
