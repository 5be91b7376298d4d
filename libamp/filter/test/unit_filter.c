/* SPDX-License-Identifier: BSD-2-Clause */
/* unit_filter.c - filter expressions: against libpcap packet by packet, and the messages for what cannot be expressed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap.h>

#include "amp/filter.h"
#include "test.h"

#define MAX 256u
#define PACKETS 1500u /* for each expression */

/* Each means the same to libpcap. */
static const char *const same[] = {
	"",
	"ip",
	"ip6",
	"arp",
	"rarp",
	"tcp",
	"udp",
	"sctp",
	"icmp",
	"icmp6",
	"igmp",
	"igrp",
	"pim",
	"vrrp",
	"ah",
	"esp",
	"ether proto 0x88cc",
	"ether proto \\ip",
	"ether proto \\arp or \\rarp",
	"ip proto 17",
	"ip proto \\tcp",
	"ip6 proto 6",
	"ip6 proto \\udp",
	"proto 132",
	"proto \\tcp",
	"proto 1 or 58",
	"ether host 52:54:00:12:34:56",
	"ether src 52:54:0:12:34:56",
	"ether dst host 52-54-00-12-34-56",
	"ether src 52:54:00:12:34:56 or 52:54:00:12:34:57",
	"ether src and dst 52:54:00:12:34:56",
	"broadcast",
	"ether broadcast",
	"multicast",
	"ether multicast",
	"ip multicast",
	"ip6 multicast",
	"host 10.0.0.1",
	"src host 10.0.0.1",
	"dst host 10.0.0.1",
	"src 10.0.0.1",
	"dst 10.0.0.2",
	"src or dst host 10.0.0.1",
	"src and dst 10.0.0.1",
	"ip host 10.0.0.1",
	"ip src 10.0.0.1 and ip dst 10.0.0.2",
	"arp host 10.0.0.1",
	"arp src host 10.0.0.1",
	"rarp dst host 10.0.0.1",
	"host 10.0.0.1 or 10.0.0.2",
	"host (10.0.0.1 or 192.168.1.1)",
	"host 10.0.0.1 and host 10.0.0.2",
	"host 10.0.0.1 and 10.0.0.2",
	"host 2001:db8::1",
	"src host 2001:db8::1",
	"dst fe80::1",
	"ip6 host 2001:db8::1",
	"ip6 src 2001:db8::1 and dst 2001:db8::2",
	"host 10.0.0.1 or 2001:db8::1",
	"net 10.0.0.0/8",
	"net 10",
	"net 192.168",
	"net 192.168.1",
	"net 10.0.0.1",
	"src net 10.0.0.0/30",
	"dst net 192.168.0.0 mask 255.255.0.0",
	"net 0.0.0.0/0",
	"net 224.0.0.0/4",
	"src net 10.0.0.0/15 or 192.168.0.0/16",
	"ip net 10.0.0.0/8",
	"net 2001:db8::/32",
	"src net fe80::/10",
	"dst net ff00::/8",
	"net ::/0",
	"port 53",
	"tcp port 80",
	"udp port 53",
	"sctp port 1000",
	"src port 53",
	"dst port 53",
	"tcp src port 80",
	"tcp dst port 443 or 80",
	"port 53 or 80",
	"port (53 or 80)",
	"dst port 22 or (80 or 443)",
	"tcp src and dst port 80",
	"udp src or dst port 80",
	"port 0",
	"portrange 1000-2000",
	"udp portrange 2000-1000",
	"tcp dst portrange 1000-1500",
	"portrange 53-53",
	"src portrange 0-65535",
	"portrange 80",
	"tcp src port 1000 and src portrange 1000-2000",
	"udp dst port 2000 and dst portrange 1000-2000",
	"ip and port 53",
	"ip6 and tcp dst port 22",
	"tcp port 80 and host 10.0.0.1",
	"host 10.0.0.1 and port 53",
	"src host 10.0.0.1 and dst port 80",
	"tcp and (port 80 or port 443)",
	"(tcp or udp) and port 53",
	"tcp or udp and port 53",
	"udp and port 53 or tcp",
	"ip && tcp || arp",
	"(ip)",
	"((tcp && (dst port 80)))",
	"vlan",
	"vlan 5",
	"vlan and ip",
	"vlan 5 and host 10.0.0.1",
	"vlan and tcp port 80",
	"vlan 5 and udp dst port 53",
	"vlan and vlan 5 and ip6",
	"vlan 5 and vlan 2 and tcp dst port 80",
	"ip or vlan 5 and ip",
	"vlan and ether src 52:54:00:12:34:56",
	"vlan and ip[8] = 64",
	"vlan and tcp[13] & 2 = 2",
	"ether[12:2] = 0x800",
	"ether[0] & 1 = 1",
	"ether[0] & 1 != 0",
	"ether[6:4] = 0x52540012",
	"ether[10:2] == 0x3456",
	"link[12:2] = 0x806",
	"ip[8] = 64",
	"ip[8] < 2",
	"ip[8] <= 1",
	"ip[8] > 63",
	"ip[8] >= 64",
	"ip[8] != 64",
	"64 = ip[8]",
	"2 > ip[8]",
	"ip[0] & 0xf = 5",
	"ip[0] & 0xf != 5",
	"(ip[0] & 0xf0) = 0x40",
	"ip[0] >> 4 = 4",
	"ip[0] >> 4 > 3",
	"ip[0] & 0xf0 <= 0x45",
	"ip[0] & 0xf0 >= 0x45",
	"ip[6:2] & 0x1fff = 0",
	"ip[6:2] & 0x1fff != 0",
	"ip[6:2] & 0x2000 > 0",
	"ip[12:4] = 0x0a000001",
	"ip[12:4] >= 0x0a000000 and ip[12:4] < 0x0b000000",
	"ip[1] & 0xfc = 0",
	"ip[1] = 0xb8 or ip[1] = 0",
	"ip6[6] = 58",
	"ip6[7] = 1 or ip6[7] = 64",
	"ip6[6] = 44 and ip6[40] = 17",
	"arp[6:2] = 1",
	"arp[6:2] = 1 or arp[7] = 2",
	"tcp[13] = 2",
	"tcp[tcpflags] = tcp-syn",
	"tcp[tcpflags] & tcp-syn != 0",
	"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
	"tcp[tcpflags] & (tcp-rst) != 0 and host 10.0.0.1",
	"tcp[0:2] = 80",
	"tcp[2:2] != 22",
	"tcp[2:2] > 1000 and tcp[2:2] < 2000",
	"tcp[0:2] >= 1000 and src port 1500",
	"tcp[0:2] >= 1000 or src port 53",
	"udp[0:2] = 53",
	"udp[4:2] < 100",
	"sctp[0:2] = 1000",
	"icmp[icmptype] = icmp-echo",
	"icmp[icmptype] = icmp-echo or icmp[icmptype] = icmp-echoreply",
	"icmp[0] = 8 and icmp[1] = 0",
	"icmp6[0] = 128",
	"icmp6[icmp6type] = icmp6-neighborsolicit",
	"igmp[0] = 0x16",
	"greater 250",
	"len >= 300",
	"len > 299 and tcp",
	"greater 0",
	"ip[4+4] = 32*2",
	"ip[2*4] = 0x80 >> 1",
	"ip[8] & 0x3f = 0",
	"ip[2:2] <= 0xffff",
	"ip[8] < 300",
	"ether proto 0x88cc or ether proto 0x8864",
	"src net 10.0.0.0/8 and dst net 192.168.0.0/16 and tcp dst portrange 1000-2000",
	"ip6 and udp and dst port 53 and src net 2001:db8::/32",
	"ip host 10.0.0.1 and tcp dst port 80 and tcp[13] & 2 = 2 and ip[8] > 1",
};
#define NSAME (sizeof(same) / sizeof(same[0]))

