# Two commands: `make lab` for learners, `make test` for maintainers. Both set up .venv by themselves.
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := $(shell sed -n 's/.*"uv==\(.*\)".*/\1/p' pyproject.toml)

.PHONY: lab test doctor compare bench release site lock clean
.DEFAULT_GOAL := lab

lab: .venv/lab  ## build the learner's edition in learner/ and open JupyterLab on it
	@echo "Looking for changes of the lessons ..."
	@$(BIN)/python -m helpers lab

# Each test process keeps to one core: BLAS threads that fight over cores make everything slower. The lessons of the
# edition are made first, on all cores, and kept: many tests need them.
test: export OPENBLAS_NUM_THREADS := 1
test: export COURSE_BAR_AFTER := inf
test: .venv/ready  ## run all tests: helpers, catalogue, notebooks, release, grading, browser; LESSON=gru: of one lesson
	$(BIN)/ruff check .
	$(BIN)/python -m helpers check $(LESSON)
	$(if $(LESSON),,$(BIN)/python -m helpers release --zip build/edition.zip)
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --nbval --nbval-cell-timeout 600 \
		$(if $(LESSON),--lesson $(LESSON) $(OF_A_LESSON),--durations 10 tests course*/)

OF_A_LESSON = tests/test_catalogue.py tests/test_lookup.py tests/test_notebooks.py tests/test_release.py \
	$(wildcard tests/lessons/test_$(LESSON).py) $(wildcard course*/??_$(LESSON))

# Also where nothing is set up; make doctor FOR=instructor, or maintainer.
doctor:  ## say what works on this machine and what is missing, with the cure
	@python=$(BIN)/python; [ -x $$python ] || python=$(PYTHON); $$python -m helpers doctor --for $(or $(FOR),learner)

compare: .venv/ready  ## measure grading here against nbgrader as it comes: attacks and seconds (half an hour)
	PYTHONPATH=tests $(BIN)/python tests/compare_with_stock.py attacks
	PYTHONPATH=tests $(BIN)/python tests/compare_with_stock.py boxes
	PYTHONPATH=tests $(BIN)/python tests/compare_with_stock.py speed

bench: .venv/ready  ## measure the class run against nbgrader as it comes, classes of 100 to 5000, and how long one waits (an hour)
	PYTHONPATH=tests $(BIN)/python tests/bench.py compare
	PYTHONPATH=tests $(BIN)/python tests/bench.py growth
	PYTHONPATH=tests $(BIN)/python tests/bench.py hostile
	PYTHONPATH=tests $(BIN)/python tests/bench.py waiting $(if $(BEFORE),--before $(BEFORE))

release: .venv/ready  ## write the learner's edition as dist/deep-learning-notebooks.zip
	$(BIN)/python -m helpers release --zip dist/deep-learning-notebooks.zip

site: .venv/ready  ## build the reading site in build/site and say where its first page is
	$(BIN)/python -m helpers site

lock: .venv/ready  ## write requirements.lock anew after a change of versions in pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --group test --group grade --group site pyproject.toml -o requirements.lock

# What a learner needs; quick, so Python compiles each library when it is imported first.
.venv/lab: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is %d.%d: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@echo "Setting up .venv (once): an empty environment ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "Setting up .venv (once): the libraries of the lessons ..."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --requirements pyproject.toml --constraints requirements.lock
	@# compat: this folder goes on Python's path. Other modes find helpers.exercises in the learner's edition, too.
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --config-setting editable_mode=compat --editable .
	@touch $@

# What grading, tests and the site need on top, all of it compiled: they start many processes.
.venv/ready: .venv/lab
	@echo "Setting up .venv (once): what grading and tests need ..."
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --config-setting editable_mode=compat --editable .
	@touch $@

clean:
	rm -rf .venv dist build *.egg-info
