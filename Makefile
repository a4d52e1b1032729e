# make demo: set everything up and make demo.mp4.  make test: set everything up and pass the tests.
# make check: format, lint, types.  PYTHON=python3.13 make ... chooses the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready

.PHONY: demo test check format clean
.DELETE_ON_ERROR:

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "bodydouble needs Python 3.11 to 3.13; this is %d.%d: PYTHON=python3.12 make ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	@touch $(INSTALLED)

$(READY): $(INSTALLED) tests/add_torch.py
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	$(BIN)/python tests/add_torch.py
	@touch $(READY)

demo: $(INSTALLED)
	$(BIN)/bodydouble demo --out .

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo.mp4 build dist .pytest_cache .mypy_cache .ruff_cache
