# One verb per task. `make` alone lists them; `make demo ARGS="--json demo.json"` hands options on.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
ARGS ?=
N ?= 10000
SEED ?= 1
# A process a core, four at most, each with servers of its own; a file stays in one process, the longest begins first.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := --quiet --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --strip-extras

.PHONY: help setup demo test check up verify validate sim chaos bench scale mutants lock clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install what is missing: .venv and the Temporal server
	@$(BIN)/python -m workers.devserver

$(STAMP): requirements.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or run make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python " + sys.version.split()[0] + " is too old: install 3.11 or newer, or run make PYTHON=/path/to/python")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv
	@echo "installing Python packages into .venv"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --editable .
	@touch $@

demo: setup ## Play whole invoices on a real server
	@$(BIN)/duely demo $(ARGS)

test: setup check ## Lint, types and all tests, on SQLite and Postgres
	@$(BIN)/python -m pytest $(PARALLEL) --durations 30 $(ARGS)

mutants: $(STAMP) ## Plant known faults in a copy, each to be caught by its test; ARGS= names some
	@$(BIN)/python -m tests.mutants $(ARGS)

check: $(STAMP) ## Lint, format and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted: run $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy

sim: $(STAMP) ## Play N=10000 lives in virtual time, drawn from SEED=1
	@$(BIN)/python -m sim --lives $(N) --seed $(SEED) $(ARGS)

up: setup ## Server, worker, gateway and Web UI with files under var/, until Ctrl-C
	@$(BIN)/duely up $(ARGS)

verify: $(STAMP) ## Check the books against the invariants
	@$(BIN)/duely verify $(ARGS)

bench: setup ## Measure against the engine's floor and cron with SQL; ARGS="--only open --open 5000"
	@$(BIN)/python -m bench $(ARGS)

validate: $(STAMP) ## Judge finished documents by the official rules; DIR= a folder or file, default: the archive
	@$(BIN)/duely validate $(ARGS) $(if $(DIR),"$(DIR)")

scale: setup ## Measure 1, 2 and 4 workers and gateways on Postgres; ARGS=--keep writes the figures of docs/scale.md
	@$(BIN)/python -m bench.scale $(ARGS)

chaos: setup ## Kill, restart, cut and lie on the real thing; SERVER=dev|postgres INVOICES= KILLS= RESTARTS= SEED= MAIL=
	@$(BIN)/python -m chaos $(foreach name,SERVER INVOICES KILLS RESTARTS SEED MAIL,$(if $($(name)),--$(shell echo $(name) | tr A-Z a-z) $($(name)))) $(ARGS)

lock: ## Pin all packages anew, with hashes
	@tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	"$(PYTHON)" -m venv "$$tools"; \
	"$$tools/bin/pip" --disable-pip-version-check --quiet install pip-tools; \
	"$$tools/bin/pip-compile" $(COMPILE) --upgrade --extra dev --output-file requirements.lock pyproject.toml; \
	"$$tools/bin/pip-compile" $(COMPILE) --upgrade --constraint requirements.lock --output-file docker/requirements.lock pyproject.toml

clean: ## Remove caches and build leftovers; never var/, which holds the books
	@rm -rf build .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
