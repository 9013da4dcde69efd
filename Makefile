# `make demo` and `make test` do everything on a fresh machine with Python 3.11, pip and make.

PYTHON ?= python3.11
AIRFLOW ?= 3.3.2
# The other Airflows that the quick tests run on: the newest patch of each, in a `.venv-VERSION` of its own.
VERSIONS ?= 2.11 3.0 3.1 3.2

# These do not bear with packages that came later and that they do not exclude: they get those of their own time.
ALSO_3.0 := --exclude-newer 2025-10-01 --exclude-newer-package apache-airflow-providers-common-compat=2026-11-01
ALSO_3.2 := --exclude-newer 2026-06-01

V := .venv
OTHERS := $(VERSIONS) lowest
# Trust what pip trusts: behind a company's proxy uv's own certificates do not do.
UV_INSTALL = $(V)/bin/uv --system-certs pip install --quiet
# Those two take real Airflow processes of one version.
QUICK = --ignore tests/system --ignore tests/scale
# The quick tests wait more than they compute: four workers keep two cores busy. What is measured runs alone.
WORKERS ?= 4
# So many Airflows run side by side in the end-to-end tests; each has its own database, emulator and ports.
STACKS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo test test-quick test-others $(OTHERS:%=test-%) test-system bench lint package clean

help:
	@echo "make demo    a real Airflow works in sessions of the local emulator (3 minutes after installation)"
	@echo "make test    every test on Airflow $(AIRFLOW), the quick ones on $(VERSIONS) and the lowest versions declared"
	@echo "make bench   what waiting costs, beside what people use today"
	@echo "make lint    ruff and mypy --strict"
	@echo "make package builds wheel and sdist and opens them"

$(V)/.installed: pyproject.toml Makefile
	test -x $(V)/bin/python || $(PYTHON) -m venv $(V)
	$(V)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(UV_INSTALL) --python $(V)/bin/python --editable '.[emulator]' --group test --group system --group lint 'apache-airflow==$(AIRFLOW)'
	@touch $@

$(V)-%/.installed: pyproject.toml Makefile $(V)/.installed
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(UV_INSTALL) --python $(@D)/bin/python --editable '.[emulator]' --group test --group postgresql 'apache-airflow==$*.*' \
		$(ALSO_$*)
	@touch $@

# Made anew: what is installed is kept where it satisfies, however new it is. Airflow's own providers would lift
# common-compat above what is declared, hence the constraints.
$(V)-lowest/.installed: pyproject.toml Makefile $(V)/.installed
	$(PYTHON) -m venv --clear $(@D)
	sed -n '/^dependencies = /,/^]/s/^ *"\(apache-airflow.*\)>=\(.*\)",$$/\1==\2/p' pyproject.toml >$(@D)/constraints.txt
	$(UV_INSTALL) --python $(@D)/bin/python --resolution lowest-direct --constraint $(@D)/constraints.txt \
		--editable '.[emulator]' --group test
	@touch $@

install: $(V)/.installed

demo: $(V)/.installed
	$(V)/bin/python -m tests.system.demo

test: test-quick test-others test-system

test-quick: $(V)/.installed
	$(V)/bin/python -m pytest --numprocesses=$(WORKERS) $(QUICK)
	$(V)/bin/python -m pytest tests/scale

test-others: $(V)/.installed $(OTHERS:%=test-%)

$(OTHERS:%=test-%): test-%: $(V)-%/.installed
	$(V)-$*/bin/python -m pytest --numprocesses=$(WORKERS) $(QUICK)

test-system: $(V)/.installed $(VERSIONS:%=$(V)-%/.installed)
	$(V)/bin/python -m pytest -m system --numprocesses=$(STACKS) --dist=loadfile --no-loadscope-reorder

bench: $(V)/.installed
	$(V)/bin/python -m tests.bench

lint: $(V)/.installed
	$(V)/bin/ruff check .
	$(V)/bin/ruff format --check .
	$(V)/bin/mypy
	$(V)/bin/lint-imports

package: $(V)/.installed
	$(V)/bin/python -m tests.package

clean:
	rm -rf $(V) $(OTHERS:%=$(V)-%) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
