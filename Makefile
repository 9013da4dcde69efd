# `make demo` and `make test` need only Python 3.11, pip and make: they install everything else.

PYTHON ?= python3.11
AIRFLOW ?= 3.3.2
# Other Airflow versions for the quick tests: the newest patch of each, in a separate `.venv-VERSION`.
VERSIONS ?= 2.11 3.0 3.1 3.2

# These versions break with later packages that they do not exclude: install packages of their release time.
ALSO_3.0 := --exclude-newer 2025-10-01 --exclude-newer-package apache-airflow-providers-common-compat=2026-11-01
ALSO_3.2 := --exclude-newer 2026-06-01

V := .venv
OTHERS := $(VERSIONS) lowest
# Trust the system's certificates, as pip does: uv's own are not enough behind a corporate proxy.
UV_INSTALL = $(V)/bin/uv --system-certs pip install --quiet
# These two need real Airflow processes of one version.
QUICK = --ignore tests/system --ignore tests/scale
# What another Airflow can change. The lowest versions are also those of the libraries that speak HTTP. Only the newest
# Airflow has the circuit libraries beside it.
SUITE = $(QUICK) --ignore tests/circuits -m 'not one_airflow' $(if $(filter lowest,$*),,--ignore tests/api --ignore tests/emulator)
# Other interpreters on the PATH run the quick tests too, on the Airflow named above.
PYTHONS := $(foreach version,3.12 3.13,$(if $(shell python$(version) --version 2>/dev/null),$(version)))
# The quick tests wait more than they compute: four workers keep two cores busy. Measurements run alone.
# One that has no tests left takes over some of another's.
WORKERS ?= 4
PARALLEL = --numprocesses=$(WORKERS) --dist=worksteal
# Number of Airflows that run in parallel in the end-to-end tests, each with its own database, emulator and ports.
STACKS ?= 2

# Every Airflow process imports 2,000 modules. With no compiled copy of them beside their source, it compiles them anew each
# time, which takes longer than anything else that it does before it is ready: uv compiles none, and Python none if so told.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install install-all demo test test-all test-rest test-quick test-core test-others $(OTHERS:%=test-%) test-python \
	$(PYTHONS:%=test-python-%) test-system bench lint docs package clean

help:
	@echo "make demo         run a real Airflow with the local emulator (3 minutes after installation)"
	@echo "make test         run everything in process on Airflow $(AIRFLOW), and the core end-to-end tests"
	@echo "make test-all     run it also on Airflow $(VERSIONS), the lowest declared versions and other Pythons,"
	@echo "                  and all end-to-end tests"
	@echo "make lint         run ruff, mypy --strict and import-linter"
	@echo "make docs         build the documentation in build/docs, with warnings as errors"
	@echo "make package      build the wheel and the sdist, and check their contents; OUT=folder keeps them"
	@echo "make bench        measure the cost of waiting, compared with common alternatives"
	@echo "make install      install all of that in .venv; make install-all also the other versions"
	@echo "make clean        remove what the other commands made"
	@echo
	@echo "One part at a time: test-quick and test-core are make test; with the following, it is make test-all."
	@echo "make test-others  the quick tests on each other Airflow; on one: $(OTHERS:%=test-%)"
	@echo "make test-python  the quick tests on each other Python that is found: $(or $(strip $(PYTHONS)),none)"
	@echo "make test-system  all end-to-end tests but the core"

$(V)/.installed: pyproject.toml Makefile
	test -x $(V)/bin/python || $(PYTHON) -m venv $(V)
	$(V)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(UV_INSTALL) --python $(V)/bin/python --editable '.[emulator]' --group test --group system --group vendors \
		--group lint --group docs 'apache-airflow==$(AIRFLOW)'
	@touch $@

$(V)-%/.installed: pyproject.toml Makefile $(V)/.installed
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(UV_INSTALL) --python $(@D)/bin/python --editable '.[emulator]' --group test --group postgresql 'apache-airflow==$*.*' \
		$(ALSO_$*)
	@touch $@

# Recreated each time, because uv keeps installed packages that satisfy the requirements, however new they are. The
# constraints keep Airflow's own providers from raising common-compat above the declared minimum, and leave out a later
# universal-pathlib, with which no ObjectStoragePath of Airflow 2.11.0 works.
$(V)-lowest/.installed: pyproject.toml Makefile $(V)/.installed
	$(PYTHON) -m venv --clear $(@D)
	sed -n '/^dependencies = /,/^]/s/^ *"\(apache-airflow.*\)>=\(.*\)",$$/\1==\2/p' pyproject.toml >$(@D)/constraints.txt
	echo 'universal-pathlib<0.3' >>$(@D)/constraints.txt
	$(UV_INSTALL) --python $(@D)/bin/python --resolution lowest-direct --constraint $(@D)/constraints.txt \
		--editable '.[emulator]' --group test
	@touch $@

install: $(V)/.installed

# With --jobs=3 the installations, which mostly wait for the package index, take a third of the time.
install-all: $(V)/.installed $(OTHERS:%=$(V)-%/.installed) $(PYTHONS:%=$(V)-python-%/.installed)

demo: $(V)/.installed
	$(V)/bin/python -m tests.system.demo

test: test-quick test-core

test-all: test test-rest

test-rest: test-others test-python test-system

test-quick: $(V)/.installed
	$(V)/bin/python -m pytest $(PARALLEL) $(QUICK)
	$(V)/bin/python -m pytest tests/scale

test-core: $(V)/.installed
	$(V)/bin/python -m pytest tests/system -m core

test-others: $(V)/.installed $(OTHERS:%=test-%)

$(OTHERS:%=test-%): test-%: $(V)-%/.installed
	$(V)-$*/bin/python -m pytest $(PARALLEL) $(SUITE)

test-python: $(PYTHONS:%=test-python-%)

$(PYTHONS:%=test-python-%): test-python-%: $(V)-python-%/.installed
	$(V)-python-$*/bin/python -m pytest $(PARALLEL) $(QUICK)

$(PYTHONS:%=$(V)-python-%/.installed): $(V)-python-%/.installed: pyproject.toml Makefile $(V)/.installed
	test -x $(@D)/bin/python || python$* -m venv $(@D)
	$(UV_INSTALL) --python $(@D)/bin/python --editable '.[emulator]' --group test 'apache-airflow==$(AIRFLOW)'
	@touch $@

test-system: $(V)/.installed $(VERSIONS:%=$(V)-%/.installed)
	$(V)/bin/python -m pytest tests/system -m "not core" --numprocesses=$(STACKS) --no-loadscope-reorder

bench: $(V)/.installed
	$(V)/bin/python -m benchmarks

lint: $(V)/.installed
	$(V)/bin/ruff check .
	$(V)/bin/ruff format --check .
	$(V)/bin/mypy
	$(V)/bin/lint-imports

docs: $(V)/.installed
	$(V)/bin/python -m sphinx -W --keep-going --fresh-env --doctree-dir build/doctrees docs build/docs

package: $(V)/.installed
	$(V)/bin/python -m tests.package $(OUT)

clean:
	rm -rf $(V) $(OTHERS:%=$(V)-%) $(PYTHONS:%=$(V)-python-%) build dist .mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .import_linter_cache
