-- resty.sha256: the digest, in pieces.
return require("weir.crypto.digest_class")("sha256")
