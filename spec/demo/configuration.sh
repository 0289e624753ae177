#!/bin/sh
# Prints the demo's declarative file: a service whose upstream is on port $1 and must show a chain
# that leads to the CA certificate in the file $2.

set -eu
cat <<YAML
_format_version: "3.0"

services:
- name: echo
  protocol: https
  host: echo.default.443.svc
  port: 443
  tls_verify: true
  tls_verify_depth: 1      # 0: no intermediate certificate is allowed, but the upstream has one
  ca_certificates: [bf6e0f14-78cd-45ad-9325-87ec7ef7b891]      # []: nobody is trusted
  routes:
  - name: echo
    hosts: [kong.example]
    paths: [/echo]
    preserve_host: true    # false: the name to match is the target's, 127.0.0.1

upstreams:
- name: echo.default.443.svc
  targets:
  - target: 127.0.0.1:$1

ca_certificates:
- id: bf6e0f14-78cd-45ad-9325-87ec7ef7b891
  cert: |
$(sed 's/^/    /' "$2")
YAML
