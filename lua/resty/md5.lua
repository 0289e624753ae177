-- resty.md5: the digest, in pieces.
return require("weir.digest_class")("md5")
