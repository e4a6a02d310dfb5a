# synarray: two commands do everything. `make reproduce` runs the paper's experiment, `make test` runs the whole test suite.
# Each sets up .venv first (once), and says what it does.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The packages that were tested, by their hashes; where one of them does not exist for this Python, what pyproject.toml allows.
locked = $(PIP) --only-binary :all: --require-hashes --requirement locks/$(1).txt 2>/dev/null \
	&& $(PIP) --no-deps --no-build-isolation --editable . \
	|| { echo "The locked packages cannot all be had here: taking what pyproject.toml allows ..."; $(PIP) --editable '.[$(2)]'; }

# Tests and studies start many processes: without bytecode each would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help reproduce test fast bench lint docs clean

help:  ## Say what can be made
	@echo "synarray: train a spiking network inside a simulated array of memory devices"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(VENV)/.ready: pyproject.toml locks/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "synarray needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Use: make PYTHON=python3.12 ..."; exit 2; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	@{ $(call locked,run,all); } || { echo "Could not install the packages synarray needs; is a package index reachable?"; exit 2; }
	@touch $@

$(READY): $(VENV)/.ready locks/test.txt
	@echo "Adding what the tests need ..."
	@{ $(call locked,test,dev); } || { echo "Could not install the test tools; is a package index reachable?"; exit 2; }
	@touch $@

reproduce: $(VENV)/.ready  ## Set up, and run the paper's experiment on MNIST: table against the paper, and a report
	@$(BIN)/synarray reproduce

test: $(READY)  ## Set up, and run every test, with style, types and the import contract beside them
	@$(MAKE) --no-print-directory lint & lint=$$!; \
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder; tests=$$?; \
	wait $$lint || { echo "Style, types or the import contract failed: see above, or run make lint"; exit 1; }; \
	exit $$tests

fast: $(READY)  ## Set up, and run the quick tests of laws and properties: the developers' loop
	@$(BIN)/python -m pytest -n 2 -q -m "not slow" tests/laws tests/properties

lint: $(READY)  ## Style, types and the import contract
	@echo "Style ..." && $(BIN)/ruff check . && $(BIN)/ruff format --check . && echo "Types ..." && $(BIN)/mypy && echo "Rooms ..." && $(BIN)/lint-imports --no-logo

bench: $(VENV)/.ready  ## Speed, against the same network in NumPy and against the machine's limits
	@$(BIN)/synarray bench

docs: $(READY)  ## Build the documentation site: tutorials are run, figures drawn, links and widths checked
	@$(PIP) --editable '.[docs]'
	@rm -rf docs/_build docs/_extra docs/gallery docs/figure_gallery docs/reference/generated
	@MPLBACKEND=agg $(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@$(BIN)/python scripts/check_site.py docs/_build/html
	@echo "Site: docs/_build/html/index.html"

clean:  ## Remove the environment and caches (not runs or reports)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
