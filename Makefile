# Every command does all of its own set-up; its second call installs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

EXTRAS := test,embed,cluster,parquet,interactive,nwb,pynapple

.PHONY: demo test types tests slow docs pins clean

demo: $(INSTALLED)
	$(BIN)/spikecast predict simulated --target MOs --out runs/demo --overwrite

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) -j2 types tests  # types take a minute of one core

types: $(INSTALLED)
	$(BIN)/mypy

tests: $(INSTALLED)
	# compiled once, not by each of the processes that tests start; numba's threads, which UMAP
	# starts, would become torch's too
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/pytest -m "not slow" -n auto --dist loadfile

slow: $(VENV)/.installed_docs
	$(BIN)/pytest -m slow

docs: $(VENV)/.installed_docs
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# The newest versions that go together, in an environment that is made for it; then run the tests.
pins:
	rm -rf .pins
	$(PYTHON) -m venv .pins
	.pins/bin/python -m pip install --quiet --disable-pip-version-check ".[$(EXTRAS),docs,tensorboard]"
	{ echo "# Renewed on $$(date +%F) by 'make pins'"; .pins/bin/python -m pip freeze --disable-pip-version-check --exclude spikecast; } > .pins/constraints.txt
	mv .pins/constraints.txt constraints.txt
	rm -rf .pins

$(VENV)/.installed_docs: $(INSTALLED)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "spikecast needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check torch
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$(EXTRAS)]"
	touch $@

clean:
	rm -rf $(VENV) .pins runs docs/_build docs/api/generated
