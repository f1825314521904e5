# Thin targets: each makes the environment if it must, and prints the plain command that it runs.
#
#   make reproduce    the full reproduction at the standard budget, then open reports/index.html
#   make smoke        every claim in a few steps, without verdicts
#   make conformance  the lock-step comparison, the planted bugs and the atlas alone
#   make report       the pages, from whatever exists at this moment
#   make progress     follow a running reproduction
#   make bench        every net timed and saved by pytest-benchmark
#   make bench-compare BASE=main    whether this commit is slower than that one
#   make test         all tests, the smoke reproduction included
#   make lint         every check of style and types, which must be silent
#   make format       mend what can be mended
#   make setup        the environment alone
#
#   VENV=path         where the environment lies (.venv)
#   CORES=n           processes at a time (all)
#   WORKERS=n         processes that tests are shared out to (2)
#   PYTHON=path       the interpreter that the environment is made from (python3)
#   EXTRA=cuda        GPU builds instead of cpu
#   RESULTS=folder    the results that report and progress look at (results/standard)
#   REPORTS=folder    where make report writes its pages (reports)
#   BASE=ref          what make bench-compare compares with (main)
#   SELECT=words      which benchmarks make bench runs, as pytest -k takes it ("lenet and jax")

VENV ?= .venv
CORES ?= all
WORKERS ?= 2
PYTHON ?= python3
EXTRA ?= cpu
RESULTS ?= results/standard
REPORTS ?= reports
BASE ?= main
SELECT ?=

READY := $(VENV)/.ready-$(EXTRA)
export PATH := $(abspath $(VENV))/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup reproduce smoke conformance report progress bench bench-compare test lint format

help:
	@sed -n '/^#   /s/^# / /p' Makefile

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable '.[$(EXTRA),test,lint]' --constraint constraints.txt
	touch $@

setup: $(READY)

reproduce: $(READY)
	snakemake --cores $(CORES)
	python -m bench.conformance.gate $(RESULTS)

smoke: $(READY)
	snakemake --cores $(CORES) --config budget=smoke
	python -m bench.conformance.gate results/smoke

conformance: $(READY)
	snakemake --cores $(CORES) conformance
	python -m bench.conformance.gate $(RESULTS)

report: $(READY)
	python -m bench.report --results $(RESULTS) --out $(REPORTS) --afresh

progress: $(READY)
	python -m bench.progress $(RESULTS)

bench: $(READY)
	python -m pytest bench/timing/suite --benchmark-autosave -k "$(SELECT)"

bench-compare: $(READY)
	python -m bench.timing.gate "$(BASE)"

test: $(READY)
	python -m pytest --numprocesses $(WORKERS) --no-loadscope-reorder --benchmark-disable

lint: $(READY)
	ruff check .
	ruff format --check .
	pyright
	snakefmt --check Snakefile bench/rules
	snakemake --lint
	hadolint docker/Dockerfile

format: $(READY)
	ruff check --fix .
	ruff format .
	snakefmt Snakefile bench/rules
