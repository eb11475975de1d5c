.PHONY: help setup demo test test-slow lint test-originals clean
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
	@echo "make test            set up, lint, run the tests (not the slow ones); WORKERS=N at a time"
	@echo "make test-slow       the slow ones: every detector of docs/detectors.md through a training step"
	@echo "make setup           only make the environment (.venv)"
	@echo "make lint            set up and lint"
	@echo "make test-originals  the tests beside the original mmcv, mmengine and mmdet (.venv-originals)"
	@echo "make clean           remove both environments and caches, not the built mmcv wheels"

setup:
	@bash tools/setup_env.sh

demo: setup
	@$(PY) tools/demo.py

lint: setup
	@$(PY) -m ruff check .

test: lint
	@$(call PYTEST,$(PY))

test-slow: setup
	@$(PY) -m pytest tests -m slow

test-originals:
	@bash tools/setup_env.sh --profile originals
	@$(call PYTEST,.venv-originals/bin/python)

clean:
	rm -rf .venv .venv-originals build *.egg-info .pytest_cache .ruff_cache
	find mmdet_efpn tests tools configs -name __pycache__ -type d -prune -exec rm -rf {} +
