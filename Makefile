.PHONY: help setup demo quick test test-slow lint types coverage docs package test-originals clean
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
# how many tests run beside each other, each with one thread; 0: in one process
WORKERS ?= 2
PYTEST = OMP_NUM_THREADS=1 $(1) -m pytest tests -m "not slow" -n $(WORKERS) --dist worksteal
# bytecode is kept even where the shell says otherwise: importing without it takes twice as long
export PYTHONDONTWRITEBYTECODE =

help:
	@echo "make demo            set up, train a detector on the built-in data set, evaluate, draw pictures"
	@echo "make test            set up, lint, check types, run the tests (not the slow ones); WORKERS=N at a time"
	@echo "make quick           set up, run the quick tests: under 90 seconds"
	@echo "make test-slow       the slow ones: every detector through a training step, pages that train"
	@echo "make setup           only make the environment (.venv)"
	@echo "make lint            ruff and codespell"
	@echo "make types           mypy on the rooms that users' own code calls"
	@echo "make coverage        the tests of make test, and which lines they never run"
	@echo "make docs            build the documentation into site/ (.venv-docs)"
	@echo "make package         build the sdist and the wheel into dist/"
	@echo "make test-originals  the tests beside the original mmcv, mmengine and mmdet (.venv-originals)"
	@echo "make clean           remove the environments, builds and caches, not the built mmcv wheels"

setup:
	@bash tools/setup_env.sh

demo: setup
	@$(PY) -m mmdet_efpn demo

lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet . || { $(PY) -m ruff format --diff --quiet .; exit 1; }
	@.venv/bin/codespell

types: setup
	@$(PY) -m mypy

quick: setup
	@OMP_NUM_THREADS=1 $(PY) -m pytest tests -m quick -n $(WORKERS) --dist worksteal

test: lint types
	@$(call PYTEST,$(PY))

test-slow: setup
	@$(PY) -m pytest tests -m slow

coverage: setup
	@$(call PYTEST,$(PY)) --cov --cov-report=term-missing:skip-covered

docs:
	@test -x .venv-docs/bin/mkdocs || { python3 -m venv .venv-docs && .venv-docs/bin/python -m pip install -q -r docs/requirements.txt; }
	@.venv-docs/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

package: setup
	@$(PY) -m build --no-isolation

test-originals:
	@bash tools/setup_env.sh --profile originals
	@$(call PYTEST,.venv-originals/bin/python)

clean:
	rm -rf .venv .venv-originals .venv-docs build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
	find mmdet_efpn benchmarks tests tools configs -name __pycache__ -type d -prune -exec rm -rf {} +
