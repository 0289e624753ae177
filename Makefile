# Builds, tests and installs weir on Debian 12 and 13. `make help` prints what it can do.

BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
CLANG  ?= clang

# SANITIZE=address,undefined or =thread puts the compiler's checks into everything; `make asan` and
# `make tsan` set it, together with a build folder of its own.
SANITIZE ?=
ifneq ($(SANITIZE),)
CFLAGS   := -O1 -g
CHECKING := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

# -- libraries ------------------------------------------------------------------------------------

LIBRARIES := luajit libuv openssl libcares libpcre2-8 libxxhash yaml-0.1 libidn2 zlib

# Debian 13 has llhttp as a library; Debian 12 has its generated C sources, compiled here. Those of
# version 8 are strict only when told so.
LLHTTP_DIR := /usr/share/llhttp
ifneq ($(shell pkg-config --exists libllhttp 2>/dev/null && echo yes),)
LIBRARIES += libllhttp
else ifneq ($(wildcard $(LLHTTP_DIR)/llhttp.c),)
LLHTTP_SOURCES := $(wildcard $(LLHTTP_DIR)/*.c)
LLHTTP_CFLAGS  := -isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1
else
LIBRARIES += libllhttp
endif

MISSING := $(strip $(foreach lib,$(LIBRARIES),\
	$(shell pkg-config --exists $(lib) 2>/dev/null || echo $(lib))))
ifeq ($(MISSING),)
LIBRARY_CFLAGS := $(shell pkg-config --cflags $(LIBRARIES)) $(LLHTTP_CFLAGS)
LIBRARY_LIBS   := $(shell pkg-config --libs $(LIBRARIES))
endif

# -- flags ----------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
LANGUAGE := -std=gnu11 -Icore -D_GNU_SOURCE $(LIBRARY_CFLAGS)
COMPILE   = $(CC) $(LANGUAGE) $(WARNINGS) $(CPPFLAGS) $(CFLAGS) $(CHECKING) \
            -fstack-protector-strong -fPIC -pthread
LINK      = $(CC) $(CFLAGS) $(CHECKING) -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

SOURCES  := $(sort $(wildcard core/*.c core/*/*.c))
OBJECTS  := $(SOURCES:core/%.c=$(BUILD)/obj/%.o)
LLHTTP   := $(LLHTTP_SOURCES:$(LLHTTP_DIR)/%.c=$(BUILD)/obj/llhttp/%.o)
MAIN     := $(BUILD)/obj/main.o
# The same sources with every function visible, so that unit specs reach internal ones through FFI.
TEST_OBJECTS := $(SOURCES:core/%.c=$(BUILD)/test-obj/%.o)
TEST_MAIN    := $(BUILD)/test-obj/main.o

.PHONY: build deps run test bench lint asan tsan fuzz install uninstall rock rock-install clean
.PHONY: reference help FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

build: $(BUILD)/weir $(BUILD)/libweir.so $(BUILD)/libweir-test.so

# -- compiling and linking ------------------------------------------------------------------------

# The binary exports the functions of core/vm/abi.h, which its Lua finds in ffi.C, and no others.
$(BUILD)/weir: $(OBJECTS) $(LLHTTP) $(BUILD)/sources
	@echo "  link     $@"
	@$(LINK) -pie -Wl,--export-dynamic -o $@ $(OBJECTS) $(LLHTTP) $(LIBRARY_LIBS) -lm -ldl

# The core for a Lua that is not weir's own binary. The LuaJIT that loads it is there already.
$(BUILD)/libweir.so: $(filter-out $(MAIN),$(OBJECTS)) $(LLHTTP) $(BUILD)/sources
	@echo "  link     $@"
	@$(LINK) -shared -o $@ $(filter %.o,$^) $(filter-out -lluajit%,$(LIBRARY_LIBS)) -lm -ldl

$(BUILD)/libweir-test.so: $(filter-out $(TEST_MAIN),$(TEST_OBJECTS)) $(LLHTTP) $(BUILD)/sources
	@echo "  link     $@"
	@$(LINK) -shared -Wl,-Bsymbolic -o $@ $(filter %.o,$^) \
		$(filter-out -lluajit%,$(LIBRARY_LIBS)) -lm -ldl

$(BUILD)/obj/llhttp/%.o: $(LLHTTP_DIR)/%.c $(BUILD)/flags
	@echo "  compile  $<"
	@mkdir -p $(@D)
	@$(CC) $(LANGUAGE) -w $(CPPFLAGS) $(CFLAGS) $(CHECKING) -fPIC -fvisibility=hidden -c -o $@ $<

$(BUILD)/obj/%.o: core/%.c $(BUILD)/flags
	@echo "  compile  $<"
	@mkdir -p $(@D)
	@$(COMPILE) -fvisibility=hidden -MMD -MP -c -o $@ $<

$(BUILD)/test-obj/%.o: core/%.c $(BUILD)/flags
	@echo "  compile  $< (for tests)"
	@mkdir -p $(@D)
	@$(COMPILE) -MMD -MP -c -o $@ $<

# Everything compiled depends on this file, and it changes when a flag or this Makefile does.
$(BUILD)/flags: Makefile FORCE
	@$(if $(MISSING),$(explain_missing))
	@mkdir -p $(@D)
	@$(call refresh,$(COMPILE) $(LINK) $(LIBRARY_LIBS) $(shell cksum <Makefile))

explain_missing = echo "weir: $(MISSING): not found; run \`make deps\`," \
	"or: apt-get install" $$(.ci/deps --list build) >&2; exit 1

# What is linked also changes when a source file goes away.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@$(call refresh,$(SOURCES) $(LLHTTP_SOURCES))

# Writes the text to the target, unless it is there already.
refresh = printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d)

# -- checking -------------------------------------------------------------------------------------

# A second compiler's opinion of each source, kept as an empty file.
$(BUILD)/lint/%.ok: core/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CLANG) $(LANGUAGE) $(WARNINGS) $(CPPFLAGS) -fsyntax-only -MMD -MP -MF $(@:.ok=.d) -MT $@ $<
	@touch $@

CLANG_OK := $(SOURCES:core/%.c=$(BUILD)/lint/%.ok)
-include $(CLANG_OK:.ok=.d)

lint: $(CLANG_OK)
	@spec/lint/run

# -- fuzzing --------------------------------------------------------------------------------------

