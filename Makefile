# make demo   two scenes mapped from three polygons a class, offline once installed
# make test   all tests that need neither a GPU nor the network
# make fuzz   inputs that chance makes, FUZZ of each kind, for a few minutes
# make lint   style, types, spelling
# make page   the page of fewscape annotate, built anew from web/ (needs npm)
# make bench  speed of our networks beside their published form, into benchmarks/results
# make docs   the documentation as a site, into site; offline
# make test-floors  all tests with the oldest versions that pyproject.toml allows
# make release      is the version ready? builds it into dist; see CONTRIBUTING.md
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/installed

.PHONY: demo test fuzz lint page check-page bench docs test-floors release install clean

demo: install
	@$(BIN)/fewscape demo

test: install
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not gpu" -n auto

FUZZ ?= 300
fuzz: install
	@FEWSCAPE_FUZZ=$(FUZZ) OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/hostile/test_fuzz.py

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/codespell

page:
	@cd web && npm ci --no-audit --no-fund --silent && npm run --silent build

check-page:
	@if command -v npm >/dev/null; then \
		cd web; \
		if npm ci --no-audit --no-fund --silent; then npm run --silent check; \
		else echo "the page is not checked: its packages cannot be fetched"; fi; \
	else echo "the page is not checked: npm is not installed"; fi

bench: install
	@$(BIN)/python benchmarks/episode.py

docs: install
	@$(BIN)/python -m mkdocs build --strict --quiet
	@echo "site/index.html"

# An environment of its own, filled anew when a floor changes.
FLOORS := .venv-floors
test-floors: $(FLOORS)/installed
	@OMP_NUM_THREADS=1 $(FLOORS)/bin/python -m pytest -m "not gpu" -n auto

$(FLOORS)/installed: pyproject.toml
	@test -x $(FLOORS)/bin/python || $(PYTHON) -m venv $(FLOORS)
	@$(PYTHON) scripts/floors.py > $(FLOORS)/constraints.txt
	@$(FLOORS)/bin/python -m pip install --quiet --constraint $(FLOORS)/constraints.txt \
		--editable '.[dev,sam,clip,ray,serve,stac]'
	@touch $@

release: lint test
	@$(BIN)/python scripts/check_release.py

install: $(READY)

# Installed anew when the dependencies change; the package itself is editable.
$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) was not found; install Python 3.11 or newer and name it: make PYTHON=python3"; \
		exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing fewscape into .venv (torch is large: a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --editable '.[dev,docs,sam,clip,ray,serve,stac]'
	@touch $@

clean:
	rm -rf .venv $(FLOORS) site dist demo_output .mypy_cache .pytest_cache .ruff_cache .hypothesis
