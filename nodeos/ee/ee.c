/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ee.c - putting the capsule domain together.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/ee/ee.h"

static const struct bucket refused_rate = {.rate = 50, .burst = 50};
static const struct bucket event_rate = {.rate = 500, .burst = 500};
static const struct bucket log_rate = {.rate = 20, .burst = 20};
static const struct bucket forged_rate = {.rate = 100, .burst = 100};
static const struct bucket serve_rate = {.rate = 2000, .burst = 256};

struct ee *ee_create(const struct node_pub *pub, struct ee_shared *shared,
		     const struct ee_host *host, int *err)
{
	struct ee_event ready = {.kind = EE_READY};
	struct ee *ee = calloc(1, sizeof(*ee));
	const struct in_chan_spec in = {
		.protocol = "if*/ip/udp/anep", .buffers = EE_RING, .handler = ee_input, .arg = ee};
	const struct out_chan_spec out = {.protocol = "if*/ip"};

	*err = XOK_ENOMEM;
	if (!ee)
		return NULL;
	*err = XOK_EINVAL;
	if (pub->magic != NODE_MAGIC || pub->version != NODE_VERSION || sodium_init() < 0)
		goto err_ee;
	ee->pub = pub;
	ee->shared = shared;
	ee->host = *host;
	for (unsigned i = 0; i < NODE_PORTS; i++)
		ee->forged[i] = forged_rate;
	ee->refused_rate = refused_rate;
	ee->event_rate = event_rate;
	ee->log_rate = log_rate;
	ee->serve_rate = serve_rate;
	msgq_open_producer(&ee->events, shared->events, EE_EVENTS_SIZE);
	msgq_open_producer(&ee->punts, shared->punts, EE_PUNTS_SIZE);
	ee_run_init();
	ee_code_init(ee);
	cache_init(&ee->cache, shared->pub.module);
	*err = out_chan_create(&ee->out, &out);
	if (*err < 0)
		goto err_ee;
	*err = in_chan_create(&ee->in, &in);
	if (*err < 0)
		goto err_ee;
	(void)ee_report(ee, &ready, NULL, 0); /* the first message fits */
	return ee;
err_ee:
	free(ee);
	return NULL;
}

bool ee_module_add(struct ee *ee, uint8_t *bytes, size_t len, char err[EE_ERROR])
{
	char why[CACHE_ERROR];

	if (cache_add(&ee->cache, bytes, len, ee->pub->address, true, why))
		return true;
	snprintf(err, EE_ERROR, "the module is refused: %.170s", why);
	return false;
}

bool ee_inject(struct ee *ee, const uint8_t *data, size_t len, char err[EE_ERROR])
{
	uint8_t packet[EE_PACKET_MAX], *anep = packet + IP4_HLEN + UDP_HLEN;
	struct wire_capsule c;
	enum wire_result r = wire_parse(data, len, &c);
	uint32_t src, dst;
	struct node_hop next;

	if (!wire_well_formed(r)) {
		snprintf(err, EE_ERROR, "this is not a capsule: %s", wire_result_text(r));
		return false;
	}
	if (!wire_is_address4(wire_goal(&c), &dst) || node_is_local(ee->pub, dst) ||
	    !node_route(ee->pub, dst, &next)) {
		snprintf(err, EE_ERROR,
			 "this node has no route to where the capsule goes, or is it itself: see "
			 "show routes");
		return false;
	}
	if (!wire_is_address4(c.origin, &src) || !node_is_local(ee->pub, src))
		src = next.source;
	memcpy(anep, data, len);
	wire_address4(c.hop.previous, next.source);
	wire_hop_write(anep, &c.hop);
	if (ee_send(ee, packet, len, src, dst, IP4_TTL) != EE_SENT) {
		snprintf(err, EE_ERROR, "the port's transmit queue is full: try again");
		return false;
	}
	ee_count(ee, EEC_INJECTED);
	return true;
}
