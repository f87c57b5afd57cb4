# `make` lists what there is. Every environment is made from a hashed file in requirements/, build backend included, so
# that installing the project itself resolves and fetches nothing. Change a requirements file and the next call rebuilds.

PYTHON ?= python3
# Prebuilt wheels only: a source distribution would fetch its own build tools, unhashed. `make test WHEELS=` allows them.
WHEELS ?= --only-binary :all:
# More words for the command behind a target: `make test ARGS="-k ledger"`, `make bench-ledger ARGS="--quick"`.
ARGS ?=

PIP := -m pip --disable-pip-version-check --no-input -qq install --no-deps
TEST := .venv/test/bin
# Code that is ours to check: what exists of it.
CODE := $(wildcard src tests benchmarks docs examples tools conftest.py)
BENCHMARKS := ledger cost kill power prove null judge start size planner recall suggest safety wheel veteran agents hook pack

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.PHONY: help demo test check lint format types imports docs laws cover extras lock clean peers calibrate $(BENCHMARKS:%=bench-%)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  make bench-NAME     measure one of: $(BENCHMARKS)"

# ── use ────────────────────────────────────────────────────────────────────────────────────────────────────────────
demo: .venv/run/installed  ## see Kaizen improve something, here and now
	@.venv/run/bin/kaizen demo $(ARGS)

test: .venv/test/installed  ## run the whole suite on two cores
	@$(TEST)/python -m pytest -n 2 $(ARGS)

# ── check ──────────────────────────────────────────────────────────────────────────────────────────────────────────
check:  ## everything CI does, in CI's order
	@bash .ci/run

lint: .venv/test/installed  ## look for mistakes and for unformatted code
	@$(TEST)/ruff check $(CODE)
	@$(TEST)/ruff format --check $(CODE)

format: .venv/test/installed  ## format the code and mend what can be mended safely
	@$(TEST)/ruff check --fix-only --quiet $(CODE)
	@$(TEST)/ruff format $(CODE)

types: .venv/test/installed  ## check the types, ours strictly and a user's as two checkers see them
	@$(TEST)/mypy src
	@if [ -n "$(wildcard tests/typing/*.py)" ]; then $(TEST)/mypy tests/typing && $(TEST)/basedpyright tests/typing; fi

imports: .venv/test/installed  ## check that imports point down (the contracts are in pyproject.toml)
	@$(TEST)/lint-imports --no-cache

docs: .venv/test/installed  ## execute the README, the guides and the docstrings
	@$(TEST)/python -m pytest tests/docs $(ARGS)

laws: .venv/test/installed  ## turn the wheel at random for long, on both ledgers in lockstep
	@KAIZEN_LAWS=long $(TEST)/python -m pytest -n 2 tests/laws $(ARGS)

cover: .venv/test/installed  ## run the suite and report the branches that it misses
	@$(TEST)/python -m pytest -n 2 --cov --cov-report=term-missing:skip-covered $(ARGS)

extras: .venv/extras/installed  ## test the ways in and run their pages, against the real Optuna, Ray, MCP SDK and faiss
	@.venv/extras/bin/python -m pytest tests/ways tests/contracts/test_neighbours.py $(foreach page,ways-in mcp,"tests/docs/test_blocks.py::test_document[docs/$(page).md]") $(ARGS)

# ── measure ────────────────────────────────────────────────────────────────────────────────────────────────────────
$(BENCHMARKS:%=bench-%): bench-%: .venv/bench/installed
	@.venv/bench/bin/python -m benchmarks.$* $(ARGS)

calibrate: .venv/bench/installed  ## hold the judge against long simulations; --out FILE goes on after an interruption
	@.venv/bench/bin/python -m benchmarks.judge --long $(ARGS)

peers: .venv/bench/installed  ## make environments for other planners: NAMES="smac ax"; without NAMES, list them
	@.venv/bench/bin/python -m benchmarks.planner.peers $(NAMES)

# ── environments ───────────────────────────────────────────────────────────────────────────────────────────────────
# Two stamps each: `ready` when the requirements are in, `installed` when the project is. Both are written last, so an
# interrupted making is begun again from nothing.
.PRECIOUS: .venv/%/ready .venv/%/installed

.venv/%/ready: requirements/%.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python must be 3.11 or newer; got $$($(PYTHON) --version 2>&1). Say which: make PYTHON=python3.11 …" >&2; exit 1; }
	@echo "Making .venv/$* from requirements/$*.txt; this happens once." >&2
	@rm -rf .venv/$*
	@$(PYTHON) -m venv .venv/$*
	@.venv/$*/bin/python $(PIP) $(WHEELS) --require-hashes -r requirements/$*.txt
	@touch $@

.venv/%/installed: .venv/%/ready pyproject.toml
	@.venv/$*/bin/python $(PIP) --no-build-isolation --editable .
	@touch $@

# What is pinned stays as it is unless pyproject.toml or a *.in file asks otherwise; `make lock ARGS=--upgrade` takes the
# newest. One file serves every platform and Python from 3.11 on. It names no host: your pip's own settings say where from.
COMPILE = .venv/lock/bin/uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)
PROJECT := pyproject.toml requirements/run.in
# A file that comes out the same keeps its time, so that no environment is made again for nothing.
define resolve
@touch -a requirements/$(1).txt && cp -p requirements/$(1).txt .venv/$(1).before
@$(COMPILE) $(2) --output-file requirements/$(1).txt
@if cmp -s requirements/$(1).txt .venv/$(1).before; then cp -p .venv/$(1).before requirements/$(1).txt; fi
@rm -f .venv/$(1).before
endef

lock: .venv/lock/ready  ## resolve the requirements again, with hashes
	$(call resolve,lock,requirements/lock.in)
	$(call resolve,run,$(PROJECT))
	$(call resolve,test,$(PROJECT) requirements/test.in --constraints requirements/run.txt)
	$(call resolve,bench,$(PROJECT) requirements/bench.in --extra faiss --constraints requirements/run.txt)
	$(call resolve,extras,$(PROJECT) requirements/extras.in --extra optuna --extra ray --extra mcp --extra faiss --constraints requirements/run.txt)

clean:  ## remove the environments, caches and build artefacts
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	find $(CODE) -type d -name __pycache__ -prune -exec rm -rf {} +
