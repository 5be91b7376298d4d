/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_config.c - any text as a configuration file; what is accepted comes into force, and is then typed at both consoles. */
#include <stdlib.h>
#include <string.h>

#include "nodeos/root/root.h"
#include "nodeos/test/mock_amp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct root root;
static struct node_pub pub;
static struct ee_shared *shared;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct root_host host = {0};
	struct config_error err[4];
	char why[CONFIG_ERROR];
	char *copy;

	if (!shared)
		shared = calloc(1, sizeof(*shared));
	mock_reset(3);
	if (root_init(&root, &pub, shared, &host) < 0)
		abort();
	if (!root_read(&root, (const char *)data, size, err, 4) && !root_apply(&root, why))
		abort();
	copy = malloc(size + 1);
	memcpy(copy, data, size);
	copy[size] = 0;
	/* poweroff would end the fuzzer. */
	if (size < AMP_LINE && !strstr(copy, "poweroff")) {
		mock_typed(0, copy);
		mock_typed(1, copy);
	}
	free(copy);
	mock_advance(3000000000);
	root_end(&root);
	return 0;
}
