-- resty.sha256: the digest, in pieces.
return require("weir.digest_class")("sha256")
