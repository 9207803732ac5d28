# make run | demo | test | bench | serve | lock
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test check bench serve lock clean
.DEFAULT_GOAL := run

.venv/run.stamp: requirements/base.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
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
	DATA_DIR=$$(mktemp -d) HTTPS=true $(BIN)/python manage.py check --deploy --fail-level WARNING
	DATA_DIR=$$(mktemp -d) $(BIN)/python manage.py makemigrations --check --dry-run

# Everything on PostgreSQL and Redis, then the main path again on SQLite.
test: check
	rm -f .coverage*
	PYTHONDEVMODE=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=
	PYTHONDEVMODE=1 TEST_DATABASE=sqlite $(BIN)/python -m pytest -n 2 -m main_path --cov --cov-append --cov-report=
	$(BIN)/coverage report

bench:
	@echo "The benchmarks come with a later release; benchmarks/ holds what there is."

# Needs uv; writes no index address.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/base.in -o requirements/base.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements/base.txt requirements/test.in -o requirements/test.txt

clean:
	rm -rf .venv staticfiles .mypy_cache .ruff_cache .pytest_cache
