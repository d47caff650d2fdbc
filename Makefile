# `make run` serves a simulated guest; `make test` sets up and runs every test.

PYTHON ?= python3
BIN := .venv/bin
FLOOR := .venv-floor/bin/python -bb

# What vdproxy and its documents are tested with, by Debian package.
PEERS := spice-vdagent xvfb xclip x11-utils libspice-protocol-dev \
	qemu-system-x86 libvirt0 libxml2-utils systemd socat util-linux

# What Linux runs in QEMU for the tests.
GUEST := .cache/guest/initrd.img

# Tests of whole processes, real peers and packages, and the others.
OUTSIDE := $(addprefix tests/,real peers qemu lives floods bench docs \
	test_packaging.py test_examples.py)
INSIDE := $(addprefix --ignore=,$(OUTSIDE))

.PHONY: run test lint tests inside outside unit floor bench peers guest fuzz atheris corpus clean

run: .venv/installed
	@mkdir -p run
	@echo "vdproxy serves the VM of etc/vm.ini; its clients connect to run/demo.sock"
	@echo "and run/demo-ci.sock. Ctrl-C ends it."
	$(BIN)/twistd -n --pidfile= vdproxy -c etc/vm.ini

test: lint
	$(MAKE) --no-print-directory --jobs=2 --output-sync=recurse tests

tests: inside outside

lint: .venv/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy examples/*/vdproxy_*/*.py
	$(BIN)/mypy bench

# These two go on at the same time: one computes, the other waits for its peers.
inside: unit
	$(MAKE) --no-print-directory floor

outside: .venv/installed-for-tests peers guest
	$(BIN)/python -bb -m pytest $(OUTSIDE)

# On the default reactor, and on asyncio's what has to do with a reactor.
unit: .venv/installed-for-tests peers
	$(BIN)/python -bb -m pytest $(INSIDE)
	$(BIN)/python -bb -m pytest --reactor=asyncio tests/net tests/frontends tests/service tests/cli tests/test_tap.py

# The oldest Twisted and zope.interface that setup.cfg allows: Debian 12's. What is
# reached there is measured, by those tests alone whose inputs are always the same.
floor: .venv-floor/installed
	$(FLOOR) -m coverage run -m pytest -W default $(INSIDE) -m "not hypothesis"
	$(FLOOR) -m coverage json --quiet -o - | $(FLOOR) tests/check_coverage.py
	$(FLOOR) -m pytest -W default $(INSIDE) --ignore=tests/fuzz -m hypothesis

# The tests of tests/fuzz with so many times as many examples, others each time.
HUNT ?= 7

fuzz: .venv/installed-for-tests
	VDPROXY_HUNT=$(HUNT) $(BIN)/python -bb -m pytest tests/fuzz

# The same targets (wire, links, hub) with inputs led by the code that they reach.
# What is found goes to fuzz/found, an input that fails too.
TARGET ?= wire
SECONDS ?= 60
FOUND = fuzz/found/$(TARGET)

atheris: .venv-fuzz/installed
	@mkdir -p $(FOUND)
	.venv-fuzz/bin/python -m fuzz.explore $(TARGET) -max_total_time=$(SECONDS) \
		-max_len=600 -len_control=0 -timeout=30 -print_final_stats=1 \
		-artifact_prefix=$(FOUND)/ $(FOUND) fuzz/corpus/$(TARGET)

# Takes into fuzz/corpus what reaches more than the inputs there, and no more.
corpus: .venv/installed-for-tests
	$(BIN)/python -m fuzz.seeds $(TARGET)
	$(BIN)/python -m fuzz.least $(TARGET)

# What docs/performance.md has: ratios to yardsticks, a table and a line for each goal.
# With WORK="small idle" only these; about half an hour in all, on a quiet machine.
WORK ?=
ROUNDS ?= 7

bench: .venv/installed-for-tests peers
	$(BIN)/python -m bench $(WORK) --rounds=$(ROUNDS) --json=.cache/bench.json

peers:
	tests/install-peers $(PEERS)

# Tests that need a guest fail where there is none, and the others need not.
guest: | peers
	-$(MAKE) --no-print-directory $(GUEST)

$(GUEST): $(addprefix tests/qemu/guest/,build init start-agent)
	tests/qemu/guest/build $(@D)

.venv/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/installed-for-tests: .venv/installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

.venv-floor/installed: setup.cfg
	$(PYTHON) -m venv .venv-floor
	.venv-floor/bin/python -m pip install --quiet Twisted==22.4.0 zope.interface==5.5.2 coverage hypothesis pytest pytest-twisted
	.venv-floor/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

.venv-fuzz/installed: setup.cfg
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --editable '.[fuzz]'
	touch $@

clean:
	rm -rf .venv .venv-floor .venv-fuzz .cache fuzz/found build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
