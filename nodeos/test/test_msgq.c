/* SPDX-License-Identifier: BSD-2-Clause */
/* test_msgq.c - the message queue: order, wrapping, fullness, and a peer that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/lib/msgq.h"

#define SIZE 8192u

struct two {
	struct msgq_shared *s;
	struct msgq in, out;
};

/* Of exactly its size, so that a byte too far shows under the sanitizer. */
static void open_both(struct two *t)
{
	t->s = calloc(1, msgq_bytes(SIZE));
	assert_non_null(t->s);
	msgq_open_producer(&t->in, t->s, SIZE);
	msgq_open_consumer(&t->out, t->s, SIZE);
}

static void in_order_and_whole(void **state)
{
	uint8_t msg[MSGQ_MAX], buf[MSGQ_MAX];
	uint32_t sent = 0, got = 0;
	struct two t;

	(void)state;
	open_both(&t);
	srandom(1);
	while (got < 20000) {
		size_t len = 4 + (size_t)random() % (MSGQ_MAX - 3), cut = (size_t)random() % len;
		long n;

		memset(msg, (int)(sent & 0xff), len);
		memcpy(msg, &sent, 4);
		if (random() % 2 && msgq_put(&t.in, msg, cut, msg + cut, len - cut) == 0)
			sent++;
		if (random() % 2 && (n = msgq_get(&t.out, buf)) >= 0) {
			assert_true(n >= 4);
			assert_memory_equal(buf, &got, 4);
			for (long i = 4; i < n; i++)
				assert_int_equal(buf[i], got & 0xff);
			got++;
		}
	}
	assert_int_equal(t.out.resets, 0);
	free(t.s);
}

static void full_is_refused(void **state)
{
	uint8_t msg[MSGQ_MAX] = {0}, buf[MSGQ_MAX];
	struct two t;
	int n = 0;

	(void)state;
	open_both(&t);
	while (msgq_put(&t.in, msg, 1000, NULL, 0) == 0)
		n++;
	assert_int_equal(n, 8);
	assert_int_equal(t.in.full, 1);
	assert_int_equal(msgq_get(&t.out, buf), 1000);
	assert_int_equal(msgq_put(&t.in, msg, 1000, NULL, 0), 0);
	free(t.s);
}

static void too_long_is_refused(void **state)
{
	uint8_t msg[MSGQ_MAX] = {0}, buf[MSGQ_MAX];
	struct two t;

	(void)state;
	open_both(&t);
	assert_int_equal(msgq_put(&t.in, msg, MSGQ_MAX, msg, 1), -1);
	assert_int_equal(msgq_put(&t.in, msg, 1, msg, SIZE_MAX), -1);
	assert_int_equal(msgq_put(&t.in, msg, MSGQ_MAX, NULL, 0), 0);
	assert_int_equal(msgq_get(&t.out, buf), MSGQ_MAX);
	free(t.s);
}

/* A length that reaches past what was published, or past any message, is no message. */
static void length_beyond_the_published(void **state)
{
	static const uint32_t bad[] = {5, 100, MSGQ_MAX + 1, UINT32_MAX};
	uint8_t buf[MSGQ_MAX];
	struct two t;

	(void)state;
	open_both(&t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(t.s->data + (t.out.index & (SIZE - 1)), &bad[i], 4);
		atomic_store(&t.s->head, t.out.index + 8);
		assert_int_equal(msgq_get(&t.out, buf), -1);
		assert_int_equal(t.out.resets, i + 1);
		assert_int_equal(atomic_load(&t.s->tail), atomic_load(&t.s->head));
	}
	free(t.s);
}

/* A consumer that claims to have read what was never written, or nothing for ever, makes the queue full. */
static void tail_that_cannot_be(void **state)
{
	struct two t;

	(void)state;
	open_both(&t);
	atomic_store(&t.s->tail, 8);
	assert_int_equal(msgq_put(&t.in, "x", 1, NULL, 0), -1);
	atomic_store(&t.s->tail, 0u - SIZE - 8);
	assert_int_equal(msgq_put(&t.in, "x", 1, NULL, 0), -1);
	atomic_store(&t.s->tail, 0);
	assert_int_equal(msgq_put(&t.in, "x", 1, NULL, 0), 0);
	free(t.s);
}

/* Whatever the producer writes, the consumer reads inside the queue, returns at most MSGQ_MAX, and comes to an end. */
static void hostile_producer(void **state)
{
	uint8_t buf[MSGQ_MAX];
	struct two t;

	(void)state;
	open_both(&t);
	srandom(2);
	for (int i = 0; i < 100000; i++) {
		int gets = 0;
		long n;

		switch (random() % 4) {
		case 0: atomic_store(&t.s->head, (uint32_t)random() * 3u); break;
		case 1: atomic_store(&t.s->head, t.out.index + (uint32_t)random() % SIZE); break;
		case 2: t.s->data[(size_t)random() % SIZE] = (uint8_t)random(); break;
		default:
			t.s->data[t.out.index & (SIZE - 1)] = (uint8_t)(random() % 200);
			atomic_store(&t.s->head, t.out.index + 8u * ((uint32_t)random() % 64));
			break;
		}
		atomic_store(&t.s->tail, (uint32_t)random());
		while ((n = msgq_get(&t.out, buf)) >= 0) {
			assert_true(n <= (long)MSGQ_MAX);
			assert_true(++gets <= (int)SIZE / 8);
		}
	}
	assert_true(t.out.resets > 0);
	/* An honest producer that comes after it is understood again. */
	msgq_open_consumer(&t.out, t.s, SIZE);
	msgq_open_producer(&t.in, t.s, SIZE);
	assert_int_equal(msgq_put(&t.in, "hello", 5, NULL, 0), 0);
	assert_int_equal(msgq_get(&t.out, buf), 5);
	assert_memory_equal(buf, "hello", 5);
	free(t.s);
}

/* Whatever the consumer writes, the producer writes inside the queue. */
static void hostile_consumer(void **state)
{
	uint8_t msg[MSGQ_MAX] = {0};
	struct two t;

	(void)state;
	open_both(&t);
	srandom(3);
	for (int i = 0; i < 100000; i++) {
		atomic_store(&t.s->tail, random() % 2 ? (uint32_t)random() * 3u
						      : t.in.index - (uint32_t)random() % SIZE);
		atomic_store(&t.s->head, (uint32_t)random());
		(void)msgq_put(&t.in, msg, (size_t)random() % (MSGQ_MAX + 1), NULL, 0);
	}
	assert_true(t.in.full > 0);
	free(t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_and_whole),
		cmocka_unit_test(full_is_refused),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(length_beyond_the_published),
		cmocka_unit_test(tail_that_cannot_be),
		cmocka_unit_test(hostile_producer),
		cmocka_unit_test(hostile_consumer),
	};

	return cmocka_run_group_tests_name("msgq", tests, NULL, NULL);
}
