# `make up` runs Twin, `make test` checks it; both install what they need first.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := twin_assets twin_serving gradio_app.py tests bench

.DEFAULT_GOAL := help
.PHONY: help up up-docker down-docker test lint types imports test-programs bench format lock clean

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

# Beside Python, tests use a browser for the page and Postgres for Dagster's state. A root user (a
# container, CI) gets installed what is missing; without it those tests are skipped.
test-programs:
	@exec 3>&1 >/dev/null; missing=; \
	test -n "$$TWIN_CHROMIUM" || command -v chromium || command -v chromium-browser \
		|| command -v google-chrome || missing=chromium; \
	command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null \
		|| missing="$$missing postgresql"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; \
	else echo "Tests that need what is not installed are skipped:" $$missing >&3; fi

test: $(INSTALLED) lint types imports test-programs ## Lint, types, import rules and the whole test suite.
	$(BIN)/pytest -q -n 3 --dist worksteal # two cores are busy with three: many tests wait for a server

bench: $(INSTALLED) ## Run the benchmarks (CONTRIBUTING.md says how to read them).
	$(BIN)/python bench/embedding.py
	$(BIN)/python bench/pipeline.py
	$(BIN)/python bench/importing.py
	$(BIN)/python bench/serving.py

format: $(INSTALLED) ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(INSTALLED) ## Write requirements.lock from what is installed.
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check 2>/dev/null | sed -E 's/^(torch==[0-9.]+).*/\1/' > requirements.lock

clean: ## Remove what the build made; TWIN_HOME stays.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
