/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_ee.c - any frame into the capsule domain. The first byte chooses how much of it is put right: nothing, the IPv4 and UDP headers, or also
 * principal, code, validity and signature, so that what comes after these checks is reached.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/ee/ee.h"
#include "nodeos/test/mock_amp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node_pub pub;
static struct ee_shared *shared;
static struct ee *ee;
static struct msgq events, punts;
static uint8_t pk[32], sk[64], code[32];

static void notify(void *arg)
{
	(void)arg;
}

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void start(void)
{
	/* return *(u32 *)(payload + 8) & 3 */
	static const struct vc_insn insn[] = {
		{.op = 0x79, .regs = 2 | 1 << 4},
		{.op = 0x61, .regs = 0 | 2 << 4, .off = 8},
		{.op = 0x57, .regs = 0, .imm = 3},
		{.op = 0x95},
	};
	struct module m = {.name = "f", .kind = VC_KIND_CAPSULE, .ninsn = 4, .nentry = 1};
	const struct ee_host host = {.notify = notify};
	const uint8_t seed[32] = {1};
	uint8_t *bytes = malloc(4096);
	char err[EE_ERROR];
	size_t len;
	int rc;

	require(sodium_init() >= 0);
	crypto_sign_seed_keypair(pk, sk, seed);
	mock_reset(2);
	mock_node(&pub, 2, NODE_ROUTER);
	memcpy(pub.principal[0].key, pk, 32);
	pub.nprincipal = 1;
	pub.rule[0] = (struct node_rule){.any = 1, .budget = UINT32_MAX};
	pub.nrule = 1;
	m.insn = (const uint8_t *)insn;
	strcpy(m.entry[0].name, "f");
	len = module_write(&m, bytes, 4096, NULL);
	module_code_name(bytes, len, code);
	shared = calloc(1, sizeof(*shared));
	msgq_open_consumer(&events, shared->events, EE_EVENTS_SIZE);
	msgq_open_consumer(&punts, shared->punts, EE_PUNTS_SIZE);
	ee = ee_create(&pub, shared, &host, &rc);
	require(ee && ee_module_add(ee, bytes, len, err));
}

static void put_capsule_right(uint8_t *anep, size_t len, uint8_t mode)
{
	if (len < WIRE_HEADER_SIGNED)
		return;
	put16(anep + 6, (uint16_t)len);
	memcpy(anep + 48, pk, 32);
	if (mode & 8)
		memcpy(anep + 12, code, 32);
	memset(anep + 88, 0, 8);
	memset(anep + 96, 0x7f, 8);
	(void)wire_sign(
		anep, len,
		sk); /* refused when it is not well-formed: then the checks before it are at work */
}

static void put_headers_right(uint8_t *f, size_t len)
{
	size_t udp_len = len - ETH_HLEN - IP4_HLEN;
	uint8_t *udp = f + ETH_HLEN + IP4_HLEN;
	uint32_t src = 0x0a000005, dst = f[30] & 1 ? 0x0a000107 : 0x0a000001;

	memcpy(f, pub.port[0].mac, 6);
	put16(f + 12, ETH_IP4);
	inet_ip4_header(f + ETH_HLEN, 0, len - ETH_HLEN, IP4_DF, f[22], PROTO_UDP, src, dst);
	put16(udp, WIRE_PORT);
	put16(udp + 2, WIRE_PORT);
	put16(udp + 4, (uint16_t)udp_len);
	put16(udp + 6, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[XOK_FRAME_MAX], buf[MSGQ_MAX];
	const size_t headers = ETH_HLEN + IP4_HLEN + UDP_HLEN;
	size_t len;
	uint8_t mode;

	if (!ee)
		start();
	if (size < 1 || size - 1 > sizeof(frame))
		return 0;
	mode = data[0];
	len = size - 1;
	memcpy(frame, data + 1, len);
	if ((mode & 3) && len >= headers)
		put_headers_right(frame, len);
	if ((mode & 2) && len >= headers)
		put_capsule_right(frame + headers, len - headers, mode);
	mock_frame_in(0, frame, len, true);
	mock_advance(mode & 16 ? 10000000000 : 1000000);
	while (msgq_get(&events, buf) >= 0)
		;
	while (msgq_get(&punts, buf) >= 0)
		;
	mock_forget_sent();
	return 0;
}
