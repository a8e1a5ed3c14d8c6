#!/usr/bin/env bash
# The drill of a lost cluster, on this machine alone: a controller puts its keys into escrow, everything but the Git repository
# is lost, and the repository with one age identity brings it back. Standalone mode stands in for the cluster. Needs git and
# age-keygen (https://age-encryption.org). Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

site=$(mktemp -d)
controller=
stop() {
    if [ -n "$controller" ]; then
        kill "$controller" 2>/dev/null || true
        wait "$controller" 2>/dev/null || true
        controller=
    fi
}
clean_up() {
    stop
    rm -rf "$site"
}
trap clean_up EXIT

say() { printf '\n# %s\n' "$*"; }
# Shows a command as a person would type it, and runs it.
run() {
    printf '$ %s\n' "$*"
    eval "$*"
}
fail() {
    printf 'keys-drill: %s\n' "$1" >&2
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
start() {
    "$bin/sealed-secrets-controller" --local "$1" --listen-addr 127.0.0.1:0 --listen-metrics-addr 127.0.0.1:0 \
        "${@:2}" >"$site/log" 2>&1 &
    controller=$!
}

for needed in git age-keygen; do
    command -v "$needed" >/dev/null || fail "$needed is missing"
done
cargo build --quiet -p sealed-secrets-cli -p sealed-secrets-controller
bin=$(cd "${CARGO_TARGET_DIR:-target}/debug" && pwd)
PATH=$bin:$PATH
cd "$site"
git init --quiet repository
git -C repository config user.name drill
git -C repository config user.email drill@localhost
mkdir -p cluster/sealed

say "Once, offline: an identity. Only its public half goes near a cluster."
run "age-keygen -o identity.txt 2>/dev/null; age-keygen -y identity.txt"
recipient=$(age-keygen -y identity.txt)

say "A cluster whose controller puts every key into escrow before it is used. What it publishes is safe to commit."
printf '$ sealed-secrets-controller --local cluster --escrow-recipient age1…\n'
start cluster --escrow-recipient "$recipient"
until_true "the key" sh -c 'ls cluster/keys/*.yaml'
run "cp cluster/escrow/*.age repository/"
run "seal keys list cluster/keys --json | grep -o 'SHA256:[^\"]*' | tee newest.txt"

say "Secrets are sealed and committed."
run "seal keys export cluster/keys --unencrypted --format pem | sed -n '/BEGIN CERT/,\$p' > cert.pem"
for name in db api; do
    printf 'kind: Secret\nmetadata: {name: %s, namespace: web}\nstringData: {password: hunter2-%s}\n' "$name" "$name" |
        seal --cert cert.pem -w "repository/$name.yaml"
done
run "git -C repository add . && git -C repository commit --quiet -m 'Seal db and api' && ls repository"

say "The cluster is lost, with its keys."
stop
run "rm -rf cluster cert.pem"

say "What is left is a clone and the identity. Would everything open?"
run "git clone --quiet repository clone"
run "seal keys verify clone -i identity.txt --dir clone --git clone"

say "A new cluster gets the keys before its controller starts."
run "seal keys restore clone -i identity.txt --expect \"\$(cat newest.txt)\" --to-directory cluster/keys --unencrypted"
mkdir -p cluster/sealed
run "cp clone/*.yaml cluster/sealed/"
printf '$ sealed-secrets-controller --local cluster\n'
start cluster
until_true "the Secrets" sh -c 'test -s cluster/secrets/web/db.yaml && test -s cluster/secrets/web/api.yaml'
run "grep -h -A1 '^data' cluster/secrets/web/*.yaml"
[ "$(grep -c . <<<"$(ls cluster/keys/*.yaml)")" = 1 ] || fail "the restored key is not the only one"

say "And without any cluster:"
run "seal unseal clone/db.yaml --recovery-private-key clone -i identity.txt"
