# telex: `make demo` shows it, `make test` proves it. Both set up what they need under .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
# Two for each core: many tests wait for a process, an election or a deadline most of their time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))' 2>/dev/null || echo 4)

# Python's byte code is kept, whatever the environment says: each worker and each process of a test would compile anew.
unexport PYTHONDONTWRITEBYTECODE
# What depends on who runs it, in which locale, time zone and umask.
AS_USER ?= tests/security tests/cli tests/unit/test_store_files.py tests/unit/test_homes.py tests/unit/test_gate.py \
	tests/unit/test_config.py tests/acceptance/test_install_all.py tests/acceptance/test_launchers.py

.PHONY: help setup demo check test test-user test-long test-clients clients-newest simulate bench cluster cluster-stop
.PHONY: docs lock wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make demo          two sessions exchange a message through the real hook (about 5 s)"
	@echo "make test          every test that needs no large download"
	@echo "make test-user     as root: the tests that depend on who runs them, once more as the login nobody"
	@echo "make test-clients  the five real clients, MCP inspector and conformance suite, offline (about 1.5 GB)"
	@echo "make clients-newest  the newest version of each client instead of the pinned one; it reports, and notes nothing"
	@echo "make test-long     the longer tiers of tests that also run short, with new examples (hours)"
	@echo "make wheel         sdist and wheel; the wheel is installed in a fresh environment and demonstrated"
	@echo "make lock          write requirements.lock anew from pyproject.toml (needs uv)"
	@echo "make simulate      20,000 seeded histories of machines, links and a relay (about 2 min)"
	@echo "make cluster       three NATS nodes and two relays on loopback, until Ctrl-C or make cluster-stop"
	@echo "make bench         the measurements of docs/benchmarks.md, in this run"
	@echo "make check         format, lint, types, import contracts, generated docs"

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "telex needs Python 3.11 or later; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

lock:
	uv pip compile pyproject.toml --extra all --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --upgrade --quiet --output-file requirements.lock

demo: setup
	@$(BIN)/telex demo

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/reference.py --check
	$(BIN)/python tools/vectors.py --check

test: setup check
	tools/system_tools.sh strace unshare nsenter mount openssl
	$(BIN)/python -m pytest -m "not real_client and not long" -n $(WORKERS) --dist worksteal

test-user: setup
	$(BIN)/python -m tests.support.as_nobody -n $(WORKERS) --dist worksteal -m "not real_client and not long" $(AS_USER)

test-long: setup
	tools/system_tools.sh strace unshare mount nsenter openssl
	TELEX_EXAMPLES=random $(BIN)/python -m pytest -m long
	TELEX_EXAMPLES=random TELEX_LONG=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/crash
	TELEX_EXAMPLES=random $(BIN)/python -m pytest -m "not real_client and not long" -n $(WORKERS) --dist worksteal

test-clients: setup
	tools/system_tools.sh node npm tmux unshare ip
	PYTHON=$(BIN)/python tests/clients/run.sh

clients-newest: setup
	tools/system_tools.sh node npm tmux unshare ip
	PYTHON=$(BIN)/python NEWEST=1 tests/clients/run.sh

wheel: setup
	PYTHON=$(PYTHON) tools/wheel.sh

simulate: setup
	$(BIN)/python -m tests.simulation.run --seeds 20000
	$(BIN)/python -m tests.simulation.run --bugs

bench: setup
	$(BIN)/python tools/bench.py

cluster: setup
	$(BIN)/python -m tools.cluster

cluster-stop: setup
	$(BIN)/python -m tools.cluster stop

docs: setup
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/vectors.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
