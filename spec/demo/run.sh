#!/usr/bin/env bash
# The demo: an HTTPS upstream with a certificate chain of three, and the gateway that verifies it.
#
#   spec/demo/run.sh BUILD
#
# Everything lies in BUILD/demo: certs/ (made anew when they run out), weir.yml (written anew at
# each start), echo.log. Runs until Ctrl-C and leaves no process behind.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
weir=$1/weir
demo=$1/demo
certs=$demo/certs
echo_pid='' gateway_pid=''

# shellcheck disable=SC2317 # called by the trap
stop() {
    trap '' INT TERM
    for pid in $gateway_pid $echo_pid; do
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
trap stop EXIT
trap 'exit 0' INT TERM

fail() {
    echo "weir: $*" >&2
    exit 1
}

certificates_are_good() {
    local name
    for name in root inter leaf; do
        openssl x509 -checkend 86400 -noout -in "$certs/$name.crt" >/dev/null 2>&1 || return
    done
    [ -s "$certs/chain.crt" ] && [ -s "$certs/leaf.key" ] &&
        openssl verify -CAfile "$certs/root.crt" -untrusted "$certs/inter.crt" \
            "$certs/leaf.crt" >/dev/null 2>&1
}

# Prints the first port from $1 on that nobody listens on.
free_port() {
    local port=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        port=$((port + 1))
    done
    echo "$port"
}

# await PID WHAT COMMAND...: until the command succeeds, as long as the process lives.
await() {
    local pid=$1 what=$2
    shift 2
    for _ in $(seq 150); do
        "$@" >/dev/null 2>&1 && return
        kill -0 "$pid" 2>/dev/null || fail "$what ended at its start"
        sleep 0.1
    done
    fail "$what does not answer"
}

mkdir -p "$demo"
certificates_are_good || {
    echo "weir: making the certificates in $certs"
    rm -rf "$certs"
    "$here/certificates.sh" "$certs" >"$demo/openssl.log" 2>&1 || {
        cat "$demo/openssl.log" >&2
        fail "openssl failed"
    }
}

proxy_port=$(free_port 8000)
admin_port=$(free_port $((proxy_port + 1)))
echo_port=$(free_port 8443)
[ "$proxy_port" = 8000 ] || echo "weir: port 8000 is taken, the gateway listens on $proxy_port"
"$here/configuration.sh" "$echo_port" "$certs/root.crt" >"$demo/weir.yml"

NODE_NAME=$(uname -n) POD_NAME=echo-demo POD_NAMESPACE=default POD_IP=127.0.0.1 \
    "$weir" echo --listen "127.0.0.1:$echo_port" \
    --tls-cert "$certs/chain.crt" --tls-key "$certs/leaf.key" \
    >"$demo/echo.log" 2>&1 </dev/null &
echo_pid=$!
await $echo_pid "the upstream (see $demo/echo.log)" curl -sf --cacert "$certs/root.crt" \
    --resolve "kong.example:$echo_port:127.0.0.1" "https://kong.example:$echo_port/"

"$weir" run "$demo/weir.yml" --proxy-listen "127.0.0.1:$proxy_port" \
    --admin-listen "127.0.0.1:$admin_port" </dev/null &
gateway_pid=$!
request=(curl -H Host:kong.example "http://127.0.0.1:$proxy_port/echo")
await $gateway_pid "the gateway" "${request[@]}" -sf

cat <<TEXT

  The gateway listens on 127.0.0.1:$proxy_port and verifies its upstream. Try

      ${request[*]}

  It should answer

$("${request[@]}" -s | sed 's/^/      /')

  To see it refuse the upstream with 502, change $demo/weir.yml in one of the lines

$(grep -nE '^ +(tls_verify_depth|ca_certificates|preserve_host):' "$demo/weir.yml" |
    sed 's/^/      /')

  and reload it with

      kill -HUP $gateway_pid

  Ctrl-C ends the gateway and the upstream. What follows is the gateway's log.

TEXT

wait -n $gateway_pid $echo_pid || true
fail "a process of the demo ended by itself"
