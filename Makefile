# make install | run | test | bench | lint | clean. Each installs what it needs first; quick when nothing changed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := PATH="$$PWD/.venv/bin:$$PATH" .venv/bin
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
# pip, uv, npm and jsii keep what they fetched in the home folder; whoever has none that can be written gets one in here.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/.cloudpits/home
endif

.PHONY: help install install-test run test lint unit bench clean
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install:  ## everything a person needs
	@tools/install.sh '$(PYTHON)' use

install-test:  ## and what the tests, the linters and the benchmarks need besides
	@tools/install.sh '$(PYTHON)' test

run: install  ## a whole experiment on the embedded cloud
	$(BIN)/cloudpits run examples/experiments/pi.toml --local

test: install-test lint  ## every test
	$(BIN)/pytest -n 2 --dist loadgroup

unit: install-test  ## the quick tests only
	$(BIN)/pytest -n 2 tests/unit tests/property

lint: install-test  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install-test  ## benchmarks: prints tables, writes benchmarks/results/*.json and the tables of docs/benchmarks.md
	$(BIN)/python benchmarks/run_all.py
	$(BIN)/python tools/benchmark_tables.py

clean:  ## what make made
	rm -rf .venv/.complete node_modules/.complete .venv node_modules cdk.out .cloudpits .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: constraints
constraints: install  ## renew constraints.txt from the newest releases
	: > constraints.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 requirements-dev.txt --no-header --no-annotate --no-emit-index-url -q | grep -v '^\./\|^-' > constraints.txt
