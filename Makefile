# `make run` serves a simulated guest; `make test` sets up and runs every test.

PYTHON ?= python3
BIN := .venv/bin

# What vdproxy and its documents are tested with, by Debian package.
PEERS := spice-vdagent xvfb xclip x11-utils libspice-protocol-dev \
	qemu-system-x86 libvirt0 libxml2-utils

.PHONY: run test lint unit floor peers clean

run: .venv/installed
	@mkdir -p run
	@echo "vdproxy serves the VM of etc/vm.ini; its clients connect to run/demo.sock"
	@echo "and run/demo-ci.sock. Ctrl-C ends it."
	$(BIN)/twistd -n --pidfile= vdproxy -c etc/vm.ini

test: lint unit floor

lint: .venv/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy examples/*/vdproxy_*/*.py

# Everything on the default reactor, and what has to do with a reactor on asyncio's.
unit: .venv/installed-for-tests peers
	$(BIN)/python -bb -m pytest
	$(BIN)/python -bb -m pytest --reactor=asyncio tests/net tests/frontends tests/service tests/cli tests/test_tap.py

# The oldest Twisted and zope.interface that setup.cfg allows: Debian 12's.
floor: .venv-floor/installed
	.venv-floor/bin/python -bb -m pytest -W default --ignore=tests/real --ignore=tests/peers --ignore=tests/test_packaging.py --ignore=tests/test_examples.py --ignore=tests/docs

peers:
	tests/install-peers $(PEERS)

.venv/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/installed-for-tests: .venv/installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

.venv-floor/installed: setup.cfg
	$(PYTHON) -m venv .venv-floor
	.venv-floor/bin/python -m pip install --quiet Twisted==22.4.0 zope.interface==5.5.2 hypothesis pytest pytest-twisted
	.venv-floor/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

clean:
	rm -rf .venv .venv-floor build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
