# `make serve` and `make test` are all the set-up there is: each makes what it needs from a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
STORE := $(or $(STANCE_STORE),models/store)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: serve test test-postgres test-browser test-finetune check train mlflow bench bench-scale soak screenshots help

help:  ## Say what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

serve: .venv/base  ## Serve on 127.0.0.1:8000, fitting a model first where none is there
	@if [ -z "$$STANCE_BUNDLE" ] && [ ! -e "$(STORE)/current" ] && [ ! -e models/released/manifest.json ]; then \
	  echo "No model yet: fitting one, about a minute."; \
	  $(BIN)/python -m training fit --no-track && $(BIN)/python -m training release; \
	fi
	@exec $(BIN)/python -m service

test: .venv/dev  ## Run the tests that need Python only
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-postgres: .venv/postgres  ## Run the tests of what is stored on a real PostgreSQL, in a temporary cluster
	@.ci/with-postgres $(BIN)/python -m pytest tests/service/storage

test-browser: .venv/browser  ## Run the tests of the page in Debian's Chromium
	@$(BIN)/python -m pytest tests/e2e

screenshots: .venv/browser  ## Take the pictures of the page in docs/screenshots
	@$(BIN)/python -m tests.e2e.screenshots

test-finetune: .venv/finetune  ## Run the tests that need torch: fine-tuning on a few real rows
	@$(BIN)/mypy training/tuning/*.py && $(BIN)/python -m pytest tests/training/tuning training/tuning

soak: .venv/dev  ## Ask a service 100,000 times with new words, ten reloads between, and watch its memory: an hour
	@$(BIN)/python -m benchmarks.soak

check: .venv/dev  ## Format, lint, types, arrows between the packages, audit of the corpus
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/python -m training audit

train: .venv/train  ## Fit on the corpus and release the model if the gate lets it pass
	@$(BIN)/python -m training fit && $(BIN)/python -m training release

mlflow: .venv/train  ## Open the experiments on 127.0.0.1:5000
	@exec $(BIN)/mlflow server --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port 5000

bench: .venv/bench .venv-bench/bento  ## Measure the service beside others into benchmarks/README.md, some six minutes
	@$(BIN)/python benchmarks/serving.py $(BUNDLE)

bench-scale: .venv/bench  ## Measure scoring on Dask into benchmarks/README.md and docs/scaling.md: a quarter of an hour
	@$(BIN)/python -m benchmarks.scale $(BUNDLE)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/base: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pinned dependencies into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/train: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pinned dependencies into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@ .venv/base

.venv/dev: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pinned dependencies into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@ .venv/base .venv/train

.venv/bench: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pinned dependencies into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[train,scale,bench]'
	@touch $@ .venv/base .venv/train

# BentoML needs an older OpenTelemetry than MLflow does, so it has an environment of its own.
.venv-bench/bento: pyproject.toml constraints.txt benchmarks/bentoml.txt | .venv/bin/python
	@echo "Installing BentoML into .venv-bench"
	@$(BIN)/python -m venv .venv-bench
	@grep -v '^opentelemetry' constraints.txt > .venv-bench/constraints.txt
	@.venv-bench/bin/python -m pip install --disable-pip-version-check -c .venv-bench/constraints.txt \
	  -r benchmarks/bentoml.txt -e .
	@touch $@

.venv/postgres: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pinned dependencies into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[train,postgres,dev]'
	@touch $@ .venv/base .venv/train .venv/dev

.venv/browser: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pinned dependencies into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[train,browser,dev]'
	@touch $@ .venv/base .venv/train .venv/dev

.venv/finetune: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pinned dependencies into .venv, torch among them"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[train,finetune,dev]'
	@touch $@ .venv/base .venv/train .venv/dev
