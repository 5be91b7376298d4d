/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tool.h - the verbs of the `amp` command that make, sign and check capsules.
 *
 * argv[0] is the verb. Each returns the exit status: 0 all is well, 1 it is not (what was asked for failed or does not
 * hold), 2 wrong usage. Results go to standard output, messages to standard error; every verb knows --help.
 */
#ifndef CAPSULE_TOOL_H
#define CAPSULE_TOOL_H

int tool_keygen(int argc, char **argv); /* keygen NAME [-d DIR] [--force] [--json] */
int tool_build(
	int argc,
	char **argv); /* build FILE.c [-o OUT.mod] [--name N] [--budget N] [--keep] [--json] */
int tool_sign(int argc,
	      char **argv); /* sign --key K.key --to ADDR --from ADDR ... MODULE -o FILE.cap */
int tool_verify(int argc, char **argv); /* verify [--json] FILE.mod|FILE.cap|FILE.pub ... */

#endif
