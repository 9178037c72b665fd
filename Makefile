# `make up` runs Twin, `make test` checks it; both install what they need first.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := twin_assets twin_serving gradio_app.py tests bench

.DEFAULT_GOAL := help
.PHONY: help up up-docker down-docker test lint types imports check-browser bench format lock clean

help: ## Say what the targets do.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): $(VENV)/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[dev]"
	@touch $@

up: $(INSTALLED) ## Build the sample authors if there are no others, and run everything until Ctrl-C.
	@$(BIN)/twin up --demo

up-docker: ## The same on containers: Postgres, MongoDB, Qdrant, Dagster, the page (docs/deploying.md).
	@deploy/up

down-docker: ## End the containers; the data stays.
	@deploy/down

lint: $(INSTALLED) ## ruff: lint and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## mypy --strict.
	$(BIN)/mypy

imports: $(INSTALLED) ## import-linter: which module may import which.
	$(BIN)/lint-imports --no-cache

# The page is tested in a real browser. A root user (a container, CI) gets one installed.
check-browser:
	@test -n "$$TWIN_CHROMIUM" && exit 0; \
	for name in chromium chromium-browser google-chrome; do \
		command -v $$name >/dev/null && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else echo "No Chromium found: install it, or set TWIN_CHROMIUM; the page's tests are skipped."; fi

test: $(INSTALLED) lint types imports check-browser ## Lint, types, import rules and the whole test suite.
	$(BIN)/pytest -q -n 2 --dist loadfile

bench: $(INSTALLED) ## Run the benchmarks (CONTRIBUTING.md says how to read them).
	$(BIN)/python bench/embedding.py
	$(BIN)/python bench/pipeline.py
	$(BIN)/python bench/importing.py

format: $(INSTALLED) ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(INSTALLED) ## Write requirements.lock from what is installed.
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check 2>/dev/null | sed -E 's/^(torch==[0-9.]+).*/\1/' > requirements.lock

clean: ## Remove what the build made; TWIN_HOME stays.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
