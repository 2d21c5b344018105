# proxyd: one Makefile. `make help` lists the targets; README.md says how to start.

MODE    ?= release
BUILD   ?= build/$(MODE)
PREFIX  ?= /usr/local
DESTDIR ?=
STATE   ?= ./var
PROXY_PORT ?= 3128
ADMIN_PORT ?= 8443
SECONDS ?= 60
VERSION := 0.1.0
Q := $(if $(V),,@)# make V=1 shows the commands

ifneq ($(filter $(MODE),release asan tsan),$(MODE))
$(error MODE is release, asan or tsan, not "$(MODE)")
endif

CC := gcc
PYTHON := /usr/bin/python3
JOBS := $(shell nproc 2>/dev/null || echo 1)
PKGS := jansson sqlite3 libpcre2-8 libcares libidn2 libargon2 libssl libcrypto libxxhash libzstd \
        libmicrohttpd gnutls libcurl libarchive libpsl
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
        -Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wnull-dereference \
        -Wimplicit-fallthrough
HARDEN := -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero -fPIE
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=3
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
CFLAGS_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
SAN_release :=
SAN_asan := -fsanitize=address,undefined
SAN_tsan := -fsanitize=thread

# Vectorscan (or its ancestor) is optional: without it patterns that hold no literal are run one by one.
HS := $(shell pkg-config --exists libhs 2>/dev/null && echo libhs)
CPPFLAGS += -D_GNU_SOURCE -I. -DPROXYD_VERSION='"$(VERSION)"' $(if $(HS),-DHAVE_HS)
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) $(HS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) $(HS) 2>/dev/null) -lldap -llber -linih -lpthread -lm
ALL_CFLAGS = -std=c17 $(WARN) $(if $(WERROR),-Werror) $(HARDEN) $(CFLAGS_$(MODE)) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN_$(MODE)) $(LDFLAGS)

ROOMS := base policies pac convert db proxyd/wire proxyd/io proxyd/identity proxyd/tls proxyd/cache \
         proxyd/upstream proxyd/log proxyd/flow