struct tried {
	unsigned matched, n;
};

static size_t packet_for(uint8_t *pkt, const struct xok_filter *f, unsigned n)
{
	size_t len = make_packet(pkt);

	if (n && below(2))
		bend_packet(pkt, len, &f[below(n)]);
	return len;
}

static bool any_matches(const struct xok_filter *f, unsigned n, const uint8_t *pkt, size_t len)
{
	bool yes = false;

	for (unsigned i = 0; i < n && !yes; i++)
		yes = filter_matches(&f[i], pkt, len);
	return yes;
}

static bool pcap_matches(const struct bpf_program *b, const uint8_t *pkt, size_t len)
{
	struct pcap_pkthdr h = {.caplen = (bpf_u_int32)len, .len = (bpf_u_int32)len};

	return pcap_offline_filter(b, &h, pkt) != 0;
}

static void compare(const char *text, const struct bpf_program *b, const struct xok_filter *f,
		    unsigned n, unsigned packets, struct tried *t)
{
	uint8_t pkt[PACKET_MAX];

	for (unsigned i = 0; i < packets; i++) {
		size_t len = packet_for(pkt, f, n);
		bool ours = any_matches(f, n, pkt, len), theirs = pcap_matches(b, pkt, len);

		if (ours != theirs) {
			for (size_t k = 0; k < 80; k++)
				fprintf(stderr, "%02x%s", pkt[k], k % 16 == 15 ? "\n" : " ");
			fail_msg("'%s': %s, but libpcap says otherwise", text,
				 ours ? "matches" : "does not match");
		}
		t->matched += ours;
		t->n++;
		/* Cut short: what libpcap takes matches, and without alternatives, nothing else does. */
		len = below((uint32_t)len);
		ours = any_matches(f, n, pkt, len);
		theirs = pcap_matches(b, pkt, len);
		if (theirs ? !ours : ours && n == 1 && !strstr(text, " or "))
			fail_msg("'%s', cut to %zu bytes: %s, but libpcap says otherwise", text,
				 len, ours ? "matches" : "does not match");
	}
}

