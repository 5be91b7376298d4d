/* SPDX-License-Identifier: BSD-2-Clause */
/* version.h - the version of the whole: `amp --version`, the package, the manual. `xokd --version` says the same. */
#ifndef TESTBED_VERSION_H
#define TESTBED_VERSION_H

#define AMP_VERSION "0.4"

#endif
