/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs.c - the typed commands.
 */
#include <string.h>

#include "amp/ip.h"
#include "nodeos/root/off.h"
#include "nodeos/root/root.h"

#define ANSWER_NS 2000000000ull
#define LAST_WORDS_NS 100000000ull
#define PING_SIZE 56u
#define PING_SIZE_MAX 1472u
#define HEX_MAX 1472u

/* ---- what waits for an answer ---- */

static bool is_ip4(const struct ip6 *a)
{
	const struct ip6 mapped = ip6_mapped(0);

	return ip6_match(a, &mapped, 96);
}

/* IPv4 addresses dotted. */
static const char *put_address(char buf[TEXT_IP6], const struct ip6 *a)
{
	return is_ip4(a) ? text_put_ip4(buf, ip6_unmapped(a)) : text_put_ip6(buf, a);
}

static void answered(struct pending *p)
{
	amp_timer_cancel(&p->timer);
	p->used = false;
	claims_update(p->root);
}

static void on_timeout(void *arg)
{
	struct pending *p = arg;
	char addr[TEXT_IP6];

	p->used = false;
	claims_update(p->root);
	reply_error(&p->reply, "no answer from %s in %u s", put_address(addr, &p->to),
		    (unsigned)(ANSWER_NS / 1000000000u));
}

static struct pending *pend(struct root *r, const struct reply *reply, const struct ip6 *to,
			    bool udp)
{
	for (unsigned i = 0; i < PENDING; i++) {
		struct pending *p = &r->pendings.p[i];

		if (p->used)
			continue;
		*p = (struct pending){
			.root = r, .reply = *reply, .used = true, .udp = udp, .to = *to};
		p->timer.fn = on_timeout;
		p->timer.arg = p;
		p->sent = amp_now();
		if (amp_timer_in(&p->timer, ANSWER_NS) == 0) {
			claims_update(r);
			return p;
		}
		p->used = false;
		break;
	}
	reply_error(reply, "%u requests wait for answers: try again in 2 s", PENDING);
	return NULL;
}

/* An echo request has its answer: the reply, or an error. */
static void echo_answered(struct root *r, uint8_t type, uint8_t code, const struct ip6 *from,
			  uint16_t id, uint16_t seq)
{
	struct control *c = &r->control;
	char addr[TEXT_IP6];

	if (id != r->pendings.id)
		return;
	for (unsigned i = 0; i < PENDING; i++) {
		struct pending *p = &r->pendings.p[i];

		if (!p->used || p->udp || p->seq != seq || is_ip4(&p->to) != is_ip4(from))
			continue;
		row_begin(c, &p->reply);
		row_text(c, "from", put_address(addr, from));
		row_u64(c, "type", type);
		row_u64(c, "code", code);
		row_u64(c, "rtt_ns", amp_now() - p->sent);
		row_end(c);
		reply_done(&p->reply);
		answered(p);
		return;
	}
}

static void on_icmp(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id, uint16_t seq)
{
	struct ip6 mapped = ip6_mapped(__builtin_bswap32(from));

	echo_answered(arg, type, code, &mapped, id, seq);
}

static void on_icmp6(void *arg, uint8_t type, uint8_t code, const struct ip6 *from, uint16_t id,
		     uint16_t seq)
{
	echo_answered(arg, type, code, from, id, seq);
}

static void on_datagram(void *arg, uint32_t src, uint16_t sport, const uint8_t *data, size_t len)
{
	struct root *r = arg;
	struct control *c = &r->control;
	uint32_t from = __builtin_bswap32(src);
	char hex[2 * HEX_MAX + 1];

	for (unsigned i = 0; i < PENDING; i++) {
		struct pending *p = &r->pendings.p[i];

		if (!p->used || !p->udp || ip6_unmapped(&p->to) != from || p->port != sport)
			continue;
		text_hex(hex, data, len < HEX_MAX ? len : HEX_MAX);
		row_begin(c, &p->reply);
		row_ip4(c, "from", from);
		row_u64(c, "port", sport);
		row_text(c, "data", hex);
		row_u64(c, "rtt_ns", amp_now() - p->sent);
		row_end(c);
		reply_done(&p->reply);
		answered(p);
		return;
	}
}

/* ---- one function for each verb ---- */

static bool address_arg(const char *s, uint32_t *addr, const struct reply *r)
{
	if (text_ip4(s, addr) && inet_host_address(*addr))
		return true;
	reply_error(r, "\"%.20s\" is not the IPv4 address of a host: write it as 10.0.0.1", s);
	return false;
}