static void test_against_libpcap(void **state)
{
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
	static struct xok_filter f[MAX];
	char err[AMP_FILTER_ERR];
	struct tried all = {0};

	(void)state;
	for (size_t i = 0; i < NSAME; i++) {
		struct bpf_program b;
		struct tried t = {0};
		unsigned n;

		if (pcap_compile(p, &b, same[i], 1, PCAP_NETMASK_UNKNOWN))
			fail_msg("libpcap refuses '%s': %s", same[i], pcap_geterr(p));
		if (amp_filter_parse(same[i], f, MAX, &n, err, sizeof(err)))
			fail_msg("'%s': %s", same[i], err);
		for (unsigned k = 0; k < n; k++)
			assert_true(filter_valid(&f[k]));
		for (unsigned k = 1; k < n; k++)
			for (unsigned j = 0; j < k; j++)
				assert_memory_not_equal(&f[k], &f[j], sizeof(f[k]));
		compare(same[i], &b, f, n, PACKETS, &t);
		/* A test of nothing tests nothing. */
		if (t.matched < 5 || (t.matched == t.n && n && f[0].natoms > 1))
			fail_msg("'%s' matched %u of %u packets", same[i], t.matched, t.n);
		all.matched += t.matched;
		all.n += t.n;
		pcap_freecode(&b);
	}
	print_message("%zu expressions, %u packets, %u matched\n", NSAME, all.n, all.matched);
	pcap_close(p);
}

/* Listed ones put together at random. vlan changes what follows, so it stays alone. */
static const char *some(void)
{
	const char *s;

	do
		s = same[1 + below(NSAME - 1)];
	while (strstr(s, "vlan"));
	return s;
}

static void test_combinations(void **state)
{
	static const char *const forms[] = {"(%s) and (%s)",	      "(%s) or (%s)",
					    "(%s) or (%s) and (%s)",  "(%s) and ((%s) or (%s))",
					    "vlan and (%s) and (%s)", "(%s) and (%s) and (%s)"};
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
	unsigned none = 0, large = 0, done = 0;
	static struct xok_filter f[MAX];
	struct tried all = {0};

	(void)state;
	for (unsigned i = 0; i < 1500; i++) {
		char text[512], err[AMP_FILTER_ERR];
		struct bpf_program b;
		unsigned n;
		int rc;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), forms[below(6)], some(), some(), some());
#pragma GCC diagnostic pop
		rc = amp_filter_parse(text, f, MAX, &n, err, sizeof(err));
		if (rc == -E2BIG) {
			large++;
			continue;
		}
		if (rc && !strstr(err, "exclude each other"))
			fail_msg("'%s': %s", text, err);
		/* libpcap's optimizer says so when nothing can match, but does not always find out. */
		if (pcap_compile(p, &b, text, 1, PCAP_NETMASK_UNKNOWN)) {
			if (!strstr(pcap_geterr(p), "rejects all"))
				fail_msg("libpcap refuses '%s': %s", text, pcap_geterr(p));
			none++;
			continue;
		}
		compare(text, &b, f, n, 60, &all);
		done++;
		pcap_freecode(&b);
	}
	print_message(
		"%u combinations, %u more match nothing, %u too large; %u packets, %u matched\n",
		done, none, large, all.n, all.matched);
	assert_true(done > 700 && all.matched > 5000);
	pcap_close(p);
}

