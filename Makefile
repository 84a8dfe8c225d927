# One command for each thing people do. `make help` lists them.

PYTHON  ?= python3
WORKERS ?= 2
BIN     := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
NOTEBOOKS = $(sort $(wildcard notebooks/*.ipynb solutions/*.ipynb))
FIRST     = $(firstword $(wildcard notebooks/00_*.ipynb) notebooks)

# The paper's corpora, if a folder shared/data lies beside this one and DUALCL_DATA does not say
# otherwise. Absolute, because notebooks run in their own folder.
ifeq ($(origin DUALCL_DATA),undefined)
  DUALCL_DATA := $(wildcard ../shared/data)
endif
ifneq ($(DUALCL_DATA),)
  export DUALCL_DATA := $(abspath $(DUALCL_DATA))
endif

.PHONY: help lab test test-all oldest newest doctor lint notebooks release colab colab-tag cost site site-links bench clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

lab: .venv/.lab  ## install what lessons need and open JupyterLab on them
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/$(FIRST) \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LABFLAGS)

# One worker is one process with one thread: two of them keep two cores busy and numbers repeatable.
test test-all oldest newest: export OMP_NUM_THREADS = 1
test test-all oldest newest: export MPLBACKEND = agg
test test-all oldest newest: export DUALCL_MODE = quick

# pytest ends with 5 where it found no test, which is no failure here.
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile
NBVAL = $(if $(NOTEBOOKS),--nbval-lax --nbval-current-env --nbval-cell-timeout=180 $(NOTEBOOKS))
NO_TESTS = || { status=$$?; test $$status -eq 5 || exit $$status; }

test: lint  ## lint, unit tests and every notebook, in quick mode
	$(PYTEST) tests $(NBVAL) $(NO_TESTS)

test-all: .venv/.site  ## only what is slow and not in `make test`: browser, kills, wheel, nbgrader, site
	$(PYTEST) -m slow tests $(NO_TESTS)

oldest newest: BIN = .venv/$@/bin
oldest newest:  ## the tests with the oldest or the newest versions the course allows
	VERSIONS=$@ $(PYTHON) tools/install.py lab,offline,test,explain .venv/$@
	$(PYTEST) tests $(NBVAL) $(NO_TESTS)

doctor:  ## say what this machine has and lacks
	$(BIN)/dualcl doctor

lint: .venv/.test  ## format, lint, docstrings, types, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

notebooks: .venv/.test  ## build and execute notebooks/, exercises/ and solutions/ from course/
	$(BIN)/python course/build.py

release: .venv/.test  ## an nbgrader release of one lesson's exercises: make release LESSON=05
	$(BIN)/python course/release.py $(LESSON)

colab: .venv/.test .venv/colab/.done  ## run every notebook alone, with Colab's versions, from the wheel
	$(BIN)/python course/alone.py --python .venv/colab/bin/python

colab-tag: .venv/.test .venv/colab/.done  ## run the setup cell as published (needs the network)
	$(BIN)/python course/alone.py --python .venv/colab/bin/python --tag $(FIRST)

cost: .venv/.test .venv/colab/.done  ## the same in both sizes, and write course/COST.md
	$(BIN)/python course/alone.py --python .venv/colab/bin/python --table course/COST.md
	$(BIN)/python course/alone.py --python .venv/colab/bin/python --table course/COST.md --mode read

site: .venv/.site  ## build the web site into build/site/html; warnings are errors
	$(BIN)/python site/build.py

site-links: .venv/.site  ## ask every external address the site names (needs the network)
	$(BIN)/python site/build.py linkcheck

bench: .venv/.test  ## measure speed and memory, write benchmarks/README.md (leave the machine alone)
	$(BIN)/python -m benchmarks

clean:  ## remove caches and build products (the environment and runs/ stay)
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -path ./.venv -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -print \
		| xargs rm -rf

# The environment is rebuilt when what it is made from has changed.
.venv/.lab: pyproject.toml constraints.txt
	$(PYTHON) tools/install.py lab,offline
	@touch $@

.venv/.test: pyproject.toml constraints.txt
	$(PYTHON) tools/install.py lab,offline,test,explain,cluster
	@touch .venv/.lab $@

.venv/.site: pyproject.toml constraints.txt
	$(PYTHON) tools/install.py lab,offline,test,explain,cluster,site
	@touch .venv/.lab .venv/.test $@

.venv/colab/.done: course/colab.txt constraints.txt
	$(PYTHON) tools/install.py course/colab.txt .venv/colab
	@touch $@
