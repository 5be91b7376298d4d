/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * make_bad_modules.c - well-formed modules with programs that no compiler makes and no node may run. Each is written to DIR/NAME.mod; the
 * table below says which reason the verifier must give.
 */
#include "capsules/test/bad_modules.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	uint8_t bytes[1024];
	char path[512];

	if (argc != 2) {
		fprintf(stderr, "Usage: make_bad_modules DIR\n");
		return 2;
	}
	for (size_t i = 0; i < BAD_MODULES; i++) {
		size_t len = bad_module_write(&bad_modules[i], bytes, sizeof(bytes));
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s.mod", argv[1], bad_modules[i].name);
		f = fopen(path, "wb");
		if (!f || len == 0 || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
			fprintf(stderr, "%s: cannot write it\n", path);
			return 1;
		}
	}
	return 0;
}
