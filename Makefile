# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            build everything into build/
# make unit       unit tests            make san     the same under ASan and UBSan
# make check      all of the tests that fit 40 minutes, as CI runs them
# make demo       the main job, in the lab
# make crash soak fuzz bench lab-long   the long ones, see README
# make install    DESTDIR=, PREFIX=     make help    the rest

VERSION   := 0.1.0
PREFIX    ?= /usr/local
SYSCONFDIR ?= /etc
LIBEXECDIR ?= $(PREFIX)/libexec/sriovd
PLUGINDIR ?= $(PREFIX)/lib/sriovd/plugins
DATADIR   ?= $(PREFIX)/share
DOCDIR    ?= $(DATADIR)/doc/sriovd
UNITDIR   ?= /usr/lib/systemd/system
STATEDIR  ?= /var/lib/sriovd
RUNDIR    ?= /run/sriovd

# Objects of each variant (compiler, sanitizers) live in a folder of their own.
VARIANT   ?= release
B         := build/$(VARIANT)
STAGE     := build/stage

PKGS      := glib-2.0 jansson libxml-2.0 libnl-3.0 libnl-route-3.0 libpci libvirt libvirt-qemu \
	     libsystemd sqlite3 libacl
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	     -Wvla -Wundef -Wwrite-strings -Wno-unused-parameter
ifneq ($(WERROR),0)
WARN      += -Werror
endif
OPT       ?= -O2 -g
# -iquote, not -I: libpci installs <pci/pci.h> and libnl <netlink/netlink.h>.
CPPFLAGS  += -D_GNU_SOURCE -iquote . -DSRIOVD_VERSION='"$(VERSION)"' \
	     -DSRIOVD_SYSCONFDIR='"$(SYSCONFDIR)/sriovd"' -DSRIOVD_LIBEXECDIR='"$(LIBEXECDIR)"' \
	     -DSRIOVD_PLUGINDIR='"$(PLUGINDIR)"' -DSRIOVD_STATEDIR='"$(STATEDIR)"' \
	     -DSRIOVD_RUNDIR='"$(RUNDIR)"' -DSRIOVD_DATADIR='"$(DATADIR)/sriovd"' \
	     -DSRIOVD_DOCDIR='"$(DOCDIR)"'
HARDEN    := -fstack-protector-strong -D_FORTIFY_SOURCE=2
ALL_CFLAGS = -std=gnu17 $(OPT) $(WARN) -fPIC $(HARDEN) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS)

