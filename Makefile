# Two commands matter: `make run` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV   := .venv
PEERS  := .venv-peers
AT_ONCE ?= $(shell $(PYTHON) -c "import os; print(min(8, (os.cpu_count() or 1) + 1))")  # tests of processes mostly wait
PY     := $(VENV)/bin/python
export PYTHONPATH := .

.PHONY: peers help run dev test check e2e bench chaos docs pictures setup clean

help:            ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ \t/' | expand -t 12

run: $(VENV)/.runtime  ## set up if needed, then start everything (PORT=… changes the port)
	@exec $(PY) -m app.cli serve

dev: $(VENV)/.dev  ## the web app with reload on change, for work on pages
	@exec $(PY) -m app.cli serve --watch

test: $(VENV)/.dev system-packages peers  ## set up if needed, then every test; what needs a second try is listed at the end
	@$(PY) -m app.cli build
	@$(PY) -m pytest -q -n $(AT_ONCE) -p tests.second_try tests

bench: $(VENV)/.dev system-packages  ## what a run costs and what a person feels, measured
	@$(PY) bench/runs.py
	@$(PY) bench/pages.py

check: $(VENV)/.dev  ## what every change must pass, side by side: format, types, floors, house, units, node types
	@$(PY) scripts/check.py

e2e: $(VENV)/.dev system-packages  ## the browser journeys only
	@$(PY) -m app.cli build
	@$(PY) -m pytest -q -n 2 -p tests.second_try tests/e2e

chaos: $(VENV)/.dev system-packages  ## faults of every kind for a while, then every promise is checked (SEED, MINUTES, RUNS, DATABASE)
	@$(PY) -m app.cli build
	@$(PY) -m tests.chaos

docs: $(VENV)/.runtime  ## the pages of the node types, from the node types
	@$(PY) -m app.cli docs

pictures: $(VENV)/.dev system-packages  ## the README's pictures, from the running product
	@$(PY) scripts/pictures.py

peers: $(PEERS)/.made  ## the virtual environment of the programs of others that the tests let loose on the API

setup: $(VENV)/.dev  ## the virtual environment with everything for development

clean:           ## forget what was built; data and the virtual environment stay
	@rm -rf build .web .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.PHONY: system-packages
system-packages:
	@sh scripts/system-packages.sh

$(VENV)/bin/pip:
	@sh scripts/venv.sh "$(PYTHON)" "$(VENV)"

$(PEERS)/.made: requirements-peers.txt
	@sh scripts/venv.sh "$(PYTHON)" "$(PEERS)"
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-peers.txt
	@touch $@

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/pip
	@echo "Installing packages (the first time this takes a minute or two) …"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/bin/pip
	@echo "Installing packages for development …"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime
