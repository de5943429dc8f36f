# Two commands are all a newcomer needs: `make demo` and `make test`. Both set up what they use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint check format bench clean

$(VENV)/ready: pyproject.toml
	@echo "setting up $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

demo: $(VENV)/ready  ## print the tables of a real formula, and draw it
	$(BIN)/chainrule show "L = (y - sigmoid(w*x + b))^2" w=0.5 b=-1 x=3 y=1 --parameters "w b"
	@mkdir -p build
	$(BIN)/chainrule draw "L = (y - sigmoid(w*x + b))^2" w=0.5 b=-1 x=3 y=1 --parameters "w b" --arrows both -o build/demo.svg

test: $(VENV)/ready  ## run the tests, the docstring examples and the documentation
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

check: lint test  ## everything that must hold before a commit

node_modules/ready: $(VENV)/ready package-lock.json
	@echo "setting up node_modules"
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/npm ci --silent
	@touch $@

lint: $(VENV)/ready node_modules/ready  ## style, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/oxlint --deny-warnings src
	node_modules/.bin/tsc

format: $(VENV)/ready  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/ready  ## measure, and write the tables in docs/
	$(BIN)/python -m benchmarks.foundation
	$(BIN)/python -m benchmarks.derivatives
	$(BIN)/python -m benchmarks.costs
	$(BIN)/python -m benchmarks.operations
	$(BIN)/python -m benchmarks.pictures
	$(BIN)/python -m benchmarks.webpage
	$(BIN)/python -m benchmarks.arrays
	$(BIN)/python -m benchmarks.loops
	$(BIN)/python -m benchmarks.sparse
	$(BIN)/python -m benchmarks.engine

clean:
	rm -rf $(VENV) node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
