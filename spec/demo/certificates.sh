#!/usr/bin/env bash
# Makes a root CA, an intermediate CA and the certificate of kong.example in the folder $1.

set -euo pipefail
mkdir -p "$1"
cd "$1"

openssl req -new -newkey rsa:2048 -nodes -keyout root.key -subj "/CN=root" -x509 \
    -days 365 -out root.crt

openssl req -new -newkey rsa:2048 -nodes -keyout inter.key -subj "/CN=inter" -out inter.csr
openssl x509 -req -in inter.csr -CA root.crt -CAkey root.key -CAcreateserial -days 365 \
    -out inter.crt -extfile <(echo "basicConstraints=CA:TRUE")

openssl req -new -newkey rsa:2048 -nodes -keyout leaf.key -subj "/CN=kong.example" -out leaf.csr
openssl x509 -req -in leaf.csr -CA inter.crt -CAkey inter.key -CAcreateserial -days 365 \
    -out leaf.crt -extfile <(printf "subjectAltName=DNS:kong.example")

cat leaf.crt inter.crt > chain.crt
rm -f -- *.csr *.srl
