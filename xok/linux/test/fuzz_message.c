/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_message.c - whatever an environment sends: it is taken apart or refused, no memory is reached but that of its pieces, and the answer fits.
 */
#include <stdlib.h>
#include <string.h>

#include "xok/linux/call_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int ok)
{
	if (!ok)
		abort();
}

/* What copyin gives is what the request says of that address, in the first piece that holds it. */
static void check(struct message *m, const struct message_piece *p, uint8_t *room)
{
	need(p->at + p->len <= XL_MEMORY && p->len);
	if (p->flags & XL_READ)
		need(message_in(m, room, p->va, p->len) == XOK_OK);
	if (p->flags & XL_WRITE)
		need(message_out(m, p->va + p->len / 2, room, p->len - p->len / 2) == XOK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	static uint8_t room[XL_MEMORY];
	uint8_t *out = malloc(XL_ANSWER_MAX), *in = malloc(size ? size : 1);
	const char *wrong = NULL;
	size_t len;

	need(out && in);
	if (size)
		memcpy(in, data, size);
	if (message_read(&m, in, size, &wrong)) {
		need(wrong != NULL);
	} else {
		for (uint32_t i = 0; i < m.req.npiece; i++)
			check(&m, &m.piece[i], room);
		for (uint32_t i = 0; i < 6; i++) {
			(void)message_in(&m, room, m.req.arg[i], m.req.arg[5 - i] % XL_MEMORY);
			(void)message_out(&m, m.req.arg[i], room, m.req.arg[5 - i] % XL_MEMORY);
		}
		len = message_answer(&m, (int64_t)m.req.arg[0], 0, out);
		need(len <= XL_ANSWER_MAX);
	}
	free(out);
	free(in);
	return 0;
}
