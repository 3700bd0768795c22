# make install | run | test | bench | lint | clean. Each installs what it needs first; quick when nothing changed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.PHONY: help install run test lint unit bench clean
help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/.installed node_modules/.installed .venv/.system  ## everything a person or a test needs

.venv/.system: tools/install_system.sh
	@tools/install_system.sh && touch $@

.venv/.installed: requirements.txt requirements-dev.txt constraints.txt requirements-emulator.txt layers/cloudpits/pyproject.toml
	@tools/install_python.sh $(PYTHON) && touch $@

node_modules/.installed: package.json package-lock.json
	@tools/install_node.sh && touch $@

run: install  ## a whole experiment on the embedded cloud
	$(BIN)/cloudpits run examples/experiments/pi.toml --local

test: install lint  ## every test
	$(BIN)/pytest -n 2 --dist loadgroup

unit: install  ## the quick tests only
	$(BIN)/pytest -n 2 tests/unit tests/property

lint: install  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## benchmarks: prints tables, writes benchmarks/results/*.json and the tables of docs/benchmarks.md
	$(BIN)/python benchmarks/run_all.py
	$(BIN)/python tools/benchmark_tables.py

clean:  ## what make made
	rm -rf .venv node_modules cdk.out .cloudpits .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: constraints
constraints:  ## renew constraints.txt from the newest releases
	: > constraints.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 requirements-dev.txt --no-header --no-annotate --no-emit-index-url -q | grep -v '^\./\|^-' > constraints.txt
