/* SPDX-License-Identifier: BSD-2-Clause */
/* unit_capture.c - capture files, byte by byte as the draft has them, and frames in one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testbed/packet_text.h"
#include "testbed/pcapng.h"

/* ---- pcapng ---- */

static char *file;
static size_t len, at;

static uint32_t next32(void)
{
	uint32_t v;

	assert_true(at + 4 <= len);
	memcpy(&v, file + at, 4);
	at += 4;
	return v;
}

static uint16_t next16(void)
{
	uint16_t v;

	assert_true(at + 2 <= len);
	memcpy(&v, file + at, 2);
	at += 2;
	return v;
}

/* A block of this type; where it ends. */
static size_t block(uint32_t type)
{
	size_t start = at;
	uint32_t total, again;

	assert_int_equal(next32(), type);
	total = next32();
	assert_true(total % 4 == 0 && total >= 12 && start + total <= len);
	memcpy(&again, file + start + total - 4, 4);
	assert_int_equal(again, total);
	return start + total;
}

/* The next option, which must be this one: its value. */
static const char *option(uint16_t code, uint16_t size)
{
	const char *value;

	assert_int_equal(next16(), code);
	assert_int_equal(next16(), size);
	value = file + at;
	at += (size + 3u) & ~3u;
	assert_true(at <= len);
	return value;
}

static void files_are_as_the_draft_says(void **state)
{
	static const struct pcapng_interface i[2] = {{"r1/lan", {2, 0, 0, 0, 0, 1}, 96},
						     {"r1/wan", {2, 0, 0, 0, 0, 2}, 96}};
	const struct pcapng_packet p = {.interface = 1,
					.time = 0x1122334455667788ull,
					.len = 1500,
					.captured = 5,
					.data = "abcde",
					.direction = PCAPNG_OUT,
					.comment = "forwarded from lan"};
	FILE *f = open_memstream(&file, &len);
	size_t end;
	(void)state;

	assert_non_null(f);
	assert_true(pcapng_begin(f, "amp", i, 2) && pcapng_packet(f, &p));
	assert_int_equal(fclose(f), 0);
	at = 0;
	end = block(0x0a0d0d0a);
	assert_int_equal(next32(), 0x1a2b3c4d);
	assert_int_equal(next16(), 1);
	assert_int_equal(next16(), 0);
	at += 8;
	assert_memory_equal(option(4, 3), "amp\0", 4); /* shb_userappl, padded */
	option(0, 0);
	assert_int_equal(at + 4, end);
	for (int k = 0; k < 2; k++) {
		at = end;
		end = block(1);
		assert_int_equal(next16(), 1);
		assert_int_equal(next16(), 0);
		assert_int_equal(next32(), 96);
		assert_memory_equal(option(2, 6), i[k].name, 6);
		assert_memory_equal(option(6, 6), i[k].mac, 6);
		assert_int_equal(*option(9, 1), 9);
		option(0, 0);
		assert_int_equal(at + 4, end);
	}
	at = end;
	end = block(6);
	assert_int_equal(next32(), 1);
	assert_int_equal(next32(), 0x11223344);
	assert_int_equal(next32(), 0x55667788);
	assert_int_equal(next32(), 5);
	assert_int_equal(next32(), 1500);
	assert_memory_equal(file + at, "abcde\0\0\0", 8);
	at += 8;
	assert_memory_equal(option(1, 18), "forwarded from lan", 18);
	assert_memory_equal(option(2, 4), "\2\0\0\0", 4);
	option(0, 0);
	assert_int_equal(at + 4, end);
	assert_int_equal(end, len);
	free(file);
}

/* The longest packet with the longest comment is whole; what is longer is cut, and the block is still one. */
static void long_ones(void **state)
{
	static uint8_t data[4000];
	static char comment[3000];
	struct pcapng_packet p = {.len = 1518, .captured = 1518, .data = data, .comment = comment};
	FILE *f;
	(void)state;

	memset(comment, 'c', sizeof(comment) - 1);
	for (int k = 0; k < 2; k++) {
		f = open_memstream(&file, &len);
		assert_non_null(f);
		assert_true(pcapng_packet(f, &p));
		fclose(f);
		at = 0;
		assert_int_equal(block(6), len);
		at += 12;
		assert_int_equal(next32(), k ? 2048 : 1518);
		free(file);
		p.captured = 4000;
	}
}

static void a_disk_that_is_full(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	(void)state;

	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);
	assert_false(pcapng_begin(f, "amp", NULL, 0));
	fclose(f);
}

