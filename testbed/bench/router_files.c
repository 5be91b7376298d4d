/* SPDX-License-Identifier: BSD-2-Clause */
/* router_files.c - captures and route files of bench-router. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testbed/bench/router.h"

#define FRAME 64u

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f)
		return f;
	fprintf(stderr, "bench-router: %s: %s\n", path, strerror(errno));
	exit(1);
}

static void finish(FILE *f, const char *path)
{
	bool bad = ferror(f);

	if (fclose(f) == 0 && !bad)
		return;
	fprintf(stderr, "bench-router: %s: it could not be written\n", path);
	exit(1);
}

/* ---- captures (draft-ietf-opsawg-pcap) ---- */

static void header(FILE *f)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, figures, snap, link;
	} h = {0xa1b2c3d4, 2, 4, 0, 0, 65535, 1};

	fwrite(&h, sizeof(h), 1, f);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t checksum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* From hosts of 10.0.0.0/16. */
static void ip4(uint8_t *ip, const uint8_t dst[16], uint64_t rnd)
{
	ip[0] = 0x45;
	put16(ip + 2, FRAME - 14);
	put16(ip + 4, (uint32_t)rnd);
	ip[8] = 64;
	ip[9] = 17;
	ip[12] = 10;
	put16(ip + 14, (uint32_t)(rnd >> 16));
	memcpy(ip + 16, dst, 4);
	put16(ip + 10, checksum(ip, 20));
	put16(ip + 20, (uint32_t)(1024 + (rnd >> 32) % 60000));
	put16(ip + 22, 9);
	put16(ip + 24, FRAME - 14 - 20);
}

/* From hosts of fd00::/112. Its checksum is one that nobody on the way looks at. */
static void ip6(uint8_t *ip, const uint8_t dst[16], uint64_t rnd)
{
	ip[0] = 0x60;
	put16(ip + 4, FRAME - 14 - 40);
	ip[6] = 17;
	ip[7] = 64;
	ip[8] = 0xfd;
	put16(ip + 22, (uint32_t)rnd);
	memcpy(ip + 24, dst, 16);
	put16(ip + 40, (uint32_t)(1024 + (rnd >> 32) % 60000));
	put16(ip + 42, 9);
	put16(ip + 44, FRAME - 14 - 40);
	put16(ip + 46, (uint32_t)rnd | 1);
}

void files_capture(const char *path, const struct bench_route *r, uint32_t n, bool wide)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	const uint32_t record[4] = {0, 0, FRAME, FRAME};
	uint64_t state = 0xcafe;
	FILE *f = create(path);

	header(f);
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t frame[FRAME] = {0}, dst[16];

		routes_pick(r, n, wide, &state, dst);
		memcpy(frame, macs, sizeof(macs));
		put16(frame + 12, wide ? 0x86dd : 0x0800);
		(wide ? ip6 : ip4)(frame + 14, dst, routes_random(&state));
		fwrite(record, sizeof(record), 1, f);
		fwrite(frame, sizeof(frame), 1, f);
	}
	finish(f, path);
}

void files_empty(const char *path)
{
	FILE *f = create(path);

	header(f);
	finish(f, path);
}

/* ---- routes ---- */

static const char *text(const struct bench_route *r, bool wide, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(wide ? AF_INET6 : AF_INET, r->address, buf, INET6_ADDRSTRLEN);
}

void files_l3fwd(const char *path, const struct bench_route *r, uint32_t n, bool wide)
{
	char buf[INET6_ADDRSTRLEN];
	FILE *f = create(path);

	for (uint32_t i = 0; i < n; i++)
		fprintf(f, "R%s/%u 1\n", text(&r[i], wide, buf), r[i].len);
	finish(f, path);
}

void files_ip(const char *path, const struct bench_route *r, uint32_t n, bool wide, const char *via,
	      const char *dev)
{
	char buf[INET6_ADDRSTRLEN];
	FILE *f = create(path);

	for (uint32_t i = 0; i < n; i++)
		fprintf(f, "route add %s/%u via %s dev %s\n", text(&r[i], wide, buf), r[i].len, via,
			dev);
	finish(f, path);
}
