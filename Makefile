# Two commands do all on a fresh machine: `make run` and `make test`. `make help` lists the rest.

SWIFT ?= swift
JOBS ?= 2
BUILD := $(SWIFT) build --scratch-path .build -j $(JOBS)
BIN := .build/debug
RELEASE := .build-release/release
REPORT ?= report

# Debian packages, by what they are needed for.
BUILD_PACKAGES := libsqlite3-dev
RUN_PACKAGES := nftables dnsmasq-base busybox iproute2 curl iputils-ping
PEER_PACKAGES := coturn lldpd miniupnpd miniupnpd-nftables tshark curl gupnp-tools miniupnpc python3 python3-venv iputils-ping iproute2 graphviz
# PyPI packages, which go into .build/peers.
PEER_PYTHON := async-upnp-client
BENCH_PACKAGES := gcc libc6-dev iproute2 iputils-ping nftables python3 miniupnpd miniupnpd-nftables miniupnpc

# `make scenarios` judges every capture again, with the logs taken away.
.PHONY: commands help run test ci bench build release deps run-deps test-deps bench-deps lint format layers unit scenarios nat peers docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: run-deps build ## install what is missing, build, run every scenario, write the report
	$(BIN)/homebed run --report $(REPORT)
	@echo "report: $(REPORT)"

test: test-deps lint layers build unit commands scenarios nat peers ## every check: format, layers, unit tests, scenarios, foreign programs

ci: ## what continuous integration runs: the same, and nothing may be skipped
	CI=true $(MAKE) --no-print-directory test

build: run-deps
	@$(BUILD) $(QUIET)

unit: test-deps
	$(SWIFT) test --scratch-path .build -j $(JOBS) --disable-xctest $(TEST_FLAGS)

commands: build test-deps
	Tests/CommandLine/run.sh $(BIN)
	Tests/CommandLine/up.sh $(BIN)
	Tests/CommandLine/exhaustion.sh $(BIN)

scenarios: build
	perl contrib/scenarios/crashes.pl --check
	$(BIN)/homebed check
	$(BIN)/homebed check examples
	$(BIN)/homebed run scenarios examples --backend auto --report $(REPORT)
	contrib/checks/verify-runs.sh $(BIN) $(REPORT)
	$(BIN)/homebed run --backend loopback --report $(REPORT)-loopback
	contrib/checks/verify-runs.sh $(BIN) $(REPORT)-loopback
	contrib/checks/taps-and-frames.sh $(BIN)

nat: build test-deps ## each NAT behaviour of RFC 4787, as a STUN client sees it
	Tests/NAT/run.sh $(BIN)

peers: build test-deps ## programs that nobody here wrote: tshark, curl, gssdp-discover, a CE agent in Python
	@contrib/checks/python.sh .build/peers $(PEER_PYTHON)
	Tests/Peers/run.sh $(BIN)

bench: bench-deps release ## measure: figures against a floor in the same run, medians
	perl contrib/bench/run.pl $(RELEASE) $(BENCH)

release: run-deps
	$(SWIFT) build --scratch-path .build-release -c release --static-swift-stdlib -j $(JOBS)

lint: ## the formatting of every Swift file
	@$(SWIFT) format lint --strict --parallel --configuration .swift-format --recursive Sources Tests Package.swift
	@echo "lint: clean"

format: ## put every Swift file into the project's format
	$(SWIFT) format --in-place --parallel --configuration .swift-format --recursive Sources Tests Package.swift

layers: ## imports run down the layers only
	@perl contrib/checks/layers.pl

clean: ## remove what was built and reported
	rm -rf .build .build-release $(REPORT) $(REPORT)-loopback

run-deps:
	@contrib/checks/packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES)

test-deps:
	@contrib/checks/packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) $(PEER_PACKAGES)

bench-deps:
	@contrib/checks/packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) $(BENCH_PACKAGES)
