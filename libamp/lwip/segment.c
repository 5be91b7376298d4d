/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment.c - looks at each TCP segment before lwIP does, for two things that a peer could
 * otherwise end us with.
 *
 * lwIP 2.1.3 takes the segment size that a write may fill from the peer's MSS option and from half
 * of the largest window that it ever offered, and asserts that what waits unsent was made under the
 * same limit. So the limit must never shrink.
 */
#include "ip_int.h"

#include "lwip/prot/tcp.h"
#include "lwip/tcp.h"

#include "hooks.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2 };

static uint64_t bad_option;

uint64_t amp_ip_bad_option(void)
{
	return bad_option;
}

/* The options may be split between two buffers. */
struct options {
	const uint8_t *first, *second;
	uint32_t first_len, len;
};

static uint8_t byte(const struct options *o, uint32_t i)
{
	return i < o->first_len ? o->first[i] : o->second[i - o->first_len];
}

static bool has_mss(const struct options *o)
{
	for (uint32_t i = 0; i < o->len;) {
		uint8_t kind = byte(o, i);

		if (kind == OPT_END)
			return false;
		if (kind == OPT_MSS)
			return true;
		if (kind == OPT_NOP) {
			i++;
			continue;
		}
		/* A length of less than two would never end this; lwIP stops there too. */
		if (i + 1 >= o->len || byte(o, i + 1) < 2)
			return false;
		i += byte(o, i + 1);
	}
	return false;
}

err_t amp_lwip_segment(struct tcp_pcb *pcb, const struct tcp_hdr *hdr, uint16_t optlen,
		       uint16_t opt1len, const uint8_t *opt2)
{
	struct options o = {.first = (const uint8_t *)hdr + TCP_HLEN,
			    .second = opt2,
			    .first_len = opt1len,
			    .len = optlen};

	/* A listener is shorter than a connection, and one in TIME-WAIT sends no data. */
	if (pcb->state == LISTEN || pcb->state == TIME_WAIT)
		return ERR_OK;
	/*
	 * RFC 9293 3.7.1: the MSS option stands in segments with SYN only. lwIP would obey it in
	 * any.
	 */
	if (!(TCPH_FLAGS(hdr) & TCP_SYN) && has_mss(&o)) {
		bad_option++;
		return ERR_VAL;
	}
	/*
	 * A window that was zero at first counts as no limit, and would become one when it opens.
	 */
	if (pcb->snd_wnd_max < 2 * TCP_MSS)
		pcb->snd_wnd_max = 2 * TCP_MSS;
	return ERR_OK;
}
