# One environment, .venv, made again when pyproject.toml or constraints.txt change.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Where this is set, as in many containers, each start of svlm compiles torch's Python anew, which takes 3 s.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
UV ?= $(shell command -v uv)
BIN := .venv/bin
VENV := .venv/.stamp
KERNELS_VENV := .venv-kernels/.stamp
JUDGE_VENV := .venv-judge/.stamp
LMMS_VENV := .venv-lmms/.stamp
LOWEST_VENV := .venv-lowest/.stamp
STORE_VENV := .venv-store/.stamp
TRAIN_VENV := .venv-train/.stamp
TINY := .demo/tiny/config.json
CLIP := .demo/match.mp4

.PHONY: help demo test test-all kernels-test judge-test lmms-test lowest-test store-test train-test long-test bench soak gpu-test man format clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

# $(call make-venv,FOLDER,CONSTRAINTS,WHAT). Extra places for wheels (PIP_FIND_LINKS) are pip's own affair; uv must be
# told of them.
ifneq ($(UV),)
define make-venv
	$(UV) venv --quiet --allow-existing --python "$(PYTHON)" $(1)
	$(UV) pip install --python $(1)/bin/python -c $(2) -b $(2) \
	  $${PIP_FIND_LINKS:+--find-links "$$PIP_FIND_LINKS"} $(3)
endef
else
define make-venv
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --no-compile -c $(2) $(3)
endef
endif

$(VENV): pyproject.toml constraints.txt
	$(call make-venv,.venv,constraints.txt,-e '.[test]')
	touch $@

# Triton's interpreter needs an older numpy than everything else is tested with.
$(KERNELS_VENV): constraints.txt tests/compute/kernels/requirements.txt
	mkdir -p $(@D)
	grep -v '^numpy==' constraints.txt > $(@D)/constraints.txt
	$(call make-venv,$(@D),$(@D)/constraints.txt,-r tests/compute/kernels/requirements.txt)
	touch $@

# The oldest openai that pyproject.toml allows; .venv has the newest.
$(JUDGE_VENV): constraints.txt tests/chat/requirements.txt
	mkdir -p $(@D)
	grep -v '^openai==' constraints.txt > $(@D)/constraints.txt
	$(call make-venv,$(@D),$(@D)/constraints.txt,-r tests/chat/requirements.txt)
	touch $@

# $(call lent-venv,FOLDER,REQUIREMENTS): what they name, without what that needs in turn. The rest, torch too, is lent by
# .venv, whose own .pth files count.
define lent-venv
	$(call make-venv,$(1),/dev/null,--no-deps -r $(2))
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	  > "$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/lent.pth"
endef

# lmms-eval with a quarter of its packages.
$(LMMS_VENV): tests/evals/lmms/requirements.txt | $(VENV)
	$(call lent-venv,$(@D),$<)
	touch $@

# The oldest of what the command line, the outputs and the networks are built on that pyproject.toml allows.
$(LOWEST_VENV): tests/commands/requirements.txt | $(VENV)
	$(call lent-venv,$(@D),$<)
	touch $@

# The oldest of what reaches stores; .venv has the newest.
$(STORE_VENV): tests/fleet/requirements.txt | $(VENV)
	$(call lent-venv,$(@D),$<)
	touch $@

# The oldest of what training is built on that pyproject.toml allows; .venv has the newest.
$(TRAIN_VENV): tests/training/requirements.txt | $(VENV)
	$(call lent-venv,$(@D),$<)
	touch $@

$(TINY): tests/tiny.py | $(VENV)
	rm -rf .demo/tiny
	$(BIN)/python -c 'import pathlib, tests.tiny; tests.tiny.make_tiny_checkpoint(pathlib.Path(".demo/tiny"))'

$(CLIP): docs/assets/match.mp4
	mkdir -p .demo
	cp $< $@

demo: $(VENV) $(CLIP)  ## caption half a minute of each of the simulated worlds
	cp docs/assets/footage.mp4 .demo/
	$(BIN)/svlm caption .demo/footage.mp4 --overwrite
	$(BIN)/svlm caption $(CLIP) --context @docs/assets/match.context.txt --overwrite
	cat $(CLIP:.mp4=.srt)
	@printf '%s\n' 'That is svlm. Next:' '  . .venv/bin/activate' '  svlm caption your.mp4' \
	  "svlm-footage speaks there, as in the first video. For models that name what they see: README.md, Larger models."

test: $(VENV)  ## the checks: lint, format, types, import directions, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict --num-workers 2
	$(BIN)/lint-imports
	$(BIN)/pytest -n 3 --dist worksteal

test-all: test  ## these, and the tests that need an extra, an installation of their own, a browser or a minute
	$(BIN)/pytest -n 3 --dist worksteal -m 'extra and not long'
	$(MAKE) kernels-test judge-test lmms-test lowest-test store-test train-test

kernels-test: $(KERNELS_VENV)  ## the GPU kernels on a CPU, in Triton's interpreter
	TRITON_INTERPRET=1 $(<D)/bin/pytest -n 3 --dist worksteal -m gpu tests/compute/kernels

judge-test: $(JUDGE_VENV)  ## the judge's client with the oldest openai that is allowed
	$(<D)/bin/pytest -m 'extra or not extra' tests/chat/test_server.py

lmms-test: $(LMMS_VENV)  ## svlm as a model of lmms-eval, by its own command
	$(<D)/bin/python -m pytest -m 'extra or not extra' tests/evals/lmms/test_model.py tests/evals/lmms/test_command.py

lowest-test: $(LOWEST_VENV)  ## commands and outputs with the oldest libraries that are allowed
	$(<D)/bin/python -m pytest -n 2 tests/commands tests/outputs

store-test: $(STORE_VENV)  ## files in stores with the oldest fsspec that is allowed
	$(<D)/bin/python -m pytest -n 2 -m 'extra or not extra' tests/fleet/test_store.py tests/fleet/test_stored.py

train-test: $(TRAIN_VENV)  ## training with the oldest libraries that are allowed
	$(<D)/bin/python -m pytest -n 2 -m 'extra or not extra' tests/training/test_trainer.py tests/training/test_adapter.py
	$(<D)/bin/python -m pytest -m extra tests/training/test_launched.py -k four_bits

long-test: $(VENV)  ## what takes too long for every change: more runs of several processes
	$(BIN)/pytest -n 2 --dist worksteal -m long

bench: $(VENV) $(TINY)  ## an hour of rounds on a tiny random model: is a round's time flat?
	$(BIN)/svlm bench latency --model .demo/tiny --rounds 3600 --tokens 20 --size 112x112

soak: $(VENV)  ## two minutes of a camera that breaks in every way (needs Debian's RTSP server)
	$(BIN)/python -m tests.rigs.soak --minutes 2 --seed 1

gpu-test: $(VENV)  ## the tests that need a CUDA device; writes tests/gpu/last_run.toml
	$(BIN)/python -m pytest -m gpu -p tests.gpu.record

man: $(VENV)  ## write the manual page anew, docs/svlm.1
	SVLM_CONFIG=/dev/null $(BIN)/svlm man > docs/svlm.1

format: $(VENV)  ## mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove all that is made
	rm -rf .venv .venv-kernels .venv-judge .venv-lmms .venv-lowest .venv-store .venv-train .demo dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find svlm_cli tests -name __pycache__ -type d -prune -exec rm -rf {} +
