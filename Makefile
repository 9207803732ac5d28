# make run | demo | test | screenshots | bench | serve | lock
# The newest Python that is fit, so that an old python3 in front does not matter; PYTHON=... overrides.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

SOURCES := anpr_project audit cameras zones models_cfg sensors events evidence exporters privacy deploy manage.py

.PHONY: run demo test check screenshots bench serve lock clean
.DEFAULT_GOAL := run

# A virtual environment that was moved, that is half made, or whose Python was removed is made again.
.venv/run.stamp: requirements/base.txt
	@test -n "$(PYTHON)" || { \
	  echo "Python 3.11 or newer with the modules venv and ensurepip is needed." >&2; \
	  echo "Debian and Ubuntu: apt install python3-venv. Or say which one: make PYTHON=/path/to/python3" >&2; \
	  exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null || { rm -rf .venv && $(PYTHON) -m venv .venv; }
	@echo "Installing the pinned packages into .venv (the first time this takes a minute)"
	@$(PIP) -r requirements/base.txt
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements/test.txt
	@$(PIP) -r requirements/test.txt
	@touch $@

run: .venv/run.stamp
	@exec $(BIN)/python manage.py run

demo: .venv/run.stamp
	@exec $(BIN)/python manage.py simulate

serve: .venv/run.stamp
	@exec $(BIN)/python manage.py serve

check: .venv/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	# B608 is ruff's S608, under which each exception says why. What it writes beside its findings is about our notes on them.
	$(BIN)/bandit --quiet --skip B608 --severity-level medium --recursive $(SOURCES) --exclude '*/tests/*' 2>/dev/null
	.ci/audit $(BIN)/pip-audit requirements/base.txt
	DATA_DIR=$$(mktemp -d) HTTPS=true $(BIN)/python manage.py check --deploy --fail-level WARNING
	DATA_DIR=$$(mktemp -d) $(BIN)/python manage.py makemigrations --check --dry-run

# Everything on PostgreSQL and Redis, then the main path again on SQLite. Of Python's development mode
# the memory allocator's checks are left out: they look for faults of C code, and took an eighth of the CPU.
TEST := PYTHONDEVMODE=1 PYTHONMALLOC=pymalloc
test: check
	rm -f .coverage*
	$(TEST) $(BIN)/python -m pytest -n 2 --cov --cov-report=
	$(TEST) TEST_DATABASE=sqlite $(BIN)/python -m pytest -n 2 -m main_path --cov --cov-append --cov-report=
	$(BIN)/coverage report

# The pictures of README and docs, in light, dark and on a phone; SHOTS="live search" takes some.
screenshots: .venv/test.stamp
	$(BIN)/python docs/screenshots/take.py $(SHOTS)

# The peer's packages would hide some of the product's, so they have an environment of their own.
.venv/bench.stamp: .venv/test.stamp requirements/bench.txt
	@test -x .venv/bench/bin/python || $(BIN)/python -m venv .venv/bench
	@.venv/bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

# Options in BENCH, such as BENCH="--rows P1,P5 --full"; benchmarks/bench.py has the list.
bench: .venv/bench.stamp
	@$(BIN)/python benchmarks/bench.py $(BENCH)

# Needs uv; writes no index address.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras requirements/base.in -o requirements/base.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras -c requirements/base.txt requirements/test.in -o requirements/test.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras -c requirements/base.txt requirements/bench.in -o requirements/bench.txt

clean:
	rm -rf .venv staticfiles .mypy_cache .ruff_cache .pytest_cache
