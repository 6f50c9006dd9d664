# make figures   the default study, from an empty folder to its figures
# make real      a real language model of 135M parameters on real text, out of packages: 6 GB of memory
# make render    the studies kept in results/reference, drawn again without a checkpoint
# make test      the tests, in one process more than CORES
# make quick     the tests that are not marked `slow`: no complete study, some ten minutes on two cores
# make lint      style of code and rules, order of the package's rooms, types
# make docs      the manual as pages, in site/
# make env       only the environment;  make clean-env removes it
#
# Variables: CORES=4, CONFIG=my.yaml (a study of your own), PYTHON=python3.12, VENV=.venv,
# PIP_FLAGS="..." (which build of torch: see docs/install.md)

PYTHON ?= python3
VENV ?= .venv
CORES ?= 2
CONFIG ?=
PIP_FLAGS ?=

SHELL := /bin/sh
BIN := $(VENV)/bin
REQUIREMENTS := envs/requirements.txt envs/requirements-dev.txt
INSTALLED := $(VENV)/lethe-$(shell cat $(REQUIREMENTS) pyproject.toml | cksum | cut -d' ' -f1)
# Tests of one file share what it makes, so they run in one process; files start in order. One process
# more than cores, since tests of a cluster, a server or a killed run wait for much of their time.
TESTS := $(BIN)/python -m pytest -n $$(($(CORES) + 1)) --dist loadfile --no-loadscope-reorder
OVERLAY := $(if $(CONFIG),--configfile $(CONFIG))

.PHONY: figures real render test quick lint docs env clean-env

figures: env
	@$(BIN)/python -m lethe check $(OVERLAY)
	@LETHE_COMMAND="make $(MAKECMDGOALS) $(MAKEOVERRIDES)" $(BIN)/python -m snakemake --cores $(CORES) $(OVERLAY)
	@$(BIN)/python -m lethe where $(OVERLAY)

# Jobs request more than they were seen to use, for a cluster's sake (docs/cluster.md); with requests
# of 9.5 GB in all, a stage and a probe run side by side and use less than 6 GB.
real: env
	@$(BIN)/python -m lethe check config/smollm2.yaml
	@LETHE_COMMAND="make $(MAKECMDGOALS) $(MAKEOVERRIDES)" $(BIN)/python -m snakemake --cores $(CORES) --resources mem_mb=9500 --configfile config/smollm2.yaml
	@$(BIN)/python -m lethe where config/smollm2.yaml

render: env
	@$(BIN)/python -m lethe render --check

test: env
	@$(TESTS)

quick: env
	@$(TESTS) -m "not slow"

lint: env
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile workflow/rules
	@$(BIN)/python -m snakemake --lint

docs: env
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "The manual: site/index.html"

env: $(INSTALLED)

$(INSTALLED):
	@command -v $(PYTHON) > /dev/null || { \
	  echo "make: expected Python 3.11 or newer as '$(PYTHON)', but there is no such command;" \
	    "install it, or type: make env PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: expected Python 3.11 or newer, found $$($(PYTHON) --version);" \
	    "type: make env PYTHON=python3.12 (or whichever you have)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { \
	  echo "make: this Python cannot make virtual environments;" \
	    "on Debian and Ubuntu type: apt-get install python3-venv"; exit 1; }
	@echo "Making the environment in $(VENV) (a few minutes, once)"
	@rm -f $(VENV)/lethe-*
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP_FLAGS) \
	  $(REQUIREMENTS:%=-r %) || { \
	  echo "make: pip could not install the pinned versions (its message is above);" \
	    "docs/install.md says how to choose another index or build"; exit 1; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
	  --no-deps --no-build-isolation --editable .
	@touch $@

clean-env:
	rm -rf $(VENV)