LIB_SRC := $(foreach r,$(ROOMS),$(wildcard $(r)/*.c))
ADMIN_SRC := $(filter-out adminui/main.c,$(wildcard adminui/*.c))
PMAIN_SRC := $(filter-out proxyd/main/main.c,$(wildcard proxyd/main/*.c))
CTL_SRC := $(wildcard adminui/ctl/*.c)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB := $(BUILD)/libproxyd.a
ADMIN_LIB := $(BUILD)/libadminui.a
PMAIN_LIB := $(BUILD)/libmain.a
PROGRAMS := $(BUILD)/proxyd $(BUILD)/adminui $(BUILD)/proxyctl

UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC)) $(BUILD)/unit/policies/test_set_url_plain
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

.DEFAULT_GOAL := all
.PHONY: all programs web run check lint tidy format unit fuzz fuzz-replay bench install deb deps \
        deps-check deps-web deps-bench help clean tests-built
.DELETE_ON_ERROR:

all: deps ## build the three programs and the dashboard
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@$(MAKE) --no-print-directory web

programs: $(PROGRAMS)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	@echo 'variables: MODE=release|asan|tsan STATE=dir PROXY_PORT=n ADMIN_PORT=n SECONDS=n DESTDIR= PREFIX='

# --- dependencies: each group is checked first and installed only when something is missing -------
deps:
	@packaging/deps.sh build
deps-web:
	@packaging/deps.sh web
deps-check: deps
	@packaging/deps.sh check
deps-bench: deps
	@packaging/deps.sh bench

# --- C ---------------------------------------------------------------------------------------------
$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -MMD -MP -c $< -o $@

# Files that are part of a program (.incbin).
$(BUILD)/obj/policies/starter.o: $(wildcard policies/starter/*.json)
$(BUILD)/obj/adminui/embedded.o: adminui/openapi.json adminui/catalogue.json

$(LIB): $(call obj,$(LIB_SRC))
	@rm -f $@ && ar rcs $@ $^
$(ADMIN_LIB): $(call obj,$(ADMIN_SRC))
	@rm -f $@ && ar rcs $@ $^
$(PMAIN_LIB): $(call obj,$(PMAIN_SRC))
	@rm -f $@ && ar rcs $@ $^

$(BUILD)/proxyd: $(call obj,proxyd/main/main.c) $(PMAIN_LIB) $(LIB)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@
$(BUILD)/adminui: $(call obj,adminui/main.c) $(ADMIN_LIB) $(LIB)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@
$(BUILD)/proxyctl: $(call obj,$(CTL_SRC)) $(LIB)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@

$(BUILD)/unit/%: tests/unit/%.c $(ADMIN_LIB) $(PMAIN_LIB) $(LIB)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -Wno-pedantic -Itests/unit -MMD -MP -MF $@.d $< $(ALL_LDFLAGS) \
	    $(ADMIN_LIB) $(PMAIN_LIB) $(LIB) $(PKG_LIBS) -lcmocka -o $@

# The same test as in a build without vectorscan: the one file that knows of it is compiled for that.
$(BUILD)/obj/plain/pattern_scan.o: policies/pattern_scan.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(filter-out -DHAVE_HS,$(CPPFLAGS)) -MMD -MP -c $< -o $@
$(BUILD)/unit/policies/test_set_url_plain: tests/unit/policies/test_set_url.c $(BUILD)/obj/plain/pattern_scan.o $(LIB)
	@mkdir -p $(@D)
	@echo "  CC $< (without vectorscan)"
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -Wno-pedantic -Itests/unit -MMD -MP -MF $@.d $< $(ALL_LDFLAGS) \
	    $(BUILD)/obj/plain/pattern_scan.o $(LIB) $(PKG_LIBS) -lcmocka -o $@

$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(ADMIN_LIB) $(PMAIN_LIB) $(LIB)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -Wno-missing-prototypes -MMD -MP -MF $@.d $< tests/fuzz/replay.c $(ALL_LDFLAGS) \
	    $(ADMIN_LIB) $(PMAIN_LIB) $(LIB) $(PKG_LIBS) -o $@

$(BUILD)/bench/%: tests/bench/%.c $(LIB)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $< $(ALL_LDFLAGS) $(LIB) $(PKG_LIBS) -o $@

# The relay that does nothing but relay; it alone wants liburing.
$(BUILD)/bench/floor: tests/bench/floor.c tests/bench/floor_uring.c tests/bench/floor.h
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(filter %.c,$^) $(ALL_LDFLAGS) -luring -o $@

tests-built: $(UNIT_BIN) $(FUZZ_BIN) $(BUILD)/bench/month
unit: deps-check $(UNIT_BIN) ## build and run the unit tests alone (ROOM=policies for one room)
	@$(PYTHON) tests/run.py --build $(BUILD) unit $(ROOM)
fuzz-replay: $(FUZZ_BIN)
	@$(PYTHON) tests/run.py --build $(BUILD) fuzz

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- web -------------------------------------------------------------------------------------------
WEB_SRC := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)
web: deps-web
	@if command -v npm >/dev/null 2>&1; then $(MAKE) --no-print-directory web/dist/index.html; \
	else echo 'info: web: no Node.js here, the dashboard is not built; the API works'; fi
web/dist/index.html: $(WEB_SRC)
	cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent build

# --- run, check, bench -----------------------------------------------------------------------------
run: all ## build, then run proxy and dashboard from ./var until Ctrl-C
	@exec env STATE='$(STATE)' PROXY_PORT='$(PROXY_PORT)' ADMIN_PORT='$(ADMIN_PORT)' BUILD='$(BUILD)' packaging/run.sh

check: deps-check ## every test there is; last line: N passed, N failed
	@$(MAKE) --no-print-directory WERROR=1 -j$(JOBS) MODE=$(MODE) BUILD=$(BUILD) programs tests-built
	@$(MAKE) --no-print-directory web
	@$(PYTHON) tests/run.py --build $(BUILD) --mode $(MODE) all

lint: ## layers, circles, sizes, banned calls
	@$(PYTHON) tests/lint/lint.py .
format: ## lay out the C sources
	@find base policies pac convert db proxyd adminui tests -name '*.[ch]' -print0 | xargs -0 clang-format -i
tidy: deps-check ## clang-tidy over every C file, no warnings allowed
	@tests/lint/tidy.sh '$(CPPFLAGS) $(PKG_CFLAGS)'

fuzz: deps-check ## libFuzzer over every target, SECONDS=n in all
	@tests/fuzz/run.sh '$(SECONDS)' '$(CPPFLAGS) $(PKG_CFLAGS)' '$(PKG_LIBS)'

bench: deps-bench ## side by side with Squid on this machine
	@$(MAKE) --no-print-directory programs $(BUILD)/bench/floor
	@tests/bench/run.sh '$(BUILD)'
	@$(PYTHON) tests/bench/swap.py '$(BUILD)'
	@$(PYTHON) tests/bench/overload.py '$(BUILD)'
	@$(PYTHON) tests/bench/latency.py '$(BUILD)'
	@$(PYTHON) tests/bench/idle.py '$(BUILD)'
	@$(MAKE) --no-print-directory $(BUILD)/bench/month
	@$(PYTHON) tests/bench/replay.py '$(BUILD)'
	@$(MAKE) --no-print-directory $(BUILD)/bench/engine_bench
	@$(BUILD)/bench/engine_bench
	@$(MAKE) --no-print-directory $(BUILD)/bench/index_bench $(BUILD)/bench/index_check
	@$(BUILD)/bench/index_bench
	@$(BUILD)/bench/index_check
	@$(MAKE) --no-print-directory $(BUILD)/bench/limits_bench
	@$(BUILD)/bench/limits_bench
	@$(MAKE) --no-print-directory $(BUILD)/bench/pattern_bench
	@$(BUILD)/bench/pattern_bench

# --- install ---------------------------------------------------------------------------------------
install: ## install into DESTDIR/PREFIX
	@BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' packaging/install.sh
deb: all ## a Debian package in build/
	@BUILD='$(BUILD)' VERSION='$(VERSION)' packaging/deb.sh

clean:
	rm -rf build web/dist