/* What cannot be, and what the message must have in it. */
static const struct {
	const char *text, *says;
	int code;
} refusals[] = {
	{"not tcp", "column 1, 'not': filters cannot say what a packet is not", EINVAL},
	{"ip and ! port 53", "column 8, '!'", EINVAL},
	{"host example.org", "column 6, 'example.org': names are not looked up", EINVAL},
	{"port domain", "column 6, 'domain': names are not looked up: give the port's number",
	 EINVAL},
	{"port 70000", "column 6, '70000': a port is a number up to 65535", EINVAL},
	{"portrange 5-99999", "column 11, '5-99999': a range of ports", EINVAL},
	{"port", "at the end: a value is missing", EINVAL},
	{"host 10.0.0",
	 "column 6, '10.0.0': an IPv4 address has four parts; a network is: net 10.0.0", EINVAL},
	{"host 10.0.0.256", "column 6", EINVAL},
	{"host 52:54:00:12:34:56", "ether host", EINVAL},
	{"ether host 10.0.0.1", "ether wants an address like", EINVAL},
	{"ip host 2001:db8::1", "not of the family", EINVAL},
	{"ip6 host 10.0.0.1", "not of the family", EINVAL},
	{"tcp host 10.0.0.1", "put `and` between", EINVAL},
	{"ip6 port 53", "ports are tcp's, udp's and sctp's", EINVAL},
	{"net 10.0.0.1/8", "bits outside the network", EINVAL},
	{"net 10.0.0.0/33", "column 14, '33': a prefix has 0 to 32 bits", EINVAL},
	{"net 10.0.0.0 mask 8", "a mask is an IPv4 one", EINVAL},
	{"10.0.0.1", "say what this is: host, net or port", EINVAL},
	{"prot 6", "column 1, 'prot': no such test", EINVAL},
	{"ether", "ether what?", EINVAL},
	{"ether proto 5", "lengths of LLC frames", EINVAL},
	{"ether proto 65536", "an Ethernet type", EINVAL},
	{"ip proto 256", "an IP protocol", EINVAL},
	{"arp proto 5", "proto is of ether, ip or ip6", EINVAL},
	{"vlan 4096", "a VLAN is a number up to 4095", EINVAL},
	{"less 100", "at least so long: greater", EINVAL},
	{"len < 100", "at least so long", EINVAL},
	{"gateway foo", "use ether host MAC", EINVAL},
	{"mpls 5", "ether proto 0x8847", EINVAL},
	{"ip protochain 6", "use proto", EINVAL},
	{"inbound", "leave it out", EINVAL},
	{"ip broadcast", "depends on the network", EINVAL},
	{"tcp multicast", "multicast is of", EINVAL},
	{"ip[8] + 1 = 5", "column 7, '+': filters compare a field", EINVAL},
	{"ip[8] = ip[9]", "one side of a comparison is a field", EINVAL},
	{"1 = 1", "one side of a comparison is a field", EINVAL},
	{"ip[ip[0] & 15] = 1", "an offset that depends on the packet", EINVAL},
	{"ip[0:3] = 1", "1, 2 or 4 bytes, not 3", EINVAL},
	{"ip[0 = 1", "the bracket of 'ip[' is not closed", EINVAL},
	{"ip[0]", "a comparison is needed", EINVAL},
	{"ip[99999] = 1", "no frame is that long", EINVAL},
	{"ip[0] = 4294967296", "at most 32 bits", EINVAL},
	{"ip[0] & 15 > 5", "ranges are of whole fields", EINVAL},
	{"ip[1/0] = 1", "division by zero", EINVAL},
	{"ip[0] = tcp-sin", "column 9, 'tcp-sin': a number is needed", EINVAL},
	{"(tcp", "column 1, '(': this parenthesis is not closed", EINVAL},
	{"tcp)", "column 4, ')'", EINVAL},
	{"port (53 or 80", "not closed", EINVAL},
	{"tcp and", "at the end: a test is missing", EINVAL},
	{"and tcp", "a test is missing before this", EINVAL},
	{"tcp and or udp", "column 9, 'or'", EINVAL},
	{"tcp @ udp", "column 5, '@': this character has no meaning", EINVAL},
	{"ip and ip6", "exclude each other", EINVAL},
	{"tcp port 80 and udp", "exclude each other", EINVAL},
	{"tcp[0:2] < 10 and src port 80 and ip", "exclude each other", EINVAL},
	{"ip[8] > 255", "exclude each other", EINVAL},
	{"port 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 or 10 or 11 or 12 or 13 or 14 or 15 or 16 "
	 "or 17 or 18 or 19 or 20 or 21 or 22",
	 "it takes 264 filters, and there is room for 256", E2BIG},
	{"(src port 1 or 2 or 3 or 4 or 5) and (dst net 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 "
	 "or 10 or 11 or 12 or 13 or 14 or 15 or 16 or 17 or 18 or 19 or 20 or 21 or 22 or 23 or "
	 "24 or 25 or 26 or 27 or 28 or 29 or 30 or 31 or 32 or 33 or 34 or 35 or 36)",
	 "more than 512 filters", E2BIG},
	{"ether[0]=1 and ether[2]=1 and ether[4]=1 and ether[6]=1 and ether[8]=1 and ether[10]=1 "
	 "and ether[12]=1 and ether[14]=1 and ether[16]=1 and "
	 "ether[18]=1 and ether[20]=1 and ether[22]=1 and ether[24]=1 and ether[26]=1 and "
	 "ether[28]=1 and ether[30]=1 and ether[32]=1",
	 "takes 17 atoms, and there can be 16", E2BIG},
	{"udp port 1 and vlan and udp port 2", "exclude each other", EINVAL},
};

