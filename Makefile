# Every target works from a clean clone; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REFERENCES := .venv-references
ENCODERS := .venv-encoders

.PHONY: help setup demo test test-boards check references encoders litert-lm bench soak wheel train-home train-shakespeare evaluate-home clean

help: ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(VENV)/.demo ## make the virtual environment with edgeslm and what the demo needs

demo: $(VENV)/.demo ## export the built-in model for jetson-nano, run three agents, show the fleet
	@$(BIN)/edgeslm demo

test: $(VENV)/.test ## the whole suite: style, types, layers, unit, integration, packaging
	@tests/need-servers.sh
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest -q -n auto

check: $(VENV)/.test lint ## the quick suite, under 30 s
	$(BIN)/pytest -q -n auto -m "not slow" --hypothesis-profile quick

.PHONY: lint
lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-boards: $(VENV)/.test ## the agent on emulated Arm boards: exports agree with this machine, memory bounds hold
	@tests/need-servers.sh
	@tests/boards/set-up.sh $(BIN)/python .cache/boards
	$(BIN)/pytest -q -n 2 tests/boards

references: $(REFERENCES)/.done encoders litert-lm ## remake the reference logits with torch and transformers and compare; runs `encoders` and `litert-lm` too
	$(REFERENCES)/bin/python tests/references/make.py --check
	$(REFERENCES)/bin/python tests/references/make_adapters.py --check

encoders: $(ENCODERS)/.done ## export every family of encoders through optimum and hold it against transformers
	PYTHONPATH=.:tests/encoders $(ENCODERS)/bin/python tests/encoders/check.py
	PYTHONPATH=.:tests/encoders $(ENCODERS)/bin/python tests/encoders/integers.py

litert-lm: $(VENV)/.test ## pack the built-in model for LiteRT-LM and hold its answers against ours
	PYTHONPATH=tests $(BIN)/python -m bench.litert_interop

bench: $(VENV)/.test ## run every benchmark beside its peer; writes bench/results and the README's tables
	$(BIN)/python -m bench.run

soak: $(VENV)/.test ## the long runs, an hour and a half: kills, two thousand devices, fuzzing
	@tests/need-servers.sh
	PYTHONPATH=tests $(BIN)/python -m bench.soak
	PYTHONPATH=tests $(BIN)/python -m bench.simulation
	PYTHONPATH=tests $(BIN)/python -m bench.fuzz

wheel: $(VENV)/.test ## build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist .

train-home: $(REFERENCES)/.done ## train the built-in model from scratch (one to two hours on 2 cores; resumes)
	PYTHONPATH=. $(REFERENCES)/bin/python -m edgeslm.builtin.training.train --out .cache/train-home --resume
	PYTHONPATH=. $(REFERENCES)/bin/python -m edgeslm.builtin.training.overlap --run .cache/train-home --home edgeslm/builtin/home
	PYTHONPATH=. $(REFERENCES)/bin/python -m edgeslm.builtin.training.ship --run .cache/train-home --home edgeslm/builtin/home

train-shakespeare: $(REFERENCES)/.done ## train the two models that quantisation is measured on (40 minutes on one core; resumes)
	@test -f ../shared/data/shakespeare.txt || { echo "put the text at ../shared/data/shakespeare.txt"; exit 1; }
	@for size in 5m 12m; do \
	    PYTHONPATH=. $(REFERENCES)/bin/python -m bench.shakespeare --text ../shared/data/shakespeare.txt --size $$size --out .cache/shakespeare-$$size || exit 1; \
	done

evaluate-home: $(VENV)/.demo ## exact match of the built-in model on its four held-out sets
	$(BIN)/edgeslm export --device x86-avx2-generic --recipe fp16 --gate none --no-measure -o .cache/home-fp16 --force
	@for set in combinations templates lists free; do \
	    echo "== $$set"; \
	    $(BIN)/edgeslm eval .cache/home-fp16 --tasks edgeslm/builtin/home/tasks/$$set.jsonl --gate none || exit 1; \
	done

clean: ## remove the environments and caches
	rm -rf $(VENV) $(REFERENCES) $(ENCODERS) .cache build dist .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@.ci/make-venv.sh $(PYTHON) $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(REFERENCES)/.done: tests/references/requirements.txt
	@.ci/make-venv.sh $(PYTHON) $(REFERENCES)
	$(REFERENCES)/bin/python -m pip install --quiet --requirement tests/references/requirements.txt
	@touch $@

$(ENCODERS)/.done: tests/encoders/requirements.txt pyproject.toml
	@.ci/make-venv.sh $(PYTHON) $(ENCODERS)
	$(ENCODERS)/bin/python -m pip install --quiet --editable '.[optimum]' --requirement tests/encoders/requirements.txt
	@touch $@
