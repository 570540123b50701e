# One command each. Every target sets up what it needs: a fresh clone and `make test` is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A file of tests stays in one process: its models and browsers are set up once.
TESTS_AT_ONCE := -n logical --maxprocesses 8 --dist loadfile
READY := $(VENV)/.ready

.PHONY: setup demo test test-all check fix bench docs clean
.DEFAULT_GOAL := test

setup: $(READY)

# Pip reads the caller's own settings (index, proxies, certificates); only the versions are ours.
# For a CPU-only torch from PyTorch's index: make setup PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)                  ## read real pictures, draw what is found into out/
	$(BIN)/python examples/demo.py

test: $(READY)                  ## no GPU, no network, two cores, a quarter of an hour
	$(BIN)/python -m pytest -q $(TESTS_AT_ONCE)

test-all: $(READY)              ## also the slow ones and, where there is one, the GPU's
	$(BIN)/python -m pytest -q $(TESTS_AT_ONCE) -m ""

check: $(READY)                 ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

fix: $(READY)                   ## what is mechanical
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)                 ## speed against transformers, interleaved in one run
	$(BIN)/python benchmarks/speed.py

docs: $(READY)                  ## run every command and code block of the documents
	$(BIN)/python -m pytest -q tests/docs

clean:
	rm -rf $(VENV) out
