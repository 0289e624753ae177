-- resty.md5: the digest, in pieces.
return require("weir.crypto.digest_class")("md5")
