/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_router.c - router.conf from any bytes: errors stand in lines that there are, and what is accepted is whole. */
#include <stdlib.h>
#include <string.h>

#include "testbed/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct router r;
	static struct router_error err[ROUTER_ERRORS];
	unsigned lines = 1;
	char *text = malloc(len + 1); /* as from a file: a zero behind it */

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	unsigned n = router_parse(&r, text, len, NULL, err);

	for (unsigned i = 0; i < n && i < ROUTER_ERRORS; i++)
		if (!err[i].text[0] || err[i].line > lines || (err[i].line && !err[i].column))
			abort();
	if (!n && (!r.name[0] || r.nport > ROUTER_PORTS || strlen(r.commands) != r.len))
		abort();
	router_free(&r);
	free(text);
	return 0;
}