static void do_show(struct root *root, const struct words *w, const struct reply *r)
{
	uint64_t from = 0, unwritten = root->control.errors;
	const char *near = table_nearest(w->w[1]);
	uint32_t at;

	if (w->n > 2 &&
	    (w->n != 4 || strcmp(w->w[2], "from") != 0 || !text_u64(w->w[3], UINT32_MAX, &from))) {
		reply_error(r, "say show TABLE, or show TABLE from N where it was left off");
		return;
	}
	at = (uint32_t)from;
	control_hold(&root->control);
	bool there = table_show(root, w->w[1], &at, r);
	control_release(&root->control);
	if (there) {
		if (root->control.errors != unwritten)
			reply_error(r, "rows are missing: they were not read in time");
		else if (at)
			reply_more(r, w->w[1], at);
		else
			reply_done(r);
	} else if (near)
		reply_error(r, "there is no table \"%.20s\": did you mean %s?", w->w[1], near);
	else
		reply_error(r, "there is no table \"%.20s\": help lists them", w->w[1]);
}

static bool ping_address_arg(const char *s, struct ip6 *addr, const struct reply *r)
{
	uint32_t v4;

	if (strchr(s, ':')) {
		if (text_ip6(s, addr) && ip6_host(addr) && !ip6_link_local(addr) && !is_ip4(addr))
			return true;
		reply_error(r, "\"%.45s\" is not the global IPv6 address of a host", s);
		return false;
	}
	if (!address_arg(s, &v4, r))
		return false;
	*addr = ip6_mapped(v4);
	return true;
}

static int send_echo(struct root *root, const struct pending *p, uint8_t ttl, const uint8_t *data,
		     size_t len)
{
	if (is_ip4(&p->to))
		return amp_ip_echo(__builtin_bswap32(ip6_unmapped(&p->to)), ttl, root->pendings.id,
				   p->seq, data, len);
	if (root->pub->role != NODE_ROUTER)
		return XOK_ENOSYS;
	return icmp6_echo(&root->ip6, &p->to, ttl, root->pendings.id, p->seq, data, len);
}

static void do_ping(struct root *root, const struct words *w, const struct reply *r)
{
	uint64_t ttl = IP4_TTL, size = PING_SIZE;
	uint8_t data[PING_SIZE_MAX];
	struct pending *p;
	struct ip6 to;
	int rc;

	if (!ping_address_arg(w->w[1], &to, r))
		return;
	for (unsigned i = 2; i < w->n; i += 2) {
		bool is_ttl = !strcmp(w->w[i], "ttl"), is_size = !strcmp(w->w[i], "size");

		if ((!is_ttl && !is_size) || i + 1 == w->n ||
		    !text_u64(w->w[i + 1], is_ttl ? 255 : PING_SIZE_MAX, is_ttl ? &ttl : &size) ||
		    ttl < 1) {
			reply_error(r, "say ttl N (1 to 255) or size N (up to %u)", PING_SIZE_MAX);
			return;
		}
	}
	p = pend(root, r, &to, false);
	if (!p)
		return;
	p->seq = root->pendings.next_seq++;
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)i;
	rc = send_echo(root, p, (uint8_t)ttl, data, size);
	if (rc < 0) {
		answered(p);
		reply_error(r, "the echo request could not be sent: %s", amp_strerror(rc));
	}
}

static void do_udp(struct root *root, const struct words *w, const struct reply *r)
{
	uint8_t data[HEX_MAX];
	struct pending *p;
	uint64_t port;
	struct ip6 mapped;
	uint32_t to;
	long len;
	int rc = 0;

	if (!address_arg(w->w[1], &to, r))
		return;
	if (!text_u64(w->w[2], 65535, &port) || port == 0) {
		reply_error(r, "\"%.20s\" is not a UDP port: 1 to 65535", w->w[2]);
		return;
	}
	len = w->n > 3 ? text_unhex(w->w[3], data, sizeof(data)) : 0;
	if (len < 0) {
		reply_error(r, "the data is not hexadecimal digits, two a byte, up to %u bytes",
			    HEX_MAX);
		return;
	}
	if (!root->pendings.udp_open)
		rc = amp_ip_udp_open(UDP_SOURCE, on_datagram, root);
	if (rc < 0) {
		reply_error(r, "no UDP port to send from: %s", amp_strerror(rc));
		return;
	}
	root->pendings.udp_open = true;
	mapped = ip6_mapped(to);
	p = pend(root, r, &mapped, true);
	if (!p)
		return;
	p->port = (uint16_t)port;
	rc = amp_ip_udp_send(UDP_SOURCE, __builtin_bswap32(to), (uint16_t)port, data, (size_t)len);
	if (rc < 0) {
		answered(p);
		reply_error(r, "the datagram could not be sent: %s", amp_strerror(rc));
	}
}

