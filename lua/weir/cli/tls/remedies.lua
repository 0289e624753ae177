-- What mends a refusal, by the code of the verdict. The texts are for people who may not have
-- written the configuration.
return {
  untrusted_issuer = "No certificate of the bundle issued the top of the chain. Either the"
    .. " upstream does not send its intermediates (let it send leaf and intermediates), or its"
    .. " root is missing in ca_certificates (add it; with partial_chain an intermediate will do).",
  self_signed = "The upstream's certificate was signed by itself. Let it get one from a CA of the"
    .. " bundle, or add this certificate to ca_certificates if it is the one you mean.",
  expired = "A certificate is past its end. Renew it; if it is an intermediate, let the upstream"
    .. " send the renewed one.",
  not_yet_valid = "A certificate's validity has not begun. Check the clocks of this machine and of"
    .. " the CA.",
  name_mismatch = "The certificate does not carry the name that is wanted (common names do not"
    .. " count). Let the CA put it into subjectAltName, or name what the certificate has: the"
    .. " service's host, or names of upstream-tls.",
  depth_exceeded = "There are more intermediates between leaf and anchor than tls_verify_depth"
    .. " allows. Raise it to that number, or put an intermediate into the bundle and set"
    .. " partial_chain.",
  path_length = "A CA of the chain may not have that many CAs below it (pathLenConstraint). Only"
    .. " the CA that issued it can change that.",
  wrong_purpose = "A certificate is limited to other purposes. The leaf needs the extended key"
    .. " usage serverAuth, and CAs that are limited need it, too.",
  bad_signature = "A signature of the chain is wrong: a certificate was changed, or another key"
    .. " than the one that signed has the same name. Check that the bundle holds the right issuer.",
  not_a_ca = "A certificate that issued another is no CA (basicConstraints CA:TRUE, key usage"
    .. " keyCertSign). Let a real CA issue the leaf.",
  weak_key = "A key or a signature is weaker than security_level demands. Issue the certificate"
    .. " anew with RSA of 2048 bits or more, or P-256, and SHA-256.",
  name_constraint = "A CA of the chain may not issue for this name. Use a CA that may, or a name"
    .. " inside of its constraints.",
  revoked = "A CRL lists a certificate of the chain, or its OCSP response says so. Replace the"
    .. " certificate.",
  crl_expired = "A CRL is past its nextUpdate. Fetch the current one from the CA.",
  crl_missing = "There is no CRL for a certificate that has to be looked up. Add its issuer's CRL,"
    .. " or set crl_check to leaf if only the leaf is to be looked up.",
  crl_invalid = "A CRL cannot be used: its signature or its form is wrong. Fetch it from the CA"
    .. " anew.",
  ocsp_required = "The upstream staples no OCSP response, and ocsp or its certificate demands one."
    .. " Turn stapling on there.",
  ocsp_invalid = "The upstream's OCSP response is out of date, of another certificate or signed by"
    .. " somebody else, or the responder does not know the certificate. Let the upstream fetch it"
    .. " anew.",
  not_compliant = "The chain breaks a rule of RFC 5280 or of the CA/Browser Forum that only strict"
    .. " asks for. Issue the certificate anew, or do without strict.",
  pin_mismatch = "The leaf matches none of the pins. If it was renewed on purpose, pin its key"
    .. " (spki) and keep the next one as a backup.",
  no_certificate = "The upstream sent no certificate. It has to be configured with one.",
  malformed = "A certificate cannot be read or contradicts itself. Issue it anew.",
  other = "OpenSSL's text says what is wrong; the gateway's error log has the same words.",
}
