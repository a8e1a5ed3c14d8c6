# The front door. `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-cluster programs fuzz check bench generate

# Cargo chooses the features of dependencies by what is built together: with the same words everywhere, nothing is
# compiled twice.
WORKSPACE := --workspace --features sealed-secrets-cli/kubeseal

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

demo: ## watch a Secret sealed, unsealed and protected, on this machine alone
	@examples/demo.sh

test: programs ## every test, the ones against a real API server and the real upstream tools included
	cargo test $(WORKSPACE) --no-run
	tests/netns cargo test --offline --no-fail-fast $(WORKSPACE)
	$(MAKE) fuzz

test-quick: ## the tests that need neither Go nor a network namespace
	cargo test

test-cluster: programs ## only the tests that need Go: real API server, real kubeseal and controller
	cargo test $(WORKSPACE) --no-run
	tests/netns cargo test --offline $(WORKSPACE) --test controlplane --test definition --test deploy --test interop --test kubectl --test reconcile --test standalone --test templates --test upstream

programs:
	cargo build $(WORKSPACE) --bins
	target/debug/testkit build

fuzz: ## templates that nobody thought of, for half a minute each
	fuzz/run template 30
	fuzz/run render 30

check: ## formatting, lints, documentation, licences, bans, sources
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features
	cargo deny --version >/dev/null 2>&1 || { echo 'cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	cargo deny --offline check licenses bans sources

bench: ## ours beside upstream in one run, as ratios (release build, Go, a long run)
	cargo build --release $(WORKSPACE) --bins
	target/release/testkit build
	tests/netns target/release/bench

generate: ## deploy/crd.yaml from the types
	cargo run -q -p sealed-secrets-api --features schema --example crd > deploy/crd.yaml
