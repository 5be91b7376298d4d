/* SPDX-License-Identifier: BSD-2-Clause */
/* call_message.c - decoding requests, and the memory that came with them. */
#include <stdbool.h>
#include <string.h>

#include "call_message.h"
#include "xok/abi.h"

/* One piece: its place in `memory` is behind what `used` bytes there hold. False: it cannot be. */
static bool piece_read(struct message_piece *to, const struct xl_piece *p, uint32_t used)
{
	if (!p->len || p->len > XL_MEMORY - used)
		return false;
	if (!(p->flags & (XL_READ | XL_WRITE)) || (p->flags & ~(XL_READ | XL_WRITE)))
		return false;
	/* An address range that wraps would contain what no other range of its length does. */
	if (p->va > UINT64_MAX - p->len)
		return false;
	*to = (struct message_piece){.va = p->va, .len = p->len, .flags = p->flags, .at = used};
	return true;
}

int message_read(struct message *m, const void *buf, size_t len, const char **wrong)
{
	const uint8_t *from = buf;
	size_t left = len, pieces;
	uint32_t used = 0;

	*wrong = "shorter than a request";
	if (left < sizeof(m->req))
		return -1;
	memcpy(&m->req, from, sizeof(m->req));
	from += sizeof(m->req);
	left -= sizeof(m->req);
	*wrong = "the pieces it announces are not there";
	if (m->req.npiece > XL_PIECES)
		return -1;
	pieces = m->req.npiece * sizeof(struct xl_piece);
	if (left < pieces)
		return -1;
	left -= pieces;
	for (uint32_t i = 0; i < m->req.npiece; i++) {
		struct xl_piece p;

		memcpy(&p, from + i * sizeof(p), sizeof(p));
		*wrong = "a piece that cannot be";
		if (!piece_read(&m->piece[i], &p, used))
			return -1;
		used += p.len;
	}
	from += pieces;
	*wrong = "its bytes are not as many as its pieces say";
	for (uint32_t i = 0; i < m->req.npiece; i++) {
		const struct message_piece *p = &m->piece[i];

		if (!(p->flags & XL_READ)) {
			memset(m->memory + p->at, 0, p->len); /* nobody else's bytes go back */
			continue;
		}
		if (left < p->len)
			return -1;
		memcpy(m->memory + p->at, from, p->len);
		from += p->len;
		left -= p->len;
	}
	return left ? -1 : 0;
}

/* The piece that holds [va, va + len) and has the flag, or NULL. */
static const struct message_piece *find(const struct message *m, uint64_t va, size_t len,
					uint32_t flag)
{
	for (uint32_t i = 0; i < m->req.npiece; i++) {
		const struct message_piece *p = &m->piece[i];

		if ((p->flags & flag) && va >= p->va && len <= p->len && va - p->va <= p->len - len)
			return p;
	}
	return NULL;
}

int message_in(const struct message *m, void *dst, uint64_t va, size_t len)
{
	const struct message_piece *p;

	if (!len)
		return XOK_OK;
	p = find(m, va, len, XL_READ);
	if (!p)
		return XOK_EFAULT;
	memcpy(dst, m->memory + p->at + (va - p->va), len);
	return XOK_OK;
}

int message_out(struct message *m, uint64_t va, const void *src, size_t len)
{
	struct message_piece *p;
	uint32_t lo, hi;

	if (!len)
		return XOK_OK;
	p = (struct message_piece *)find(m, va, len, XL_WRITE);
	if (!p)
		return XOK_EFAULT;
	lo = (uint32_t)(va - p->va);
	hi = lo + (uint32_t)len;
	memcpy(m->memory + p->at + lo, src, len);
	if (!p->hi || lo < p->lo)
		p->lo = lo;
	if (hi > p->hi)
		p->hi = hi;
	return XOK_OK;
}

size_t message_answer(const struct message *m, int64_t result, uint32_t nfd, void *buf)
{
	struct xl_answer a = {.result = result, .nfd = nfd};
	uint8_t *at = (uint8_t *)buf + sizeof(a);

	for (uint32_t i = 0; i < m->req.npiece; i++) {
		const struct message_piece *p = &m->piece[i];
		struct xl_piece out = {.va = p->va + p->lo, .len = p->hi - p->lo};

		if (!p->hi)
			continue;
		memcpy(at, &out, sizeof(out));
		at += sizeof(out);
		a.npiece++;
	}
	for (uint32_t i = 0; i < m->req.npiece; i++) {
		const struct message_piece *p = &m->piece[i];

		if (!p->hi)
			continue;
		memcpy(at, m->memory + p->at + p->lo, p->hi - p->lo);
		at += p->hi - p->lo;
	}
	memcpy(buf, &a, sizeof(a));
	return (size_t)(at - (uint8_t *)buf);
}
