# Everything that a newcomer types. Each target does its own set-up, and is quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# CI keeps its target folder outside the clone, so that a second run is fast.
ifdef CI
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/longhaul/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)
DEMO_PORT ?= 3000

.PHONY: help setup ui run demo test deb test-deb bench-server bench-transfer bench-ui openapi test-contract test-crash test-app screens test-proxy test-hostile test-s3 test-archive test-faults fuzz long lint build-tests screenshot deny clean-demo

help: ## What can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## Install what builds and tests need (Debian, Ubuntu)
	@scripts/setup test

ui: ## Build the page into ui/dist
	@scripts/setup build
	@if [ -z "$$(find ui/dist/index.html -newer ui/package-lock.json 2>/dev/null)" ] || [ -n "$$(find ui/src ui/index.html ui/vite.config.ts -newer ui/dist/index.html 2>/dev/null | head -1)" ]; then npm --prefix ui run --silent build; fi

run: ui ## Open the app with a sample library; without a display, serve the same page
	cargo build -p longhaul-desktop -p longhaul-server
	@scripts/run $(TARGET)/debug $(DEMO_PORT)

demo: ## Take three hard files the whole way, in the terminal
	@scripts/setup build
	cargo build --release -p longhaul-server -p longhaul-cli -p longhaul-tests --bins
	LONGHAUL_BIN_DIR=$(abspath $(TARGET))/release $(TARGET)/release/demo

lint: ui ## Format, clippy, eslint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	npm --prefix ui run --silent lint

build-tests: ui
	cargo build --workspace --bins --examples
	cargo nextest run --workspace --no-run

test: ## All checks: lint, unit, behaviour, window, page
	@scripts/setup test
	$(MAKE) ui lint
	npm --prefix ui test -- --run
	cargo build --workspace --bins --examples
	LONGHAUL_ARTIFACTS=$(CURDIR)/test-artifacts cargo nextest run --workspace --no-fail-fast
	@git diff --exit-code --stat -- ui/src/backend/generated || { echo 'the generated types are not fresh: commit what the tests wrote'; exit 1; }

# The whole workspace is chosen, and the tests are picked by name: `-p` alone would build every
# dependency anew, with other features.
LONG = cargo nextest run --workspace --profile long --no-fail-fast --no-capture

long:
	@scripts/setup test
	$(MAKE) ui
	cargo build --workspace --bins --examples

test-crash: long ## 200 times kill -9 at random moments; LONGHAUL_SEED repeats a run
	LONGHAUL_KILLS=$${LONGHAUL_KILLS:-200} $(LONG) -E 'test(/^crash_matrix::/)'

test-app: long ## 100 times kill -9 of the app at random moments, with 20 downloads under way
	LONGHAUL_APP_KILLS=$${LONGHAUL_APP_KILLS:-100} $(LONG) -E 'test(/^window::kills::/)'

screens: ui ## Pictures of each view, light and dark, at three widths; writes docs/screens
	@scripts/setup test
	npm --prefix ui run --silent screens

test-proxy: long ## A job of 60 s through the real nginx, with every time limit at 2 s
	LONGHAUL_SLOW_SECONDS=60 $(LONG) -E 'test(/^proxy::/)'

test-hostile: long ## 2,000 connections that send nothing, slowly or too much
	LONGHAUL_HOSTILE=2000 $(LONG) -E 'test(/^hostile::/)'

test-s3: long ## The behaviour tests against an S3 server that is not ours (SeaweedFS)
	scripts/with-seaweedfs $(LONG) -E 'test(/^(contract|crash|crash_matrix|delivery|drain|expiry|many|s3)::/)'

bench-server: ui ## The job server beside its peers; writes docs/bench-server.md (BENCH="--rounds 3" for more options)
	@scripts/setup bench
	cargo build --release -p longhaul-server -p longhaul-bench --bins
	cargo build --release -p longhaul-store --example serve
	PATH="$(abspath $(TARGET))/bench-tools/bin:$$PATH" $(TARGET)/release/bench-server --out docs/bench-server.md $(BENCH)

bench-transfer: ## The transfer engine beside its peers; writes docs/benchmarks.md (BENCH="--only a --rounds 3" for more options)
	@scripts/setup bench
	cargo build --release -p longhaul-cli -p longhaul-bench-transfer --bins
	cargo build --release -p longhaul-store --example serve
	PATH="$(abspath $(TARGET))/bench-tools/bin:$$PATH" $(TARGET)/release/bench-transfer --out docs/benchmarks.md $(BENCH)

deb: ui ## The package of app, longhaul and longhaul-server, for Debian and Ubuntu
	cargo build --release -p longhaul-desktop -p longhaul-server -p longhaul-cli --bins
	@scripts/deb $(TARGET)

test-deb: deb ## Install it in a clean root with apt, start its programs, take it off again (as root)
	@scripts/setup deb
	scripts/test-deb "$$(ls -t $(TARGET)/release/bundle/deb/*.deb | head -1)"

bench-ui: deb ## The real window with 10,000 rows and 50 downloads under way; writes docs/bench-ui.md
	@scripts/setup test
	cargo build --release -p longhaul-tests --bin bench-ui
	$(TARGET)/release/bench-ui docs/bench-ui.md

openapi: ## Write docs/openapi.json anew from the routes
	LONGHAUL_WRITE_OPENAPI=1 cargo nextest run -p longhaul-server --lib committed_document || true
	git diff --stat -- docs/openapi.json

test-contract: ## Hold the server against the OpenAPI document that it serves (schemathesis)
	cargo build -p longhaul-server --bins
	scripts/contract $(TARGET)/debug

test-faults: ## The engine: 500 scripts of faults, 300 times kill -9, flipped bytes in 1 GiB, links of 5 s over 10 minutes
	@scripts/setup test
	LONGHAUL_SCRIPTS=$${LONGHAUL_SCRIPTS:-500} LONGHAUL_KILLS=$${LONGHAUL_KILLS:-300} \
	LONGHAUL_ROT_MIB=$${LONGHAUL_ROT_MIB:-1024} LONGHAUL_LINK_SECONDS=$${LONGHAUL_LINK_SECONDS:-600} \
	cargo nextest run -p longhaul-transfer --profile long --no-fail-fast --no-capture -E 'test(/^(scripts|kills|rot|full|faults|changed|links|mirrors)::/)'

fuzz: ## Fuzz what others can send, FUZZ_SECONDS each (600); needs a nightly compiler
	@scripts/setup fuzz
	@for target in content_disposition content_range control_record metalink; do \
	  (cd crates/transfer && cargo +nightly fuzz run $$target -- -max_total_time=$${FUZZ_SECONDS:-600} -rss_limit_mb=2048 -timeout=10 -print_final_stats=1) || exit 1; \
	done

test-archive: long ## An archive with members and offsets beyond 4 GiB, read by Info-ZIP's unzip
	LONGHAUL_ARCHIVE_BYTES=4600000000 $(LONG) -E 'test(/^large_archive::/)'

deny: ## Licences, bans and sources of all dependencies
	@cargo deny --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-deny --version 0.20.2
	cargo deny check bans licenses sources

clean-demo: ## Forget the demo's library and downloads
	rm -rf .demo
