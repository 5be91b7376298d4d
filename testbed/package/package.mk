# SPDX-License-Identifier: BSD-2-Clause
#
# package: manual pages and completion, `make install`, `make uninstall`, `make deb`.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
export PREFIX DESTDIR SYSCONFDIR UNITDIR STRIP

PACKAGE := testbed/package
MANUAL := $(patsubst $(PACKAGE)/man/%.in,$(B)/package/%,$(wildcard $(PACKAGE)/man/*.in))
PACKAGE_TEXT := $(MANUAL) $(B)/package/amp.bash

# They are made from the tables of the tree and from what the programs say of themselves.
$(PACKAGE_TEXT): $(PACKAGE)/facts.py $(PACKAGE)/debian/changelog testbed/verbs.def testbed/metrics.def nodeos/verbs.def testbed/router_machine.c $(B)/amp $(B)/xokd
$(MANUAL): $(B)/package/%: $(PACKAGE)/man/%.in $(PACKAGE)/manual nodeos/counters.def nodeos/counters6.def nodeos/forward/forward.def \
		capsules/include/capsule/refusals.def
	@mkdir -p $(@D)
	@echo "  MAN     $@"
	$(Q)$(PACKAGE)/manual $(B) $< >$@
$(B)/package/amp.bash: $(PACKAGE)/amp.bash.in $(PACKAGE)/completion
	@mkdir -p $(@D)
	$(Q)$(PACKAGE)/completion $(B) $< >$@

.PHONY: install install-run uninstall deb deb-run

install:
	@testbed/packages build router
	@+$(MAKE) --no-print-directory install-run

install-run: all $(PACKAGE_TEXT)
	@$(PACKAGE)/install $(B)

uninstall:
	@$(PACKAGE)/install --uninstall $(B)

# $(B)/amp_VERSION_ARCHITECTURE.deb: the same bytes from the same tree with the same compilers.
deb:
	@testbed/packages build router
	@+$(MAKE) --no-print-directory deb-run

deb-run: all $(PACKAGE_TEXT)
	@$(PACKAGE)/deb $(B)

test-run: $(if $(DPDK),$(PACKAGE_TEXT))