# What reads foreign bytes and needs no connection for it, built with clang's checks and libFuzzer's
# counters. Each spec/fuzz/X_fuzz.c becomes $(BUILD)/fuzz/X; what it found worth keeping stays in
# X.corpus for the next run, what broke it in X-crash-….
FUZZ_SECONDS ?= 60
FUZZ_SOURCES := $(wildcard core/base/*.c core/http/*.c) \
                $(addprefix core/conf/,predicate.c radix.c regex.c router.c)
FUZZ_OBJECTS := $(FUZZ_SOURCES:core/%.c=$(BUILD)/fuzz/obj/%.o) \
                $(LLHTTP_SOURCES:$(LLHTTP_DIR)/%.c=$(BUILD)/fuzz/obj/llhttp/%.o)
FUZZERS      := $(patsubst spec/fuzz/%_fuzz.c,$(BUILD)/fuzz/%,$(wildcard spec/fuzz/*_fuzz.c))
FUZZ_COMPILE  = $(CLANG) $(LANGUAGE) $(CPPFLAGS) -O1 -g -fno-omit-frame-pointer -pthread \
                -fno-sanitize-recover=all -fsanitize=address,undefined,$(1)

$(BUILD)/fuzz/%: spec/fuzz/%_fuzz.c $(FUZZ_OBJECTS)
	@echo "  link     $@"
	@$(call FUZZ_COMPILE,fuzzer) $(WARNINGS) -Wl,--as-needed -o $@ $^ $(LIBRARY_LIBS)

$(BUILD)/fuzz/obj/llhttp/%.o: $(LLHTTP_DIR)/%.c $(BUILD)/flags
	@echo "  compile  $< (for fuzzing)"
	@mkdir -p $(@D)
	@$(call FUZZ_COMPILE,fuzzer-no-link) -w -c -o $@ $<

$(BUILD)/fuzz/obj/%.o: core/%.c $(BUILD)/flags
	@echo "  compile  $< (for fuzzing)"
	@mkdir -p $(@D)
	@$(call FUZZ_COMPILE,fuzzer-no-link) $(WARNINGS) -MMD -MP -c -o $@ $<

-include $(FUZZ_OBJECTS:.o=.d)

.SECONDARY: $(FUZZ_OBJECTS)
.PHONY: $(FUZZERS:=.run)
$(FUZZERS:=.run): %.run: %
	@echo "  fuzz     $< for $(FUZZ_SECONDS) s"
	@mkdir -p $<.corpus
	@$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 -artifact_prefix=$<- \
		$<.corpus >$<.log 2>&1 || { cat $<.log; exit 1; }
	@awk '/executed_units/ { print "  fuzzed   $< with", $$2, "inputs" }' $<.log

# -- commands -------------------------------------------------------------------------------------

# As many jobs as cores, unless the user's own -j is in force.
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

ROLES ?= build run test bench
deps:
	@.ci/deps $(ROLES)

run:
	@.ci/deps build run
	@$(SUBMAKE) build
	@spec/demo/run.sh $(BUILD)

test:
	@.ci/deps build run test
	@$(SUBMAKE) build
	@$(SUBMAKE) lint
	@spec/run $(BUILD) $(SPEC)

bench:
	@.ci/deps build run test bench
	@$(SUBMAKE) build
	@luajit spec/bench/run.lua

asan:
	@.ci/deps build run test
	@$(SUBMAKE) build BUILD=build/asan SANITIZE=address,undefined
	@spec/run build/asan $(SPEC)

tsan:
	@.ci/deps build run test
	@$(SUBMAKE) build BUILD=build/tsan SANITIZE=thread
	@spec/run build/tsan $(or $(SPEC),spec/e2e)

# The PDK's page and annotations, from the comments of its code.
reference: build
	@WEIR_TEST_LIB=./$(BUILD)/libweir-test.so luajit spec/reference/run.lua

fuzz:
	@.ci/deps build fuzz
	@$(SUBMAKE) $(FUZZERS:=.run)

# -- installing -----------------------------------------------------------------------------------

BINDIR  ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share/weir
DOCDIR  ?= $(PREFIX)/share/doc/weir

# $(call install_lua,FROM,TO): every Lua file below FROM, to the same place below TO.
install_lua = cd $(1) && find . -name '*.lua' -exec install -D -m 644 {} '$(2)/{}' \;

# The binary finds its Lua in ../share/weir, seen from its own folder.
install: $(BUILD)/weir
	install -D -m 755 $(BUILD)/weir '$(DESTDIR)$(BINDIR)/weir'
	install -D -m 644 -t '$(DESTDIR)$(DOCDIR)' README.md LICENSE
	find lua plugins -name README.md -exec install -D -m 644 {} '$(DESTDIR)$(DOCDIR)/{}' \;
	$(call install_lua,lua,$(DESTDIR)$(DATADIR)/lua)
	$(call install_lua,plugins,$(DESTDIR)$(DATADIR)/plugins)

uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/weir'
	rm -rf '$(DESTDIR)$(DATADIR)' '$(DESTDIR)$(DOCDIR)'

# For LuaRocks, which says where modules, libraries and commands go. The gateway itself stays inside
# the rock with its own Lua, and the command only starts it.
rock: $(BUILD)/weir $(BUILD)/libweir.so

rock-install: rock
	$(MAKE) install BINDIR='$(PREFIX)/sbin' DOCDIR='$(PREFIX)/doc'
	$(call install_lua,lua,$(ROCK_LUADIR))
	$(call install_lua,plugins,$(ROCK_LUADIR)/kong/plugins)
	install -D -m 755 $(BUILD)/libweir.so '$(ROCK_LIBDIR)/weir/core.so'
	mkdir -p '$(ROCK_BINDIR)'
	printf '#!/bin/sh\nexec "%s" "$$@"\n' '$(PREFIX)/sbin/weir' >'$(ROCK_BINDIR)/weir'
	chmod 755 '$(ROCK_BINDIR)/weir'

clean:
	rm -rf $(BUILD)

help:
	@echo 'make run        install what is missing, build, start the demo; Ctrl-C ends it'
	@echo 'make test       install what is missing, build, lint, run every test'
	@echo '                SPEC=PATH: only these specs (also for asan and tsan)'
	@echo 'make build      $(BUILD)/weir and its libraries; installs nothing'
	@echo 'make lint       check the rules of the sources'
	@echo 'make bench      against nginx and HAProxy on this machine'
	@echo 'make asan       the tests under AddressSanitizer and UBSan'
	@echo 'make tsan       the tests under ThreadSanitizer'
	@echo 'make fuzz       libFuzzer on the parsers, FUZZ_SECONDS ($(FUZZ_SECONDS)) each'
	@echo 'make reference  write lua/weir/pdk/README.md and lua/weir/types from the comments'
	@echo 'make install    into PREFIX ($(PREFIX)), below DESTDIR; make uninstall takes it away'
	@echo 'make deps       install the Debian packages for all of this'
	@echo 'make clean      remove $(BUILD)'