static void do_inject(struct root *root, const struct words *w, const struct reply *r)
{
	uint8_t packet[HEX_MAX];
	char err[CONFIG_ERROR];
	long len = text_unhex(w->w[1], packet, sizeof(packet));

	if (!root->host.inject)
		reply_error(r, "capsules are injected at edges, not here");
	else if (len < 0)
		reply_error(r, "the packet is not hexadecimal digits, two a byte, up to %u bytes",
			    HEX_MAX);
	else if (!root->host.inject(root->host.arg, packet, (size_t)len, err))
		reply_error(r, "%s", err);
	else
		reply_done(r);
}

static void do_run(struct root *root, const struct words *w, const struct reply *r)
{
	char err[CONFIG_ERROR];

	if (!root->host.run)
		reply_error(r, "this node has no environments to start");
	else if (!root->host.run(root->host.arg, w->w[1], err))
		reply_error(r, "%s", err);
	else
		reply_done(r);
}

static void do_reload(struct root *root, const struct words *w, const struct reply *r)
{
	char err[CONFIG_ERROR] = "";

	(void)w;
	if (root_reload(root, err))
		reply_done(r);
	else
		reply_error(r, "%s", err);
}

static void do_help(struct root *root, const struct words *w, const struct reply *r)
{
	static const struct {
		const char *verb, *usage, *text;
	} line[] = {
#define CONFIG_VERB(name, least, most, usage, text) {#name, usage, text},
#define RUN_VERB(name, least, most, usage, text) {#name, usage, text},
#include "nodeos/verbs.def"
#undef CONFIG_VERB
#undef RUN_VERB
	};
	struct control *c = &root->control;

	(void)w;
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		row_begin(c, r);
		row_text(c, "verb", line[i].verb);
		row_text(c, "usage", line[i].usage);
		row_text(c, "text", line[i].text);
		row_end(c);
	}
	reply_done(r);
}

static void on_power_off(void *arg)
{
	(void)arg;
	amp_power_off();
}

static void do_poweroff(struct root *root, const struct words *w, const struct reply *r)
{
	(void)w;
	reply_done(r);
	/* What is sent last needs a moment to leave the machine. */
	if (!ra_end(&root->ip6) || amp_timer_in(&root->power_off, LAST_WORDS_NS) < 0)
		amp_power_off();
}

/* ---- configuration while the node runs ---- */

static void configure(struct root *root, const struct words *w, const struct reply *r)
{
	struct config_error e = {0};
	char err[CONFIG_ERROR] = "";
	struct off gone = {0};

	root->draft = root->cfg;
	if (off_asked(w) ? !off_command(&root->draft, w, &gone, err)
			 : !config_command(&root->draft, w, err)) {
		reply_error(r, "%s", err);
		return;
	}
	if (config_check(&root->draft, &e, 1)) {
		config_drop_modules(&root->draft);
		reply_error(r, "%s", e.text);
		return;
	}
	if (!root_apply(root, err)) {
		reply_error(r, "%s", err);
		return;
	}
	if (gone.neighbour)
		neigh_not_static(gone.ip6 ? &root->ip6.neigh : &root->ip.neigh, gone.port,
				 &gone.addr);
	reply_done(r);
}

/* ---- the table ---- */

struct verb {
	const char *name;
	unsigned least, most;
	const char *usage;
	void (*fn)(struct root *root, const struct words *w, const struct reply *r);
};

static const struct verb verbs[] = {
#define CONFIG_VERB(name, least, most, usage, text)
#define RUN_VERB(name, least, most, usage, text) {#name, least, most, usage, do_##name},
#include "nodeos/verbs.def"
#undef CONFIG_VERB
#undef RUN_VERB
};

static void unknown(const char *s, const struct reply *r)
{
	const char *near = config_nearest_verb(s);

	if (near)
		reply_error(r, "there is no command \"%.32s\": did you mean %s?", s, near);
	else
		reply_error(r, "there is no command \"%.32s\": help lists them", s);
}

void verb_run(struct root *root, const struct words *w, const struct reply *r)
{
	const struct verb *v = NULL;

	if (config_is_verb(w->w[0])) {
		configure(root, w, r);
		return;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && !v; i++) {
		if (!strcmp(verbs[i].name, w->w[0]))
			v = &verbs[i];
	}
	if (!v)
		unknown(w->w[0], r);
	else if (w->n - 1 < v->least || w->n - 1 > v->most)
		reply_error(r, "wrong number of words: %s %s", v->name, v->usage);
	else
		v->fn(root, w, r);
}

void verbs_init(struct root *root)
{
	/* Answers to somebody else's echo requests, or to ones from before a restart, must not match. */
	amp_random(&root->pendings.id, sizeof(root->pendings.id));
	amp_ip_on_icmp(on_icmp, root);
	root->power_off.fn = on_power_off;
	root->ip6.answer = on_icmp6;
	root->ip6.claimed = claim_packet6;
	root->ip6.arg = root;
	root->ip.claimed = claim_packet4;
	root->ip.arg = root;
}
