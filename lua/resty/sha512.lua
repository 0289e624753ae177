-- resty.sha512: the digest, in pieces.
return require("weir.digest_class")("sha512")
