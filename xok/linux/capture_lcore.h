/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_lcore.h - captures as the packet path sees them: one pointer to a set that does not change, NULL as a rule.
 *
 * An lcore loads it once for each burst and holds it until the burst has been sent; the control thread replaces it and, before it frees the old one,
 * waits until every lcore has left its burst (lcores_quiesce).
 */
#ifndef XOK_LINUX_CAPTURE_LCORE_H
#define XOK_LINUX_CAPTURE_LCORE_H

#include "capture.h"
#include "capture_ring.h"
#include "options.h"

struct dpf;
struct xokd;

#define CAPTURE_BURST 64u /* packets that are received at once, at most */
#define CAPTURES 8u	  /* at once */

struct capture {
	struct capture_request want; /* but for the filters: */
	struct dpf *filter;	     /* NULL: every packet */
	uint32_t nring;		     /* one for each lcore, and the control thread's */
	struct capture_ring ring[XOKD_LCORES + 1];
};

/* What an lcore keeps of the packets of one burst. Bit n of a set: capture n of struct capture_set. */
struct capture_seen {
	uint8_t in, out; /* wanted as it came in, as it left */
	bool traced;
	uint32_t len[2], captured[2];
	uint8_t head[2][XOK_FRAME_MAX];
	struct xok_trace trace;
};

struct capture_set {
	struct xokd *d;
	uint32_t n;
	uint32_t snap; /* the greatest of all */
	struct capture *capture[CAPTURES];
	struct capture_seen *seen[XOKD_LCORES]; /* CAPTURE_BURST each */
};

extern struct capture_set *capture_current; /* atomic */

/* Any lcore: the set in use, or NULL. */
static inline struct capture_set *capture_set_get(void)
{
	return __atomic_load_n(&capture_current, __ATOMIC_ACQUIRE);
}

/* In place of xok_burst, for at most CAPTURE_BURST packets. */
void capture_burst(struct capture_set *s, uint32_t lcore, uint32_t port, uint64_t now,
		   struct xok_packet *p, uint32_t n);
/* The same packets have been sent as far as there was room; those for which there was none have the fate XOK_FATE_TX_FULL. */
void capture_burst_sent(struct capture_set *s, uint32_t lcore, uint32_t port, uint64_t now,
			const struct xok_packet *p, uint32_t n);

/*
 * Any thread, which is lcore number `lcore` or as many as there are: a frame that is in no burst left by the port (CAPTURE_SENT), or did not
 * (XOK_FATE_TX_FULL). prog: of the handler, 0: none.
 */
void capture_frame_slow(struct capture_set *s, uint32_t lcore, uint32_t port, const void *frame,
			uint32_t len, uint16_t fate, uint16_t prog);
static inline void capture_frame(uint32_t lcore, uint32_t port, const void *frame, size_t len,
				 uint16_t fate, uint16_t prog)
{
	struct capture_set *s = capture_set_get();

	if (__builtin_expect(s != NULL, 0))
		capture_frame_slow(s, lcore, port, frame, (uint32_t)len, fate, prog);
}

#endif
