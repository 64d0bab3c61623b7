# Wardline from a checkout: everything lives in .venv and var/, nothing outside.
# `make` alone lists what it can do; `make -k lint` shows every fault, not the first.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ROOMS  := gateway printers $(wildcard demo)
TESTS  ?= tests
# Test files side by side: most of the long ones wait for printers, calls and brokers. 0: one after another.
WORKERS ?= 2
# Bytecode is kept: tests start the service hundreds of times, and each would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint style types layers house format bench lock clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.project  ## the set-up only: .venv/bin/wardline then works

demo: setup  ## play the main job with real parts on this machine (ONCE=1: play it and end)
	$(BIN)/python -m demo $(if $(ONCE),--once)

test: $(VENV)/.dev  ## set everything up and pass the tests (TESTS=tests/unit: only those)
	@tools/packages strace zbar-tools || true
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

lint: style types layers house  ## style, types, layers, house rules

style: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy $(ROOMS)

layers: $(VENV)/.dev
	$(BIN)/lint-imports

house: $(VENV)/.dev
	$(BIN)/python tools/house.py
	$(BIN)/python tools/reference.py

format: $(VENV)/.dev  ## put the code into the house's shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev  ## measure what docs/explanation/performance.md tells
	$(BIN)/python -m benchmarks

# Hashes and no addresses: the same lock serves whatever mirror a hospital allows.
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
       --all-extras --group build --generate-hashes --no-emit-index-url --no-header

lock: $(VENV)/.dev  ## write the lock files anew from pyproject.toml
	$(LOCK) $(UPGRADE) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock $(UPGRADE) --output-file requirements-dev.lock

clean:  ## forget the set-up and what tests and demo left behind
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Each stamp is written last, so that an interrupted set-up is taken up again.
$(BIN)/python:
	tools/venv $(VENV)

$(VENV)/.runtime: requirements.lock | $(BIN)/python
	$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.project
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.runtime
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
