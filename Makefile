# The commands for people and CI. Everything is set up by the first that needs it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What a machine-wide pip configuration may add is of no use here, and pip must not ask.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.PHONY: setup up demo test lint bench mutants lock clean

setup: $(READY)

$(READY): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "bg_assets needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a minute or two, once) ..."
	@$(PIP) install --quiet --require-hashes -r requirements.txt
	@PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

up: $(READY)
	@$(BIN)/bg-assets up

demo: $(READY)
	@$(BIN)/bg-assets demo

test: $(READY)
	@$(BIN)/python -m pytest -q -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY)
	@$(BIN)/python -m bench

# Half an hour, and not for CI: which small faults the tests would let through.
mutants: $(READY)
	@$(BIN)/python -m bench mutants

# After a change of the dependencies in pyproject.toml.
lock: $(READY)
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --extra embedded --extra local --extra dev --output-file requirements.txt pyproject.toml

clean:
	@test ! -x $(BIN)/python || $(BIN)/python -m bg_assets.local.clean
	@rm -rf $(VENV) .bg .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
