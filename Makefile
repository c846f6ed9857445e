# make atlas | demo | classes | test | test-all | lint | api | tour | docs | bench | bench-peers |
# bench-classes | bench-families | bench-circuits | bench-truth | bench-gpu | bench-page — each makes what it needs, in .venv.
#
#   PYTHON=python3.12   the Python to make .venv with (3.11, 3.12 or 3.13)
#   GPU=0 | 1           TensorFlow's CPU or CUDA build [1 where an NVIDIA driver is found]
#   CONFIG=, OUTPUT=    another configuration, another atlas folder
#   FULL="draft fourier article"  with bench: all channels by these recipes too (5, 10, 30 minutes)
#   PHOTOS=             with bench-truth and bench-peers: a folder of photographs
#   ISA=avx2            with bench-peers: as on a processor of AVX2 alone
#   DEVICE=cpu          with bench-gpu: the same way without a GPU, which writes nothing
#   WEIGHTS=            with bench-classes: another classifier of ImageNet's [lite0]

PYTHON ?= python3
GPU    ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo 1 || echo 0)
CONFIG ?= atlas_config.yaml
OUTPUT ?=

VENV := .venv
PIP  := $(VENV)/bin/python -m pip install -q --disable-pip-version-check
BASE := $(VENV)/.installed-gpu$(GPU)

DEMO := units=[mixed2:0-5, mixed4:0-7, mixed2:40-41@center, mixed4:0-1@center, -mixed4:1-2, \
        deepdream:mixed2, deepdream:mixed4, logits:207, softmax:207]

# Sixteen of ImageNet's classes, before and after the softmax, and channels that lead to them.
NAMED := 1,25,130,207,292,340,386,417,504,527,673,817,933,949,985,987
CLASSES := units=["logits:$(NAMED)", "softmax:$(NAMED)", block6_add:0-11, block9_depth:0-11, \
           block12_expand:0-11, head:0-3]

.PHONY: install atlas demo classes test test-all api tour docs lint bench bench-circuits bench-classes bench-families \
        bench-gpu bench-page bench-peers bench-scale bench-truth clean

install: $(BASE)

atlas: $(BASE)
	@$(VENV)/bin/atlas build -c $(CONFIG) $(if $(OUTPUT),-o $(OUTPUT))

demo: $(BASE)
	@$(VENV)/bin/atlas build -c $(CONFIG) -o $(or $(OUTPUT),data/demo) \
		--set '$(DEMO)' --set batch_size=8

classes: $(BASE)
	@$(VENV)/bin/atlas build -c $(CONFIG) -o $(or $(OUTPUT),data/classes) \
		--set model.weights=lite0 --set recipe=classes --set image.size=160 --set '$(CLASSES)'

test: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest -q -n 2 --dist loadfile -m 'not slow and not browser'

test-all: test
	$(VENV)/bin/python -m pytest -q -n 2 --dist loadfile --durations=12 -m browser
	$(VENV)/bin/python -m pytest -q --durations=12 -m 'slow and not browser'

api: $(BASE)
	$(VENV)/bin/python docs/make_api.py

tour: $(VENV)/.installed-test
	$(VENV)/bin/python docs/make_tour.py

docs: $(VENV)/.installed-docs
	@$(VENV)/bin/python -m sphinx -q -W --keep-going -c docs . build/docs
	@echo "documentation  build/docs/index.html"

lint: $(VENV)/.installed-lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench-scale: $(BASE)
	$(VENV)/bin/python -m benchmarks.scale --units $(or $(UNITS),100000)

bench-classes: $(VENV)/.installed-bench
	$(VENV)/bin/python -m benchmarks.classes $(if $(WEIGHTS),--weights $(WEIGHTS))

bench-truth: $(BASE)
	@test -n "$(PHOTOS)" || { echo "expected PHOTOS=, a folder of photographs: make bench-truth PHOTOS=~/pictures"; exit 1; }
	$(VENV)/bin/python -m benchmarks.truth $(PHOTOS)

bench-page: $(VENV)/.installed-test
	$(VENV)/bin/python -m benchmarks.page

bench-gpu: $(BASE)
	$(VENV)/bin/python -m benchmarks.on_gpu $(if $(DEVICE),--device $(DEVICE))

bench-circuits: $(BASE)
	$(VENV)/bin/python -m benchmarks.circuits

bench-families: $(BASE)
	$(VENV)/bin/python -m benchmarks.families

bench-peers: $(VENV)/.installed-bench
	$(VENV)/bin/python -m benchmarks.defaults $(if $(PHOTOS),--photographs $(PHOTOS)) $(if $(ISA),--isa $(ISA))

bench: $(VENV)/.installed-bench
	$(VENV)/bin/python -m benchmarks.run $(if $(FULL),--full $(FULL))

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(BASE): pyproject.toml
	@echo "installing into $(VENV) ($(if $(filter 1,$(GPU)),GPU,CPU) build of TensorFlow)"
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("PYTHON is %d.%d: use Python 3.11, 3.12 or 3.13, as in make PYTHON=python3.12" % v)'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -e '.$(if $(filter 1,$(GPU)),[gpu])'
	@# tensorflow-cpu and tensorflow put their files in one place: the wanted one goes last.
	@if [ "$(GPU)" = 1 ]; then $(PIP) --force-reinstall --no-deps 'tensorflow~=2.21.0'; fi
	@rm -f $(VENV)/.installed-* && touch $@

$(VENV)/.installed-test: $(BASE)
	@$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.installed-docs: $(BASE)
	@$(PIP) -e '.[docs]'
	@touch $@

$(VENV)/.installed-bench: $(BASE)
	@$(PIP) -e '.[bench]'
	@# It asks for an older TensorFlow, and runs with this one.
	@$(PIP) --no-deps 'xplique==2.0.2'
	@touch $@

$(VENV)/.installed-lint: $(BASE)
	@$(PIP) -e '.[lint]'
	@touch $@
