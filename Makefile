# telex: `make demo` shows it, `make test` proves it. Both set up what they need under .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

.PHONY: help setup demo check test test-clients bench docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo          two sessions exchange a message through the real hook (about 5 s)"
	@echo "make test          every test that needs no large download"
	@echo "make test-clients  the five real clients, MCP inspector and conformance suite, offline (about 1.5 GB)"
	@echo "make bench         the measurements of docs/benchmarks.md, in this run"
	@echo "make check         format, lint, types, import contracts, generated docs"

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "telex needs Python 3.11 or later; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $(STAMP)

demo: setup
	@$(BIN)/telex demo

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/reference.py --check

test: setup check
	tools/system_tools.sh strace unshare mount
	$(BIN)/python -m pytest -m "not real_client" -n 2 --dist worksteal

test-clients: setup
	tools/system_tools.sh node npm tmux unshare ip
	PYTHON=$(BIN)/python tests/clients/run.sh

bench: setup
	$(BIN)/python tools/bench.py

docs: setup
	$(BIN)/python tools/reference.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
