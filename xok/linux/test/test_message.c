/* SPDX-License-Identifier: BSD-2-Clause */
/* test_message.c - the request decoder: what it takes, what it refuses, and that memory is reached within pieces only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xok/linux/call_message.h"

#define VA 0x7fff00001000ull

static struct message m;
static uint8_t buf[XL_REQUEST_MAX + 1], out[XL_ANSWER_MAX];
static size_t len;

static void begin(void)
{
	const struct xl_request r = {.nr = 21, .arg = {1, 2, 3, 4, 5, 6}};

	memcpy(buf, &r, sizeof(r));
	len = sizeof(r);
}

/* Pieces come before all bytes. */
static void piece(uint64_t va, uint32_t n, uint32_t flags)
{
	const struct xl_piece p = {.va = va, .len = n, .flags = flags};

	memcpy(buf + len, &p, sizeof(p));
	len += sizeof(p);
	((struct xl_request *)buf)->npiece++;
}

static void bytes(const void *data, size_t n)
{
	memcpy(buf + len, data, n);
	len += n;
}

static void accepted(void)
{
	const char *wrong;

	assert_int_equal(message_read(&m, buf, len, &wrong), 0);
}

static void refused(void)
{
	const char *wrong = NULL;

	assert_int_equal(message_read(&m, buf, len, &wrong), -1);
	assert_non_null(wrong);
}

static void takes_requests(void **state)
{
	char got[8] = "";
	(void)state;

	begin();
	accepted();
	assert_int_equal(m.req.nr, 21);
	assert_int_equal(m.req.arg[5], 6);
	piece(VA, 5, XL_READ);
	piece(VA + 4096, 8, XL_WRITE);
	piece(VA + 8192, 3, XL_READ | XL_WRITE);
	bytes("hello", 5);
	bytes("abc", 3);
	accepted();
	assert_int_equal(message_in(&m, got, VA, 5), XOK_OK);
	assert_string_equal(got, "hello");
	assert_int_equal(message_in(&m, got, VA + 8193, 2), XOK_OK);
	assert_memory_equal(got, "bc", 2);
}

static void refuses_what_is_none(void **state)
{
	(void)state;

	begin();
	for (len = 0; len < sizeof(struct xl_request); len++)
		refused();
	/* Pieces that are not there, and more than there may be. */
	begin();
	((struct xl_request *)buf)->npiece = 1;
	refused();
	((struct xl_request *)buf)->npiece = XL_PIECES + 1;
	len = sizeof(buf);
	refused();
	((struct xl_request *)buf)->npiece = UINT32_MAX;
	refused();
	/* Bytes without a piece, too few, too many. */
	begin();
	bytes("x", 1);
	refused();
	begin();
	piece(VA, 4, XL_READ);
	bytes("abc", 3);
	refused();
	bytes("de", 2);
	refused();
}

static void refuses_pieces(void **state)
{
	static const struct xl_piece bad[] = {
		{VA, 0, XL_WRITE},
		{VA, 8, 0},
		{VA, 8, XL_WRITE | 4},
		{UINT64_MAX - 7, 16, XL_WRITE},
		{VA, XL_MEMORY + 1, XL_WRITE},
		{VA, UINT32_MAX, XL_WRITE},
	};
	(void)state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		piece(bad[i].va, bad[i].len, bad[i].flags);
		refused();
	}
	/* Together more than a message holds. */
	begin();
	piece(VA, XL_MEMORY, XL_WRITE);
	accepted();
	piece(VA, 1, XL_WRITE);
	refused();
}

static void within_one_piece(void **state)
{
	char got[32];
	(void)state;

	begin();
	piece(VA, 8, XL_READ);
	piece(VA + 8, 8, XL_READ);
	piece(VA + 4096, 8, XL_WRITE);
	bytes("0123456789abcdef", 16);
	accepted();
	assert_int_equal(message_in(&m, got, VA, 8), XOK_OK);
	assert_int_equal(message_in(&m, got, VA + 7, 1), XOK_OK);
	assert_int_equal(message_in(&m, got, VA + 7, 2), XOK_EFAULT);
	assert_int_equal(message_in(&m, got, VA - 1, 1), XOK_EFAULT);
	assert_int_equal(message_in(&m, got, VA, SIZE_MAX), XOK_EFAULT);
	assert_int_equal(message_in(&m, got, UINT64_MAX, 2), XOK_EFAULT);
	assert_int_equal(message_in(&m, got, 0, 0), XOK_OK);
	/* Each for what it was offered for. */
	assert_int_equal(message_in(&m, got, VA + 4096, 8), XOK_EFAULT);
	assert_int_equal(message_out(&m, VA, got, 8), XOK_EFAULT);
	assert_int_equal(message_out(&m, VA + 4096, got, 9), XOK_EFAULT);
}

static void answers_what_was_written(void **state)
{
	struct xl_answer a;
	struct xl_piece p[2];
	size_t n;
	(void)state;

	begin();
	piece(VA, 8, XL_READ);
	piece(VA + 4096, 16, XL_WRITE);
	piece(VA + 8192, 8, XL_READ | XL_WRITE);
	piece(VA + 12288, 8, XL_WRITE);
	bytes("01234567ABCDEFGH", 16);
	accepted();
	assert_int_equal(message_out(&m, VA + 4096 + 2, "xy", 2), XOK_OK);
	assert_int_equal(message_out(&m, VA + 4096 + 8, "z", 1), XOK_OK);
	assert_int_equal(message_out(&m, VA + 8192 + 1, "-", 1), XOK_OK);
	assert_int_equal(message_out(&m, VA + 8192 + 3, "-", 1), XOK_OK);
	n = message_answer(&m, -7, 2, out);
	memcpy(&a, out, sizeof(a));
	memcpy(p, out + sizeof(a), sizeof(p));
	assert_int_equal(a.result, -7);
	assert_int_equal(a.nfd, 2);
	assert_int_equal(a.npiece, 2);
	assert_true(p[0].va == VA + 4098 && p[0].len == 7);
	assert_true(p[1].va == VA + 8193 && p[1].len == 3);
	/* Between what was written stand zeros, or the environment's own bytes; nobody else's. */
	assert_int_equal(n, sizeof(a) + sizeof(p) + 10);
	assert_memory_equal(out + sizeof(a) + sizeof(p), "xy\0\0\0\0z-C-", 10);
}

/* Memory of the request before is not seen by the next environment. */
static void forgets(void **state)
{
	static uint8_t secret[XL_MEMORY];
	(void)state;

	memset(secret, 0x55, sizeof(secret));
	begin();
	piece(VA, XL_MEMORY, XL_READ);
	bytes(secret, sizeof(secret));
	accepted();
	begin();
	piece(VA, XL_MEMORY, XL_WRITE);
	accepted();
	assert_int_equal(message_out(&m, VA, "a", 1), XOK_OK);
	assert_int_equal(message_out(&m, VA + XL_MEMORY - 1, "b", 1), XOK_OK);
	assert_int_equal(message_answer(&m, 0, 0, out),
			 sizeof(struct xl_answer) + sizeof(struct xl_piece) + XL_MEMORY);
	assert_null(
		memchr(out + sizeof(struct xl_answer) + sizeof(struct xl_piece), 0x55, XL_MEMORY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_requests),	    cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(refuses_pieces),	    cmocka_unit_test(within_one_piece),
		cmocka_unit_test(answers_what_was_written), cmocka_unit_test(forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
