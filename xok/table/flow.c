/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.c - what flows: token buckets, and the ring to an environment. */
#include <string.h>

#include "xok/table/table_int.h"

#define SECOND UINT64_C(1000000000)
#define BUCKET_MAX (UINT64_C(1) << 40)

struct bucket {
	uint32_t seq, set; /* set: there is such a bucket */
	uint64_t rate, burst;
	uint64_t tokens, part; /* part: billionths of a token, less than one */
	uint64_t at;	       /* the time for which they hold */
};

_Static_assert(sizeof(struct bucket) == 48, "table.c says so");

/*
 * Fills the bucket up to `now`. With rate <= 2^40, of which q whole tokens a nanosecond and r < 10^9 billionths: ns <
 * 10^9 < 2^30, so that ns * q < 2^41
 * and ns * r + part < 2^61; s * rate is only computed when s whole seconds do not fill the bucket.
 */
static void fill(struct bucket *b, uint64_t now)
{
	uint64_t s, ns, more;

	if (now <= b->at) {
		if (b->at - now > SECOND)
			b->at = now;
		return;
	}
	s = (now - b->at) / SECOND;
	ns = (now - b->at) % SECOND;
	b->at = now;
	if (!b->rate)
		return;
	if (s > b->burst / b->rate) {
		b->tokens = b->burst;
		b->part = 0;
		return;
	}
	b->part += ns * (b->rate % SECOND);
	more = s * b->rate + ns * (b->rate / SECOND) + b->part / SECOND;
	b->part %= SECOND;
	if (more >= b->burst - b->tokens) {
		b->tokens = b->burst;
		b->part = 0;
	} else {
		b->tokens += more;
	}
}

static struct bucket *bucket_at(const void *mem, uint32_t index)
{
	const struct tbl_header *h = mem;

	return h->spec.type == XOK_TABLE_BUCKET && index < h->spec.entries ? tbl_unit(h, 0, index)
									   : NULL;
}

int tbl_bucket_set(void *mem, uint32_t index, const struct xok_bucket *spec, uint64_t now)
{
	struct tbl_header *h = mem;
	struct bucket *b = bucket_at(mem, index);

	if (!b)
		return TBL_ENOENT;
	if (spec->rate > BUCKET_MAX || spec->burst > BUCKET_MAX)
		return TBL_EINVAL;
	if (b->set)
		fill(b, now);
	tbl_seq_begin(&b->seq);
	TBL_STORE(&b->rate, spec->rate);
	TBL_STORE(&b->burst, spec->burst);
	if (!b->set || b->tokens >= spec->burst) {
		b->tokens = spec->burst;
		b->part = 0;
	}
	if (!b->set) {
		b->at = now;
		TBL_STORE(&h->used, h->used + 1);
	}
	TBL_STORE(&b->set, 1u);
	tbl_seq_end(&b->seq);
	return 0;
}

int tbl_bucket_delete(void *mem, uint32_t index)
{
	struct tbl_header *h = mem;
	struct bucket *b = bucket_at(mem, index);

	if (!b || !b->set)
		return TBL_ENOENT;
	tbl_seq_begin(&b->seq);
	TBL_STORE(&b->set, 0u);
	tbl_seq_end(&b->seq);
	TBL_STORE(&h->used, h->used - 1);
	return 0;
}

int tbl_bucket_take(void *mem, uint32_t index, uint32_t amount, uint64_t now)
{
	struct bucket *b = bucket_at(mem, index);

	if (!b || !b->set)
		return TBL_ENOENT;
	fill(b, now);
	if (b->tokens < amount)
		return 0;
	b->tokens -= amount;
	return 1;
}

static bool bucket_read(const struct bucket *b, struct xok_bucket *out)
{
	for (uint32_t tries = TBL_TRIES; tries; tries--) {
		uint32_t seq = tbl_seq_read(&b->seq), set = TBL_LOAD(&b->set);

		out->rate = TBL_LOAD(&b->rate);
		out->burst = TBL_LOAD(&b->burst);
		if (!(seq & 1) && tbl_seq_same(&b->seq, seq))
			return set;
	}
	return false;
}

void bucket_each(const struct tbl_header *h, tbl_visit *fn, void *arg)
{
	for (uint32_t i = 0; i < h->spec.entries; i++) {
		struct xok_table_update u = {.op = XOK_TABLE_SET};
		struct xok_bucket b;

		if (!bucket_read(bucket_at(h, i), &b))
			continue;
		memcpy(u.key, &i, sizeof(i));
		memcpy(u.value, &b, sizeof(b));
		if (!fn(arg, &u))
			return;
	}
}

/* The environment writes the tail when it likes: one that cannot be makes head - tail more than entries, which is a full ring. */
bool tbl_ring_put(void *mem, uint32_t *head, const void *record)
{
	struct tbl_header *h = mem;
	uint32_t *tail = tbl_unit(h, 0, 0);

	if (h->spec.type != XOK_TABLE_RING ||
	    *head - __atomic_load_n(tail, __ATOMIC_ACQUIRE) >= h->spec.entries)
		return false;
	memcpy(tbl_unit(h, 1, *head & (h->spec.entries - 1)), record, h->spec.value_size);
	__atomic_store_n(&h->ring.head, ++*head, __ATOMIC_RELEASE);
	return true;
}

bool tbl_ring_get(void *mem, void *record)
{
	const struct tbl_header *h = mem;
	uint32_t *tail = tbl_unit(h, 0, 0), t = *tail;

	if (h->spec.type != XOK_TABLE_RING || __atomic_load_n(&h->ring.head, __ATOMIC_ACQUIRE) == t)
		return false;
	memcpy(record, tbl_unit(h, 1, t & (h->spec.entries - 1)), h->spec.value_size);
	__atomic_store_n(tail, t + 1, __ATOMIC_RELEASE);
	return true;
}
