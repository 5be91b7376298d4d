/* SPDX-License-Identifier: BSD-2-Clause */
/* capsule_build.c - `amp build` alone, for the Makefile, which needs modules before it has the whole `amp`. */
#include "capsule/tool.h"

int main(int argc, char **argv)
{
	return tool_build(argc, argv);
}