# Recursion-free and cheap: pkg-config is asked once, and only by targets that compile.
ifeq ($(filter deps build-deps help clean format lab-root,$(MAKECMDGOALS)),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CMOCKA_LIBS := $(shell pkg-config --libs cmocka 2>/dev/null)
endif

# Layers, lowest first: each may use what stands before it (ARCHITECTURE.md).
BASE_SRC    := $(wildcard base/*.c)
PCI_SRC     := $(wildcard pci/*.c)
NETLINK_SRC := $(wildcard netlink/*.c)
PROTO_SRC   := $(wildcard srv/protocol/*.c)
DOMAIN_SRC  := $(wildcard srv/domain/*.c)
DAEMON_SRC  := $(filter-out srv/sriovd/main.c,$(wildcard srv/sriovd/*.c))
CTL_SRC     := $(filter-out srv/sriovctl/main.c,$(wildcard srv/sriovctl/*.c))

obj = $(patsubst %.c,$(B)/%.o,$(1))
LIBS_ALL := $(B)/libdaemon.a $(B)/libctl.a $(B)/libdomain.a $(B)/libproto.a $(B)/libnetlink.a \
	    $(B)/libpci-sriov.a $(B)/libbase.a

PROGRAMS := $(if $(wildcard srv/sriovd/main.c),$(B)/sriovd) \
	    $(if $(wildcard srv/sriovctl/main.c),$(B)/sriovctl) \
	    $(B)/sriovd-sysfs $(B)/sriovd-hook $(B)/qemu-hook
PLUGINS  := $(patsubst plugins/%.c,$(B)/plugins/%.so,$(wildcard plugins/*.c))

all: programs
.DEFAULT_GOAL := all
programs: $(PROGRAMS) $(PLUGINS)

$(B)/libbase.a:      $(call obj,$(BASE_SRC))
$(B)/libpci-sriov.a: $(call obj,$(PCI_SRC))
$(B)/libnetlink.a:   $(call obj,$(NETLINK_SRC))
$(B)/libproto.a:     $(call obj,$(PROTO_SRC))
$(B)/libdomain.a:    $(call obj,$(DOMAIN_SRC))
$(B)/libdaemon.a:    $(call obj,$(DAEMON_SRC))
$(B)/libctl.a:       $(call obj,$(CTL_SRC))
$(B)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	@ar rcs $@ $^
	@echo "  AR    $@"

# Directories are built in, so another PREFIX is another build.
$(B)/flags: export FLAGS = $(CC) $(ALL_CFLAGS) $(PREFIX) $(HOOKDIR)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS" | cmp -s - $@ || printf '%s\n' "$$FLAGS" >$@
FORCE:

# It holds the text of the API's description.
$(B)/srv/sriovd/api.o: conf/io.sriovd.varlink
$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
	@echo "  CC    $<"

link = @mkdir -p $(@D); $(CC) $(OPT) $(CFLAGS) -Wl,--as-needed -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $(1) && echo "  LD    $@"

# Plugins resolve nothing in the daemon: they get its services through the ABI's table.
$(B)/sriovd: $(B)/srv/sriovd/main.o $(B)/libdaemon.a $(B)/libdomain.a $(B)/libproto.a \
	     $(B)/libnetlink.a $(B)/libpci-sriov.a $(B)/libbase.a
	$(call link,$^ $(PKG_LIBS))
$(B)/sriovctl: $(B)/srv/sriovctl/main.o $(B)/libctl.a $(B)/libproto.a $(B)/libbase.a
	$(call link,$^ $(PKG_LIBS))
$(B)/sriovd-sysfs: $(B)/srv/helper/main.o $(B)/libpci-sriov.a $(B)/libbase.a
	$(call link,$^ $(PKG_LIBS))
$(B)/sriovd-hook: $(B)/srv/hook/hook.o $(B)/srv/hook/links.o $(B)/libdomain.a $(B)/libproto.a \
		  $(B)/libnetlink.a $(B)/libbase.a
	$(call link,$^ $(PKG_LIBS))
# Started for every guest, also those without a nic of ours: static, so that it costs less than /bin/true.
$(B)/qemu-hook: srv/hook/filter.c srv/hook/operations.h $(B)/flags
	@mkdir -p $(@D)
	@$(CC) -std=gnu17 $(OPT) $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS) $(if $(SAN),,-static) -o $@ $<
	@echo "  LD    $@"

$(B)/plugins/%.so: plugins/%.c $(B)/flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -fvisibility=hidden -MMD -MP -MF $(@:.so=.d) -shared -Wl,-z,relro,-z,now \
		-Wl,--as-needed $(LDFLAGS) -o $@ $< $(PKG_LIBS)
	@echo "  SO    $@"

include tests/Makefile.inc
include conf/Makefile.inc

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile
	@echo "make deps       install the Debian packages that building and testing need"
	@echo "make build-deps the same of what building and the unit tests need, without lab and clang"
	@echo "make fuzz       fuzz every parser (FUZZ_SECONDS=, default 10 each)"
	@echo "make clang      build everything with clang too, without warnings"
	@echo "make lab-shell  a shell in the lab's machine, sriovd running"
	@echo "make lab-long   the lab's scenarios that take too long for make check"
	@echo "make uninstall  take away what make install has put there"
	@echo "make format     clang-format over the tree"

# By name only; whatever mirror the machine has configured serves them.
deps:
	@tests/deps.sh
build-deps:
	@tests/deps.sh build

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

-include $(shell find build -type f -name '*.d' 2>/dev/null)

.PHONY: all programs help deps build-deps format clean install FORCE
.SECONDARY:
.DELETE_ON_ERROR:
