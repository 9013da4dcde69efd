# `make demo` and `make test` do everything on a fresh machine with Python 3.11, pip and make.

PYTHON ?= python3.11
AIRFLOW_3 ?= 3.3.2
AIRFLOW_2 ?= 2.11.2

V3 := .venv
V2 := .venv-2.11
# Trust what pip trusts: behind a company's proxy uv's own certificates do not do.
UV_INSTALL = $(V3)/bin/uv --system-certs pip install --quiet

.DEFAULT_GOAL := help
.PHONY: help install demo test test-quick test-2.11 test-system bench lint package clean

help:
	@echo "make demo    a real Airflow waits for a session of the local emulator (3 minutes after installation)"
	@echo "make test    every test, on Airflow $(AIRFLOW_3) and $(AIRFLOW_2)"
	@echo "make bench   what waiting costs, beside what people use today"
	@echo "make lint    ruff and mypy --strict"
	@echo "make package builds wheel and sdist and opens them"

$(V3)/.installed: pyproject.toml Makefile
	test -x $(V3)/bin/python || $(PYTHON) -m venv $(V3)
	$(V3)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(UV_INSTALL) --python $(V3)/bin/python --editable '.[emulator]' --group test --group system --group lint 'apache-airflow==$(AIRFLOW_3)'
	@touch $@

$(V2)/.installed: pyproject.toml Makefile $(V3)/.installed
	test -x $(V2)/bin/python || $(PYTHON) -m venv $(V2)
	$(UV_INSTALL) --python $(V2)/bin/python --editable '.[emulator]' --group test 'apache-airflow==$(AIRFLOW_2)'
	@touch $@

install: $(V3)/.installed

demo: $(V3)/.installed
	$(V3)/bin/python -m tests.system.demo

test: test-quick test-2.11 test-system

test-quick: $(V3)/.installed
	$(V3)/bin/python -m pytest -m "not system"

test-2.11: $(V2)/.installed
	$(V2)/bin/python -m pytest -m "not system and not scale"

test-system: $(V3)/.installed
	$(V3)/bin/python -m pytest -m system

bench: $(V3)/.installed
	$(V3)/bin/python -m tests.bench

lint: $(V3)/.installed
	$(V3)/bin/ruff check .
	$(V3)/bin/ruff format --check .
	$(V3)/bin/mypy

package: $(V3)/.installed
	$(V3)/bin/python -m tests.package

clean:
	rm -rf $(V3) $(V2) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
