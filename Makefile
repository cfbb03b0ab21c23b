# The commands for working on this project. `make` alone lists them.

PYTHON ?= python3
VENV := .venv/bin
# One more than the cores, because the worker with the end-to-end tests mostly waits.
PARALLEL = --numprocesses $$($(VENV)/python -c 'import os; print(min(5, (os.cpu_count() or 1) + 1))') --dist loadfile --no-loadscope-reorder
COMPILE := $(VENV)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet

.DEFAULT_GOAL := help
.PHONY: help run setup sweep test check coverage fuzz lint format lock catalog contract bench clean clients stage

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  run reads APP_ENV=firebase, PORT_OFFSET=10000, HTTP_PORT=8001, LOCAL_MODEL=off, UI=on, VERBOSE=1;'
	@echo '  test, stage and bench take ARGS, as in: make test ARGS="-k chat -x".'

run: ## Install what is missing, and start the whole service on http://127.0.0.1:8000
	@$(PYTHON) emulator-config/setup.py
	@exec $(VENV)/python emulator-config/run.py

setup: ## Install everything that is needed to run and test the service
	@$(PYTHON) emulator-config/setup.py --tests

sweep: ## Resume tickets whose worker died; `make run` does this every half minute
	@curl --fail --silent --show-error -X POST http://127.0.0.1:$$((5001 + $${PORT_OFFSET:-0}))/demo-agents/us-central1/sweep && echo

test: setup ## Run the tests in parallel; with ARGS, run them sequentially
	@$(VENV)/python -m pytest $(or $(ARGS),$(PARALLEL))

check: setup ## Lint, and run the tests that changes since the last commit may affect; takes about a minute
	@$(VENV)/python -m tools.check

coverage: setup ## Run all but the end-to-end tests, and print which lines and branches of functions/ and shared/ they miss
	@$(VENV)/python -m pytest $(PARALLEL) -m "not e2e and not staged and not long" --cov --cov-report=term

fuzz: setup ## Send random requests to every operation for SECONDS=1200; SEED=7 makes them reproducible
	@$(VENV)/python -m tests.contract.fuzz $(or $(SECONDS),1200) $(if $(SEED),--seed $(SEED))

lint: setup ## Check style, types and the direction of imports
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@node_modules/.bin/pyright
	@$(VENV)/lint-imports

format: setup ## Format the sources and fix what can be fixed automatically
	@$(VENV)/ruff check --fix
	@$(VENV)/ruff format

lock: setup ## Update the locked requirements; UPGRADE=1 takes newer versions
	@cd requirements && for name in dev:lock jdk:jdk; do \
	  ../$(COMPILE) $(if $(UPGRADE),--upgrade) $${name%%:*}.in --output-file $${name##*:}.txt || exit; done
	@cd requirements && ../$(COMPILE) $(if $(UPGRADE),--upgrade) --no-deps local-model.in --output-file local-model.txt

catalog: setup ## Update the catalog of providers and models
	@$(VENV)/python -m tools.refresh_catalog

contract: setup ## Regenerate the service's OpenAPI document
	@$(VENV)/python -m contract.refresh

clients: setup ## Regenerate the clients from the OpenAPI document
	@$(VENV)/python -m contract.clients

stage: setup ## Build a deployable folder for each function, in build/functions
	@$(VENV)/python -m deploy.stage $(ARGS)

bench: setup ## Measure speed and memory against bare functions, in about 25 minutes; ARGS="reads chats" measures only these
	@GRPC_VERBOSITY=ERROR PYTHONPATH=emulator-config $(VENV)/python -m bench $(ARGS)

clean: ## Remove everything that was installed, built and stored here, including local data
	@rm -rf .venv node_modules .local build shared/sandbox/built functions/meta/docs/vendor .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	@find clients contract deploy functions shared tests tools bench emulator-config -name __pycache__ -type d -prune -exec rm -rf {} +
