/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel.c - protocol specifications as packet filters, and channels over the rings and ports of libamp.
 */
#include <string.h>

#include "nodeos/channel.h"
#include "nodeos/lib/inet.h"

#define ANEP_PORT 3322u

/* Takes `word` off the front of *s, up to the next slash or the end. */
static bool take(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n) || ((*s)[n] && (*s)[n] != '/'))
		return false;
	*s += n + ((*s)[n] == '/');
	return true;
}

/* `if*` or `ifN`. */
static bool take_port(const char **s, int32_t *port)
{
	const char *p = *s + 2;

	if (take(s, "if*")) {
		*port = XOK_PORT_ANY;
		return true;
	}
	if (strncmp(*s, "if", 2) || *p < '0' || *p > '9')
		return false;
	for (*port = 0; *p >= '0' && *p <= '9' && *port < 1000; p++)
		*port = *port * 10 + (*p - '0');
	if (*p && *p != '/')
		return false;
	*s = p + (*p == '/');
	return true;
}

static void equal(struct xok_filter *f, uint16_t off, uint8_t size, uint64_t mask, uint64_t value)
{
	f->atom[f->natoms++] = (struct xok_atom){
		.off = off, .size = size, .kind = XOK_ATOM_EQ, .mask = mask, .value = value};
}

int channel_filter(struct xok_filter *f, const struct in_chan_spec *spec)
{
	const char *s = spec->protocol;
	uint16_t udp_port = spec->udp_port;

	memset(f, 0, sizeof(*f));
	if (!take_port(&s, &f->port))
		return XOK_EINVAL;
	if (!*s)
		return 0;
	if (take(&s, "arp")) {
		equal(f, 12, 2, 0xffff, ETH_ARP);
		return *s ? XOK_EINVAL : 0;
	}
	if (!take(&s, "ip"))
		return XOK_EINVAL;
	equal(f, 12, 2, 0xffff, ETH_IP4);
	if (spec->local)
		equal(f, ETH_HLEN + IP4_DST, 4, 0xffffffff, spec->local);
	if (!*s)
		return 0;
	if (!take(&s, "udp"))
		return XOK_EINVAL;
	if (*s) {
		if (!take(&s, "anep") || *s)
			return XOK_EINVAL;
		if (!udp_port)
			udp_port = ANEP_PORT;
	}
	equal(f, ETH_HLEN, 1, 0xf0, 0x40);
	equal(f, ETH_HLEN + IP4_PROTO, 1, 0xff, PROTO_UDP);
	equal(f, ETH_HLEN + IP4_FRAG, 2, IP4_MF | IP4_OFFSET, 0);
	if (udp_port) {
		/* The base moves on by the IPv4 header's length, which options make variable. */
		f->atom[f->natoms++] = (struct xok_atom){
			.off = ETH_HLEN, .size = 1, .kind = XOK_ATOM_SHIFT, .shl = 2, .mask = 0x0f};
		equal(f, ETH_HLEN + 2, 2, 0xffff, udp_port);
	}
	return 0;
}

int in_chan_create(struct in_chan *c, const struct in_chan_spec *spec)
{
	struct xok_filter f;
	int64_t id;
	int rc = channel_filter(&f, spec);

	if (rc < 0)
		return rc;
	c->ring = amp_ring_open(spec->buffers, spec->handler, spec->arg);
	if (!c->ring)
		return XOK_ENOMEM;
	id = amp_filter_add(c->ring, &f);
	if (id < 0) {
		amp_ring_close(c->ring);
		c->ring = NULL;
		return (int)id;
	}
	c->filter = (uint32_t)id;
	return 0;
}

void in_chan_end(struct in_chan *c)
{
	if (!c->ring)
		return;
	(void)amp_filter_remove(c->filter); /* closing the ring would remove it too */
	amp_ring_close(c->ring);
	c->ring = NULL;
}

int out_chan_create(struct out_chan *c, const struct out_chan_spec *spec)
{
	const char *s = spec->protocol;

	memset(c, 0, sizeof(*c));
	if (!take_port(&s, &c->port) || (*s && !take(&s, "ip")) || *s)
		return XOK_EINVAL;
	return 0;
}

int out_chan_send_ip(struct out_chan *c, uint16_t port, const uint8_t dst[6], const uint8_t src[6],
		     const uint8_t *packet, size_t len)
{
	uint8_t head[ETH_HLEN];
	struct xok_iov iov[2] = {
		{.base = (uint64_t)(uintptr_t)head, .len = ETH_HLEN},
		{.base = (uint64_t)(uintptr_t)packet, .len = len},
	};
	int rc;

	if (c->port != XOK_PORT_ANY && c->port != port)
		return XOK_EPERM;
	memcpy(head, dst, 6);
	memcpy(head + 6, src, 6);
	put16(head + 12, ETH_IP4);
	rc = amp_transmit(port, iov, 2);
	if (rc < 0)
		c->refused++;
	else
		c->sent++;
	return rc;
}