static void test_refusals(void **state)
{
	static struct xok_filter f[MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		char err[AMP_FILTER_ERR];
		unsigned n = 7;
		int rc = amp_filter_parse(refusals[i].text, f, MAX, &n, err, sizeof(err));

		if (rc != -refusals[i].code || n || !strstr(err, refusals[i].says))
			fail_msg("'%s': %d, %s", refusals[i].text, rc, err);
		assert_true(strlen(err) < AMP_FILTER_ERR - 1);
		/* A short buffer, or none, is no reason to write elsewhere. */
		assert_int_equal(amp_filter_parse(refusals[i].text, f, MAX, &n, err, 5), rc);
		assert_true(strlen(err) < 5);
		assert_int_equal(amp_filter_parse(refusals[i].text, f, MAX, &n, NULL, 0), rc);
	}
}

/* Beyond what libpcap takes, or in another form. */
static void test_ours(void **state)
{
	static const struct {
		const char *text, *as;
	} t[] = {
		{"udp dst port 53 src host 10.0.0.1", "udp dst port 53 and src host 10.0.0.1"},
		{"ip tcp", "ip and tcp"},
		{"tcp src port 2000 and src portrange 1000-2000", "tcp src port 2000"},
		{"src 10.0.0.0/9", "src net 10.0.0.0/9"},
		{"host 10.0.0.0/9", "net 10.0.0.0/9"},
		{"ether proto ip", "ip"},
		{"ip proto tcp", "ip and tcp"},
		{"ip or host 10.0.0.1 and ip", "ip"},
		{"tcp or tcp port 80", "tcp"},
		{"port 53 or port 53", "port 53"},
		{"udp dst portrange 10-20 and dst portrange 20-30", "udp dst port 20"},
		{"ip[8] >= 0 and ip[8] <= 255", "ip and len > 22"},
	};
	static struct xok_filter a[MAX], b[MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char err[AMP_FILTER_ERR];
		unsigned n, m;

		if (amp_filter_parse(t[i].text, a, MAX, &n, err, sizeof(err)))
			fail_msg("'%s': %s", t[i].text, err);
		if (amp_filter_parse(t[i].as, b, MAX, &m, err, sizeof(err)))
			fail_msg("'%s': %s", t[i].as, err);
		if (n != m || memcmp(a, b, n * sizeof(a[0])) != 0)
			fail_msg("'%s' is not '%s': %u and %u filters", t[i].text, t[i].as, n, m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_libpcap),
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_ours),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
