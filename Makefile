# ngx_comet_module: "make help" tells what there is to run.

VENV = build/venv
PYTEST = $(VENV)/bin/python -m pytest -q -n 2 --dist worksteal --tb=short t
CORE_CFLAGS = -std=gnu11 $(patsubst %,-I%,$(wildcard src/core/*))
UNIT_INCS = $(patsubst %,-I%,$(patsubst %/,%,$(wildcard t/unit/ t/unit/*/)))
UNIT_CFLAGS = -g -O1 $(CORE_CFLAGS) $(UNIT_INCS) -Wall -Wextra -Werror \
	-fsanitize=address,undefined -fno-sanitize-recover=all
ASAN = -fsanitize=address -fno-omit-frame-pointer -O1 -DNGX_DEBUG_PALLOC=1
ASAN_CC = cc -fsanitize=undefined

FUZZERS = $(patsubst t/fuzz/fuzz_%.c,%,$(wildcard t/fuzz/fuzz_*.c))
FUZZ_TIME ?= 60
FUZZ_CFLAGS = -g -O1 $(CORE_CFLAGS) $(UNIT_INCS) \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

ROOMS ?= bookworm trixie

BENCHES = $(patsubst t/bench/bench_%.c,%,$(wildcard t/bench/bench_*.c))

CORE = $(wildcard src/core/*/*.c)
UNITS = $(patsubst t/unit/%.c,build/unit/%,$(wildcard t/unit/*/test_*.c))

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

.PHONY: demo
demo: ## run the edge on 127.0.0.1:8080, before the bundled mock or the real API
	@t/setup.sh build python curl
	@$(MAKE) -s module
	@t/demo.sh

.PHONY: test
test: ## unit tests, then server and SDK tests through a real nginx
	@t/setup.sh build test node
	@$(MAKE) -s module unit venv
	$(PYTEST)

.PHONY: answers
answers: ## 100,000 generated answers before the meter (a quarter of an hour)
	@t/setup.sh build test node
	@$(MAKE) -s module venv
	COMET_ANSWERS=100000 $(PYTEST)/meter/test_answers.py

.PHONY: module
module: ## build/ngx_comet_module.so, for the installed nginx or NGINX_SRC=DIR
ifeq ($(NGINX_SRC),)
	@[ -e build/installed ] || { rm -rf build/module; mkdir -p build; \
		touch build/installed; }
else
	@rm -rf build/module build/installed
endif
	@t/build.sh $(NGINX_SRC)

.PHONY: unit
unit: $(UNITS) ## unit tests of the core
	@for test in $(UNITS); do $$test || exit 1; done

build/unit/%: t/unit/%.c build/unit/core.a \
		$(wildcard t/unit/*.h t/unit/*/*.h)
	@cc $(UNIT_CFLAGS) -o $@ $< build/unit/core.a -lcmocka -lcjson -lpcre2-8 -lm

build/unit/core.a: $(CORE:src/core/%.c=build/unit/%.o)
	@rm -f $@
	@ar rc $@ $^

