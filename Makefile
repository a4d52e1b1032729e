# make demo: set everything up and make demo.mp4.  make test: set everything up and pass the tests.
# make check: format, lint, types.  make page: the pages of `bodydouble live`, which need Node.js.
# PYTHON=python3.13 make ... chooses the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
WEB_READY := web/node_modules/.ready
PAGE := src/bodydouble/stage/page/index.html
WEB_SOURCES := $(wildcard web/*.html web/*.ts web/*.json) $(shell find web/src -type f)

.PHONY: demo test check page format clean
.DELETE_ON_ERROR:

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "bodydouble needs Python 3.11 to 3.13; this is %d.%d: PYTHON=python3.12 make ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	@touch $(INSTALLED)

$(READY): $(INSTALLED) tests/add_torch.py tests/add_chromium.py
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	$(BIN)/python tests/add_torch.py
	$(BIN)/python tests/add_chromium.py
	@touch $(READY)

$(WEB_READY): web/package.json web/package-lock.json web/.npmrc
	@command -v node > /dev/null && command -v npm > /dev/null || { echo 'the pages need Node.js 20.19 or newer with npm, and there is none: install it and try again' >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error(`the pages need Node.js 20.19 or newer, and this is $${process.version}: install a newer one and try again`); process.exit(1); }'
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $(WEB_READY)

$(PAGE): $(WEB_READY) $(WEB_SOURCES)
	cd web && npm run --silent build -- --logLevel warn

page: $(PAGE)

# The demo is a film and needs no page: without Node.js it is made all the same.
demo: $(INSTALLED)
	@$(MAKE) --no-print-directory page || echo 'going on without the pages of `bodydouble live`'
	$(BIN)/bodydouble demo --out .

test: $(READY) $(PAGE)
	cd web && npm test --silent
	$(BIN)/python -m pytest

check: $(READY) $(WEB_READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd web && npm run --silent check

format: $(READY) $(WEB_READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd web && npm run --silent format

clean:
	rm -rf $(VENV) demo.mp4 build dist .pytest_cache .mypy_cache .ruff_cache web/node_modules src/bodydouble/stage/page*/
