-- resty.sha512: the digest, in pieces.
return require("weir.crypto.digest_class")("sha512")
