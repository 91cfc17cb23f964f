# make demo    play a made-up county on the embedded broker (Python 3.11 is all it needs)
# make test    the whole suite; starts a real Apache Kafka (fetches Java and Maven where they are missing)
# make check   lint, types and layers
# make bench   the benchmarks, on real Kafka
# make faults  the fault tests with full counts
# make mutate  every policy and condition deleted and inverted: each must make a case fail (some minutes)
# make worlds  two thousand pairs of worlds that differ only in sealed events: nobody else can tell
# make lock    pin every dependency anew

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
QUIX := .bench/quix
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
ARGS ?=

.PHONY: install install-dev demo test check bench faults mutate worlds kafka lock clean

install: $(VENV)/.runtime
install-dev: $(VENV)/.dev

$(BIN)/uv: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hearth needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r $<
	@touch $@

# uv is several times faster; pip, where its own settings are needed to reach the packages
$(VENV)/.runtime: requirements.txt pyproject.toml $(BIN)/uv
	$(UV) --require-hashes -r requirements.txt || $(PIP) --require-hashes -r requirements.txt
	$(UV) --no-deps --editable . || $(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(UV) --require-hashes -r requirements-dev.txt || $(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

demo: install
	@$(BIN)/python -m agents.demo $(ARGS)

kafka:
	@$(PYTHON) deploy/kafka/broker.py fetch

# what runs on Kafka waits for it half of the time: what needs none runs beside it, and is told after it
test: install-dev kafka check
	@told=$$(mktemp); nice -n 5 $(BIN)/pytest -m "not kafka" $(ARGS) >$$told 2>&1 & beside=$$!; \
	trap 'kill $$beside; wait $$beside; rm $$told; exit 130' INT TERM; \
	$(BIN)/pytest -m kafka $(ARGS); first=$$?; wait $$beside; second=$$?; cat $$told; rm $$told; \
	[ "$$first $$second" != "5 5" ] || exit 5; for code in $$first $$second; do case $$code in 0|5) ;; *) exit $$code;; esac; done

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install-dev kafka $(QUIX)/.ready
	@$(BIN)/python -m tests.bench $(ARGS)

# Quix Streams, to be measured beside: it wants an older confluent-kafka than Hearth, so it has an environment of its own
$(QUIX)/.ready: requirements-bench.txt pyproject.toml $(BIN)/uv
	$(PYTHON) -m venv $(QUIX)
	$(BIN)/uv pip install --quiet --python $(QUIX)/bin/python --override requirements-bench.txt quixstreams --editable . || \
	  { $(QUIX)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --editable . && \
	    $(QUIX)/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-bench.txt; }
	@touch $@

faults: install-dev kafka worlds
	HEARTH_FAULT_ROUNDS=10 HEARTH_FAULT_EVENTS=50000 HEARTH_TAMPER_EVERY=1 HEARTH_RACES=1000 \
	  $(BIN)/pytest -m fault $(ARGS)

mutate: install-dev
	$(BIN)/hearth policy mutate $(ARGS)

WORLDS := $(BIN)/pytest -s tests/core/test_sealed_worlds.py -k "two_worlds or at_least_half"

worlds: install-dev
	@HEARTH_WORLDS=1000 HEARTH_WORLDS_FROM=1000 $(WORLDS) & second=$$!; \
	HEARTH_WORLDS=1000 $(WORLDS); first=$$?; wait $$second && exit $$first

lock: install-dev
	$(BIN)/uv pip compile -q pyproject.toml --extra postgres --generate-hashes --python-version 3.11 --universal \
	  --no-header --no-annotate -o requirements.txt
	$(BIN)/uv pip compile -q pyproject.toml --all-extras --generate-hashes --python-version 3.11 --universal \
	  --no-header --no-annotate -o requirements-dev.txt

clean:
	rm -rf $(VENV) .bench .hearth build *.egg-info
