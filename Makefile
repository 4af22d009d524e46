# `make site` builds the book and `make test` checks everything; each sets up what it needs.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

# The same folder for every command, wherever it runs.
ifneq ($(AEVAE_DATA),)
ifeq ($(filter /% ~%,$(AEVAE_DATA)),)
override AEVAE_DATA := $(CURDIR)/$(AEVAE_DATA)
endif
export AEVAE_DATA
endif

# Tests beside each other, each on one core; what measures time comes after them, alone.
TOGETHER := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4

.PHONY: help setup site test check unit notebooks site-test serve lab sweep judges bench evidence claims \
	format lint lock colab-test floors-test repository clean

help:
	@echo "make site        build the book: install, execute every chapter, write _build/html"
	@echo "make test        check everything: library, every cell of every notebook, built site"
	@echo "make check       the quick part of it, between two edits: under 3 minutes"
	@echo "make serve       serve the built book at http://localhost:$(PORT)/ (PORT=...)"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make unit        only the tests of the library and the repository"
	@echo "make notebooks   only the notebooks"
	@echo "make claims      train and measure a part of the evidence anew, and compare: 8 minutes on 2 cores"
	@echo "make sweep       train and measure all of it: hours; can be stopped and started anew"
	@echo "make judges      ask the judges of pictures about faults of known size, where an answer is missing"
	@echo "make bench       measure how fast this machine trains: an hour in which it should rest"
	@echo "make evidence    write the ledger, and the numbers in the prose, from the stored results"
	@echo "make format      format the code, strip the notebooks, renew their set-up cells"
	@echo "make lint        say what 'make format' would change, and change nothing"
	@echo "make lock        choose the versions in requirements.lock anew"
	@echo "make colab-test  the library and the notebooks with the packages that Colab has: 3 GB more"
	@echo "make floors-test the library with the oldest packages that it says it works with: 3 GB more"
	@echo "make repository URL=https://github.com/you/your-fork   change the repository's address"
	@echo "make clean       remove all that was made, .venv too"
	@echo "Another Python: make PYTHON=python3.12 site"

setup:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed. On Debian: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) tools/environment.py $(SETUP)
	@$(BIN)/python -m book.frontend

site: setup
	@$(BIN)/python -m tools.build

# Each part runs whatever the one before it said, so that one run shows all that is wrong.
test unit notebooks site-test: SETUP = --tests
test: setup
	@trap 'exit 130' INT; failed=; \
	for part in unit notebooks site-test; do \
		$(MAKE) --no-print-directory $$part || failed="$$failed $$part"; \
	done; \
	if [ -n "$$failed" ]; then echo "== Failed:$$failed"; exit 1; fi

check: lint
	@$(BIN)/python -m experiments.second.ledger --check
	@$(BIN)/python -m experiments.prose --check
	@echo "== Testing what is quick to test"
	@$(TOGETHER) --dist=worksteal tests --ignore=tests/site --ignore=tests/lab -m "not slow"

unit: setup
	@echo "== Testing the library and the repository"
	@$(TOGETHER) --dist=worksteal tests --ignore=tests/site

notebooks: setup
	@echo "== Executing every cell of every notebook"
	@$(TOGETHER) --dist=loadfile chapters

site-test: setup
	@$(BIN)/python -m tools.build
	@echo "== Testing the built site in a browser"
	@failed=0; \
	$(TOGETHER) --dist=worksteal tests/site -m "not alone" || failed=1; \
	$(BIN)/python -m pytest tests/site -m alone || failed=1; \
	exit $$failed

serve:
	@$(PYTHON) -m tools.serve $(PORT)

lab: setup
	@$(BIN)/jupyter lab chapters $(if $(filter 0,$(shell id -u)),--allow-root)

sweep: setup
	@$(BIN)/python -m experiments.sweep

judges: setup
	@for set in fashion-mnist animals; do \
		$(BIN)/python -m experiments.judges $$set && $(BIN)/python -m experiments.floors $$set || exit 1; \
	done

bench: setup
	@$(BIN)/python -m experiments.bench

claims: setup
	@$(BIN)/python -m experiments.replicate

evidence: setup
	@$(BIN)/python -m experiments.second.ledger
	@$(BIN)/python -m experiments.prose

format: setup
	@$(BIN)/python -m tools.notebooks
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lint: setup
	@$(BIN)/python -m tools.notebooks --check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

lock: setup
	@$(BIN)/python -m tools.lock

colab-test floors-test: setup
	@$(BIN)/python -m tools.elsewhere $(@:-test=)

repository: setup
	@$(BIN)/python -m tools.repository $(URL)

clean:
	rm -rf .venv .venv-colab .venv-floors _build build dist *.egg-info book/_vendor book/node_modules .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