build/unit/%.o: src/core/%.c $(wildcard src/core/*/*.h)
	@mkdir -p $(@D)
	@cc $(UNIT_CFLAGS) -c -o $@ $<

.PHONY: fuzz
fuzz: ## fuzz the core, FUZZ_TIME seconds each target (60)
	@t/setup.sh fuzz build
	@t/setup.sh fuzz-runtime
	@for target in $(FUZZERS); do \
		mkdir -p build/fuzz/$$target.corpus; \
		clang $(FUZZ_CFLAGS) -o build/fuzz/$$target t/fuzz/fuzz_$$target.c \
			$(CORE) -lcjson -lpcre2-8 -lm && \
		build/fuzz/$$target -dict=t/fuzz/json.dict -max_len=4096 \
			-max_total_time=$(FUZZ_TIME) -verbosity=0 \
			-artifact_prefix=build/fuzz/$$target- -print_final_stats=1 \
			build/fuzz/$$target.corpus t/fuzz/corpus/$$target || exit 1; \
	done

.PHONY: bench
bench: ## gateways and parts side by side: docs/benchmarks.md; QUICK=1: a minute
	@t/setup.sh build bench
	@$(MAKE) -s module
	@mkdir -p build/bench
	@for part in $(BENCHES); do \
		cc -O2 -g $(CORE_CFLAGS) $(UNIT_INCS) -o build/bench/$$part \
			t/bench/bench_$$part.c $(CORE) -lcjson -lpcre2-8 -lcrypto -lm \
			|| exit 1; \
	done
	@python3 t/bench/run.py $(if $(QUICK),--quick,--output docs/benchmarks.md)
	@python3 t/bench/keys.py $(if $(QUICK),--quick)

.PHONY: venv
venv: $(VENV)/done $(VENV)/node
$(VENV)/done: t/requirements.txt
	@echo "setup: Python packages of t/requirements.txt into $(VENV)"
	@python3 -m venv $(VENV)
	@. t/fetch.sh; fetch "the packages of t/requirements.txt" \
		$(VENV)/bin/pip install -q --disable-pip-version-check \
		--retries 5 --no-deps -r t/requirements.txt
	@$(VENV)/bin/pip -q --disable-pip-version-check check
	@touch $@
$(VENV)/node: t/node/package.json t/node/package-lock.json
	@echo "setup: Node packages of t/node/package-lock.json into $(VENV)"
	@mkdir -p $(VENV)/npm && cp t/node/package*.json $(VENV)/npm/
	@. t/fetch.sh; fetch "the packages of t/node/package-lock.json" \
		npm ci --prefix $(VENV)/npm --loglevel=error --no-audit --no-fund \
		--fetch-retries=5
	@touch $@

.PHONY: asan
asan: ## server tests under ASan and UBSan, on Debian 12's nginx source
	@t/setup.sh source test node
	@t/source.sh bookworm
	@t/build.sh build/source/bookworm asan "$(ASAN)" "$(ASAN_CC)"
	@$(MAKE) -s venv
	COMET_SLOW=1 COMET_NGINX=$(CURDIR)/build/asan/objs/nginx \
	COMET_MODULE=$(CURDIR)/build/asan/objs/ngx_comet_module.so \
	ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0 $(PYTEST)

.PHONY: newer
newer: ## build and server tests on Debian 13's nginx source
	@t/setup.sh source test node
	@t/source.sh trixie
	@t/build.sh build/source/trixie newer
	@$(MAKE) -s venv
	COMET_NGINX=$(CURDIR)/build/newer/objs/nginx \
	COMET_MODULE=$(CURDIR)/build/newer/objs/ngx_comet_module.so $(PYTEST)

.PHONY: nginx-tests
nginx-tests: ## nginx's own tests (NGINX_TESTS=DIR) with the module and without
	@t/nginx_tests.sh "$(NGINX_TESTS)" $(NGINX_SRC)

.PHONY: rooms $(ROOMS:%=room-%)
rooms: $(ROOMS:%=room-%) ## demo and test in bare Debian 12 and 13, as root
$(ROOMS:%=room-%): room-%:
	@t/rooms.sh $*

.PHONY: valgrind
valgrind: ## server tests under valgrind (some minutes)
	@t/setup.sh build test node valgrind
	@$(MAKE) -s module venv
	COMET_SLOW=1 COMET_NGINX=$(CURDIR)/t/valgrind.sh \
	COMET_MODULE=$(CURDIR)/build/module/objs/ngx_comet_module.so $(PYTEST)

.PHONY: lint
lint: ## style, warnings, cppcheck, banned functions
	@t/setup.sh lint
	@python3 t/lint.py
	@python3 t/wings.py
	@cppcheck -q --std=c11 --enable=warning,portability,performance \
		--inline-suppr --error-exitcode=1 $(UNIT_INCS) \
		$(filter -I%,$(CORE_CFLAGS)) src/core t/unit
	@echo "lint: clean"

.PHONY: clean
clean: ## remove build/
	rm -rf build
