# `make run` starts a broker, `make test` proves it. Everything else is listed by `make help`.

SWIFT ?= swift
CONFIG ?= config/sluice.yaml
RELEASE = --configuration release --static-swift-stdlib --product sluice
IMPORTS = --explicit-target-dependency-import-check error
FILTER ?=

.PHONY: help run build test check layers format man deb sim conformance fuzz sanitize bench soak

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 16

run: build ## build a release and start it with config/sluice.yaml (CONFIG=... for another)
	@exec "$$($(SWIFT) build $(RELEASE) --show-bin-path)/sluice" serve --config $(CONFIG)

build: ## build the release executable, which needs no toolchain to run
	@.ci/install-packages
	@.ci/note-commit
	$(SWIFT) build $(RELEASE) $(IMPORTS)

test: ## run every test (FILTER=... for some of them)
	@.ci/install-packages --tests
	$(SWIFT) build --build-tests $(IMPORTS)
	$(SWIFT) test --skip-build $(IMPORTS) $(if $(FILTER),--filter '$(FILTER)')

check: ## lint, and the rules of the house
	.ci/check

layers: ## who may import whom
	$(SWIFT) test $(IMPORTS) --filter 'RepositoryTests.LayerTests'

format: ## format every Swift file in place
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests

man: build ## write the manual page to .build/man/sluice.1
	@mkdir -p .build/man
	@"$$($(SWIFT) build $(RELEASE) --show-bin-path)/sluice" man >.build/man/sluice.1

deb: build ## make a Debian package in .build/deb (VERSION=..., MAINTAINER=... for others than the default)
	@packaging/build-deb "$$($(SWIFT) build $(RELEASE) --show-bin-path)/sluice" .build/deb

sim: ## 100,000 histories of the log and of the broker (RUNS=... for fewer; SLUICE_SEED=... repeats one)
	SLUICE_SOAK_RUNS=$(or $(RUNS),100000) $(SWIFT) test $(IMPORTS) \
		--filter '^(CommitLogTests\.(CrashTests|ProducerCrashTests)|BrokerSimulationTests\.)'

conformance: build ## mosquitto's own broker tests (MOSQUITTO_SOURCE=... where its unpacked source is)
	@python3 Tests/Conformance/mosquitto.py --source "$(MOSQUITTO_SOURCE)" \
		--broker "$$($(SWIFT) build $(RELEASE) --show-bin-path)/sluice"

fuzz: ## run the fuzzers for a minute (SECONDS=... for longer)
	Fuzz/run.sh $(or $(SECONDS),60)

sanitize: ## broker, hostile clients and groups with the address and the thread sanitizer
	SLUICE_SANITIZED=1 ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --sanitize=address --scratch-path .build-asan \
		--filter '^SluiceBrokerTests\.|^IntegrationTests\.(HostileTests|GroupTests|DeliveryTests|ReplayTests)'
	SLUICE_SANITIZED=1 TSAN_OPTIONS=suppressions=$(CURDIR)/.ci/tsan.suppressions $(SWIFT) test --sanitize=thread \
		--scratch-path .build-tsan --filter '^IntegrationTests\.(HostileTests|GroupTests|DeliveryTests|ReplayTests)'

bench: ## measure (Benchmarks): pieces with allocation gates, the broker beside mosquitto and C
	$(MAKE) --directory Benchmarks bench

soak: build ## 100,000 histories, 10,000 damaged images, 200 rounds of kill -9, hostile clients, groups, bridges, memory
	SLUICE_SOAK_RUNS=100000 $(SWIFT) test $(IMPORTS) --filter '^CommitLogTests\.(CrashTests|ProducerCrashTests)'
	SLUICE_DAMAGED_IMAGES=10000 $(SWIFT) test $(IMPORTS) --filter '^CommitLogTests\.DamagedImageTests'
	SLUICE_CRASH_ROUNDS=200 $(SWIFT) test $(IMPORTS) --filter '^IntegrationTests\.(Kafka)?CrashTests'
	SLUICE_SOAK_SESSIONS=100000 $(SWIFT) test $(IMPORTS) --filter '^IntegrationTests\.HostileTests'
	SLUICE_SOAK_ROUNDS=200 $(SWIFT) test $(IMPORTS) --filter '^IntegrationTests\.(GroupTests|FleetTests)'
	$(SWIFT) test $(IMPORTS) --no-parallel --filter '^IntegrationTests\.(MemoryTests|DescriptorTests)'
	SLUICE_EXECUTABLE="$$($(SWIFT) build $(RELEASE) --show-bin-path)/sluice" SLUICE_SOAK_RECONNECTS=1000000 \
		$(SWIFT) test $(IMPORTS) --filter '^IntegrationTests\.ReconnectTests'
	SLUICE_SOAK_MESSAGES=200000 $(SWIFT) test $(IMPORTS) --no-parallel \
		--filter '^IntegrationTests\.(BridgeTests/killedNode|BridgeOutageTests)'
	$(MAKE) --directory Benchmarks soak