/* ---- one line ---- */

struct line {
	const char *hex, *text;
	uint32_t len; /* 0: as much as there is */
};

#define ETHER          \
	"020000000001" \
	"020000000002"
#define V4 ETHER "0800"
#define V6 ETHER "86dd"
#define A4         \
	"0a000105" \
	"0a000209"
#define A6                                 \
	"fd000001000000000000000000000001" \
	"fd000002000000000000000000000009"

static const struct line line[] = {
	{V4 "4500001c0000000040110000" A4 "0035162e00080000",
	 "IP 10.0.1.5.53 > 10.0.2.9.5678: UDP, length 0", 60},
	{V4 "4500001c00000000401100000a0001050a000209003516", "IP 10.0.1.5 > 10.0.2.9: UDP [cut]",
	 60},
	{V4 "450000540000000001010000" A4 "0800000012340007",
	 "IP (ttl 1) 10.0.1.5 > 10.0.2.9: ICMP echo request, id 4660, seq 7, length 64", 98},
	{V4 "450000380000000040010000" A4 "03010000",
	 "IP 10.0.1.5 > 10.0.2.9: ICMP host unreachable, length 36", 70},
	{V4 "450000280000000040060000" A4 "0050c001000000010000000250120400"
	    "00000000",
	 "IP 10.0.1.5.80 > 10.0.2.9.49153: TCP [S.], seq 1, ack 2, win 1024, length 0", 60},
	{V4 "450000280000200540110000" A4,
	 "IP 10.0.1.5 > 10.0.2.9: protocol 17, fragment at 40+, length 20", 60},
	{V4 "4500ffff0000000040110000" A4,
	 "IP 10.0.1.5 > 10.0.2.9: [bad header: version 4, header length 20, total length 65535]",
	 60},
	{V4 "4600", "IP [cut]", 60},
	{V6 "60000000000c1140" A6 "00350036000c0000",
	 "IP6 fd00:1::1.53 > fd00:2::9.54: UDP, length 4", 66},
	{V6 "6000000000100040" A6 "3a0005020000000080000000"
	    "00010002",
	 "IP6 fd00:1::1 > fd00:2::9: ICMP6 echo request, id 1, seq 2, length 8", 0},
	{V6 "6000000000182cff" A6 "1100000100000001", "IP6 fd00:1::1 > fd00:2::9: UDP [cut]", 78},
	{V6 "6000000000182cff" A6 "1100001900000001",
	 "IP6 fd00:1::1 > fd00:2::9: protocol 17, fragment at 24+, length 16", 78},
	{V6 "6000000000203aff" A6 "8700000000000000"
	    "fd000002000000000000000000000009",
	 "IP6 fd00:1::1 > fd00:2::9: ICMP6 neighbour solicitation, fd00:2::9, length 32", 86},
	{ETHER "0806"
	       "0001080006040001"
	       "020000000002"
	       "0a000105"
	       "000000000000"
	       "0a000101",
	 "ARP who has 10.0.1.1, tell 10.0.1.5", 60},
	{ETHER "0806"
	       "0001080006040002"
	       "020000000002"
	       "0a000105"
	       "020000000001"
	       "0a000101",
	 "ARP 10.0.1.5 is at 02:00:00:00:00:02", 60},
	{ETHER "8100"
	       "0005"
	       "0806"
	       "00",
	 "VLAN 5, ARP [cut]", 60},
	{ETHER "88b5", "02:00:00:00:00:02 > 02:00:00:00:00:01, ether type 0x88b5, length 60", 60},
	{"0200", "frame [too short], length 2", 0},
	{"", "frame [cut], length 9000", 9000},
};

static uint32_t unhex(const char *hex, uint8_t *out)
{
	uint32_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char two[3] = {hex[0], hex[1], 0};

		out[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static void lines(void **state)
{
	uint8_t frame[256];
	char text[256];
	(void)state;

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		uint32_t n = unhex(line[i].hex, frame);
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, frame, n);
		packet_text(copy, n, line[i].len ? line[i].len : n, text, sizeof(text));
		free(copy);
		assert_string_equal(text, line[i].text);
		packet_text(frame, n, line[i].len ? line[i].len : n, text, 8); /* cut to fit */
		assert_true(strlen(text) < 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_as_the_draft_says),
		cmocka_unit_test(long_ones),
		cmocka_unit_test(a_disk_that_is_full),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
