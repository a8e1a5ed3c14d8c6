#!/usr/bin/env bash
# The main job on this machine alone: a Secret is sealed with nothing but a certificate, the controller turns it back into a
# Secret, and refuses it under another name. Uses the controller's standalone mode: the same code as in a cluster, with files
# in place of an API server. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

site=$(mktemp -d)
controller=
clean_up() {
    if [ -n "$controller" ]; then
        kill "$controller" 2>/dev/null || true
        wait "$controller" 2>/dev/null || true
    fi
    rm -rf "$site"
}
trap clean_up EXIT

say() { printf '\n# %s\n' "$*"; }

# Shows a command as a person would type it.
show() { printf '$ %s\n' "$*"; }

fail() {
    printf 'demo: %s\n' "$1" >&2
    [ ! -s "$site/log" ] || sed 's/^/  /' "$site/log" >&2
    exit 1
}

# Waits for a condition, not for a time: succeeds as soon as the command does.
until_true() {
    local what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -le 300 ] || fail "waited in vain for $what"
        kill -0 "$controller" 2>/dev/null || fail "the controller has ended"
        sleep 0.1
    done
}

say "Build both programs (the first time takes minutes)."
show "cargo build"
cargo build --quiet -p sealed-secrets-cli -p sealed-secrets-controller
bin=${CARGO_TARGET_DIR:-target}/debug

say "Start the controller over an empty directory. It makes its sealing key."
show "sealed-secrets-controller --local DIR"
mkdir "$site/local"
"$bin/sealed-secrets-controller" --local "$site/local" --listen-addr 127.0.0.1:0 --listen-metrics-addr 127.0.0.1:0 \
    >"$site/log" 2>&1 &
controller=$!
address() { sed -n 's/.*msg="HTTP server serving" addr=//p' "$site/log" | grep .; }
until_true "the controller's port" address
api=$(address)

say "Fetch the certificate. It is public: whoever has it can seal, and nobody can open with it."
show "GET http://$api/v1/cert.pem > cert.pem"
fetch() {
    exec 3<>"/dev/tcp/${api%:*}/${api##*:}"
    printf 'GET /v1/cert.pem HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    local answer
    answer=$(cat <&3)
    exec 3>&-
    grep -q '^HTTP/1.[01] 200' <<<"$answer" || return 1
    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' <<<"$answer" >"$site/cert.pem"
    [ -s "$site/cert.pem" ]
}
until_true "the certificate" fetch
head -n 2 "$site/cert.pem"

say "A Secret, as you would write it. It must not go into git."
cat >"$site/secret.yaml" <<'YAML'
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: web
stringData:
  password: correct horse battery staple
YAML
cat "$site/secret.yaml"

say "Seal it: offline, with the certificate alone (no cluster, no HOME, no network)."
show "seal --cert cert.pem < secret.yaml > sealed.yaml"
env -i "$bin/seal" --cert "$site/cert.pem" <"$site/secret.yaml" >"$site/sealed.yaml"
cut -c 1-100 "$site/sealed.yaml"
if grep -q 'battery' "$site/sealed.yaml"; then fail "the plaintext is in the sealed file"; fi

say "Hand it over. In a cluster this is git and kubectl apply; here it is a copy."
show "cp sealed.yaml DIR/sealed/db.yaml"
cp "$site/sealed.yaml" "$site/local/sealed/db.yaml"
until_true "the Secret" test -s "$site/local/secrets/web/db.yaml"

say "The controller has written the Secret, readable for you alone."
show "cat DIR/secrets/web/db.yaml"
cat "$site/local/secrets/web/db.yaml"
opened=$(sed -n 's/^  password: //p' "$site/local/secrets/web/db.yaml" | base64 -d)
printf 'password, decoded: %s\n' "$opened"
[ "$opened" = "correct horse battery staple" ] || fail "another password came back"

say "Somebody copies it under another name, to read it where they may. It does not open there."
show "sed 's/name: db/name: stolen/' sealed.yaml > DIR/sealed/stolen.yaml"
sed 's/name: db/name: stolen/' "$site/sealed.yaml" >"$site/local/sealed/stolen.yaml"
refused() { grep -q 'no key could decrypt secret' "$site/local/status/web/stolen.yaml"; }
until_true "the refusal" refused
show "cat DIR/status/web/stolen.yaml"
grep -E '^ +(- )?(message|status|type):' "$site/local/status/web/stolen.yaml" | head -n 3
[ ! -e "$site/local/secrets/web/stolen.yaml" ] || fail "the renamed copy was opened"
printf 'No Secret was written for it.\n'

say "Done."
