# `make run` starts a broker, `make test` proves it. Everything else is listed by `make help`.

SWIFT ?= swift
CONFIG ?= config/sluice.yaml
RELEASE = --configuration release --static-swift-stdlib --product sluice
IMPORTS = --explicit-target-dependency-import-check error
FILTER ?=

.PHONY: help run build test check layers format sim fuzz bench soak

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 16

run: build ## build a release and start it with config/sluice.yaml (CONFIG=... for another)
	@exec "$$($(SWIFT) build $(RELEASE) --show-bin-path)/sluice" serve --config $(CONFIG)

build: ## build the release executable, which needs no toolchain to run
	@.ci/install-packages
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

# Each of these runs what its folder holds, and says so when this tree has none yet.
sim: ## run the simulation tests
	@if [ -d Tests/SimulationTests ]; then $(SWIFT) test $(IMPORTS) --filter '^SimulationTests\.'; \
	else echo "no simulation tests yet: Tests/SimulationTests" >&2; exit 1; fi

fuzz: ## run the fuzzers
	@if [ -d Fuzz ]; then $(MAKE) --directory Fuzz; \
	else echo "no fuzzers yet: Fuzz" >&2; exit 1; fi

bench: ## measure (Benchmarks)
	@if [ -d Benchmarks ]; then $(MAKE) --directory Benchmarks bench; \
	else echo "no benchmarks yet: Benchmarks" >&2; exit 1; fi

soak: ## run the benchmarks' load for hours
	@if [ -d Benchmarks ]; then $(MAKE) --directory Benchmarks soak; \
	else echo "no benchmarks yet: Benchmarks" >&2; exit 1; fi
