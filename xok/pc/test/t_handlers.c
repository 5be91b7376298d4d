/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_handlers.c - handlers on real ports, against a peer that echoes each frame: what becomes of the
 * packets, what they may not do, and that none of their ends leaves anything behind.
 */
#include "ports.h"

#define SECOND (1000 * MS)
#define QUIET (30 * MS) /* long enough to believe that nothing comes */

static struct xok_env_info last;

/* Each counter of what became of packets, added up: all that came were counted in one. */
static uint64_t outcomes(uint64_t prog)
{
	const struct xok_prog_info *p = prog_info(prog);
	uint64_t sum = 0;

#define ADD_UP(name, text) sum += p->name;
	XOK_PROG_OUTCOMES(ADD_UP)
#undef ADD_UP
	return sum;
}

/* Waits until so many packets of the program have been counted. */
static void wait_outcomes(uint64_t prog, uint64_t n)
{
	uint64_t until = now() + PATIENCE;

	while (outcomes(prog) < n && now() < until)
		sys_env_sleep(0, now() + MS);
	CHECK_EQ(outcomes(prog), n);
}

/* Marks the frame, so that another filter takes what the peer makes of it. */
static const struct vc_insn reply[] = {PACKET(2), PUT8(2, LETTER, 'R'), RETURN(XOK_V_REPLY)};

static void replies(void)
{
	uint64_t ring = open_ring(), handled = port_info(0)->rx_handled;
	uint64_t prog = handle(want('H', ring), PROGRAM(reply, .ports = 1));
	const struct xok_slot *s;

	want('R', ring);
	make('H', 100);
	CHECK_EQ(send(0, 100), XOK_OK);
	s = receive(PATIENCE);
	frame[LETTER] = 'R'; /* the peer has exchanged the addresses twice */
	CHECK(s != NULL && s->port == 0 && s->len == 100 && memcmp(s->data, frame, 100) == 0);
	CHECK_EQ(prog_info(prog)->replied, 1);
	CHECK_EQ(prog_info(prog)->runs, 1);
	CHECK_EQ(outcomes(prog), 1);
	CHECK_EQ(port_info(0)->rx_handled, handled + 1);
	CHECK(prog_info(prog)->code_bytes > 0); /* it was compiled */
	unload(prog);
	close_ring(ring);
}

static const struct vc_insn forward[] = {PACKET(2), PUT8(2, LETTER, 'R'),
					 RETURN((int32_t)XOK_FORWARD_TO(1))};

static void forwards(void)
{
	uint64_t ring = open_ring();
	uint64_t prog = handle(want('H', ring), PROGRAM(forward, .ports = 2));
	const struct xok_slot *s;

	want('R', ring);
	make('H', 200);
	CHECK_EQ(send(0, 200), XOK_OK);
	s = receive(PATIENCE);
	CHECK(s != NULL && s->port == 1 && s->len == 200);
	CHECK_EQ(prog_info(prog)->forwarded, 1);
	unload(prog);
	close_ring(ring);
}

/* Ports that were not named when it was loaded, that do not exist, whose MTU is less. */
static void forwards_not(void)
{
	static const struct vc_insn nowhere[] = {RETURN((int32_t)XOK_FORWARD_TO(77))};
	uint64_t ring = open_ring(), f = want('H', ring), prog, sent = port_info(1)->tx_packets;

	want('R', ring);
	make('H', 100);
	prog = handle(f, PROGRAM(forward, .ports = 1));
	CHECK_EQ(send(0, 100), XOK_OK);
	wait_outcomes(prog, 1);
	CHECK_EQ(prog_info(prog)->denied, 1);
	unload(prog);

	prog = handle(f, PROGRAM(nowhere, .ports = 1));
	CHECK_EQ(send(0, 100), XOK_OK);
	wait_outcomes(prog, 1);
	CHECK_EQ(prog_info(prog)->denied, 1);
	unload(prog);

	prog = handle(f, PROGRAM(forward, .ports = 2));
	make('H', 1500);
	CHECK_EQ(send(0, 1500), XOK_OK);
	wait_outcomes(prog, 1);
	CHECK_EQ(prog_info(prog)->denied, 1);
	unload(prog);
	CHECK_EQ(port_info(1)->tx_packets, sent);
	CHECK(receive(QUIET) == NULL);
	close_ring(ring);
}

static const struct vc_insn pass[] = {PACKET(2), PUT8(2, LETTER + 1, 'P'), RETURN(XOK_V_PASS)};
static const struct vc_insn drop[] = {RETURN(XOK_V_DROP)};
static const struct vc_insn consume[] = {RETURN(XOK_V_CONSUME)};
static const struct vc_insn nonsense[] = {RETURN(99)};

static void verdicts(void)
{
	uint64_t ring = open_ring(), f = want('H', ring), prog;
	const struct xok_slot *s;

	make('H', 80);
	prog = handle(f, PROGRAM(pass));
	CHECK_EQ(send(0, 80), XOK_OK);
	s = receive(PATIENCE);
	CHECK(s != NULL && s->len == 80 && s->data[LETTER + 1] == 'P');
	CHECK_EQ(prog_info(prog)->passed, 1);
	unload(prog);

	prog = handle(f, PROGRAM(drop));
	CHECK_EQ(send(0, 80), XOK_OK);
	wait_outcomes(prog, 1);
	CHECK_EQ(prog_info(prog)->dropped, 1);
	unload(prog);

	prog = handle(f, PROGRAM(consume));
	CHECK_EQ(send(0, 80), XOK_OK);
	wait_outcomes(prog, 1);
	CHECK_EQ(prog_info(prog)->consumed, 1);
	unload(prog);

	prog = handle(f, PROGRAM(nonsense));
	CHECK_EQ(send(0, 80), XOK_OK);
	wait_outcomes(prog, 1);
	CHECK_EQ(prog_info(prog)->bad_verdict, 1);
	unload(prog);
	CHECK(receive(QUIET) == NULL);

	/* Without a handler the filter leads to its ring again; a short packet is not handled. */
	CHECK_EQ(send(0, 80), XOK_OK);
	CHECK(receive(PATIENCE) != NULL);
	prog = handle(f, PROGRAM(drop, .min_len = 90));
	CHECK_EQ(send(0, 80), XOK_OK);
	CHECK(receive(PATIENCE) != NULL);
	CHECK_EQ(prog_info(prog)->too_short, 1);
	CHECK_EQ(prog_info(prog)->runs, 0);
	unload(prog);
	close_ring(ring);
}

/* Each breaks another rule; none gets in, each is told why and where. */
static void refused(void)
{
	static const struct vc_insn beyond[] = {LOAD64(0, 1, 40), EXIT};
	static const struct vc_insn writes[] = {PUT64(1, 0, 0), RETURN(0)};
	static const struct vc_insn address[] = {PACKET(0), EXIT};
	static const struct vc_insn kernel[] = {MOV(2, -4096), LOAD64(0, 2, 0), EXIT};
	static const struct vc_insn away[] = {JUMP(7), RETURN(0)};
	static const struct vc_insn endless[] = {MOV(0, 0)};
	static const struct vc_insn other[] = {CALL(time), RETURN(0)};
	static const struct vc_insn no_table[] = {TABLE_AT(2, 0, 0), RETURN(0)};
	const struct {
		const struct program *p;
		uint32_t reason, insn;
	} bad[] = {
		{PROGRAM(beyond), VC_CONTEXT_ACCESS, 0}, {PROGRAM(writes), VC_READ_ONLY, 0},
		{PROGRAM(address), VC_POINTER_LEAK, 1},	 {PROGRAM(kernel), VC_NOT_A_POINTER, 1},
		{PROGRAM(away), VC_BAD_JUMP, 0},	 {PROGRAM(endless), VC_NO_EXIT, 0},
		{PROGRAM(other), VC_BAD_HELPER, 0},	 {PROGRAM(no_table), VC_BAD_TABLE, 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(load(bad[i].p), XOK_EINVAL);
		CHECK_EQ(report.reason, bad[i].reason);
		CHECK_EQ(report.insn, bad[i].insn);
		CHECK(report.text[0] != '\0');
	}
	CHECK_EQ(load(PROGRAM(drop, .budget = XOK_BUDGET_MAX + 1)), XOK_EINVAL);
	CHECK_EQ(load(PROGRAM(drop, .ports = 1u << 9)), XOK_ENOENT);
	CHECK_EQ(load(PROGRAM(drop, .ncallee = 1, .callee = 12345)), XOK_ENOENT);
	CHECK_EQ(load(PROGRAM(drop, .ntable = 1, .table = 12345)), XOK_ENOENT);
}

/* An address that is no instruction's, and a report that nobody could read. */
static void refused_memory(void)
{
	struct program p = {.insn = (const struct vc_insn *)0x1000, .ninsn = 2};
	struct xok_prog_spec s = {.kind = VC_KIND_HANDLER,
				  .ninsn = 2,
				  .insn = (uint64_t)drop,
				  .report = 0xffffffff80100000ull};

	CHECK_EQ(load(&p), XOK_EFAULT);
	p.insn = (const struct vc_insn *)0xffffffff80100000ull;
	CHECK_EQ(load(&p), XOK_EFAULT);
	CHECK_EQ(sys_prog_load(0, &s), XOK_EFAULT);
}

static const struct vc_insn overrun[] = {JUMP(-1), RETURN(XOK_V_PASS)};
/* Reads where the packet's letter says: 256 times as far. */
static const struct vc_insn astray[] = {PACKET(2),  LOAD8(3, 2, LETTER), INSN(0x67, 3, 0, 0, 8),
					ADDR(2, 3), LOAD8(0, 2, 0),	 RETURN(XOK_V_PASS)};

/* A handler that is stopped costs its packet, and nothing and nobody else. */
static void stopped(void)
{
	uint64_t ring = open_ring(), f = want('H', ring);
	uint64_t prog = handle(f, PROGRAM(overrun, .budget = 5000));

	want('I', ring);
	for (unsigned i = 1; i <= 20; i++) {
		make('H', 60);
		CHECK_EQ(send(0, 60), XOK_OK);
		make('I', 60);
		CHECK_EQ(send(0, 60), XOK_OK);
		CHECK(receive(PATIENCE) != NULL);
		wait_outcomes(prog, i);
	}
	CHECK_EQ(prog_info(prog)->stopped, 20);
	CHECK_EQ(prog_info(prog)->last_stop, VC_BUDGET_EXHAUSTED);
	CHECK_EQ(prog_info(prog)->last_pc, 0);
	CHECK(prog_info(prog)->units >= 20 * 4990 && prog_info(prog)->units <= 20 * 5000);
	unload(prog);

	prog = handle(f, PROGRAM(astray));
	make('H', 60);
	CHECK_EQ(send(0, 60), XOK_OK);
	wait_outcomes(prog, 1);
	CHECK_EQ(prog_info(prog)->stopped, 1);
	CHECK_EQ(prog_info(prog)->last_stop, VC_WINDOW_BOUNDS);
	CHECK_EQ(prog_info(prog)->last_pc, 4);
	unload(prog);
	close_ring(ring);
}

/* Takes what is in the ring, until it has been empty for so long. */
static uint64_t drain(uint64_t ns)
{
	uint64_t n = 0;

	while (receive(ns) != NULL)
		n++;
	return n;
}

/*
 * Packets come all the time; programs come and go. None is lost but those that they drop. Each
 * program goes when it has met the first of its packets, and all of the round before have come.
 */
static void unloaded_in_traffic(void)
{
	uint64_t ring = open_ring(), f = want('H', ring), prog, got = 0, handled = 0;
	static const struct vc_insn *const codes[] = {pass, drop, overrun};
	static const uint32_t lengths[] = {4, 2, 3};

	for (unsigned round = 0; round < 30; round++) {
		const struct program p = {.insn = codes[round % 3], .ninsn = lengths[round % 3]};

		make('H', 60);
		for (unsigned i = 0; i < 5; i++)
			CHECK_EQ(send(0, 60), XOK_OK);
		prog = handle(f, &p);
		for (unsigned i = 0; i < 5; i++)
			CHECK_EQ(send(0, 60), XOK_OK);
		for (uint64_t until = now() + PATIENCE;
		     (outcomes(prog) == 0 || got + outcomes(prog) + handled < round * 10) &&
		     now() < until;)
			got += drain(MS);
		/* From here on nothing reaches it, so that its counts stand still. */
		CHECK_EQ(sys_handler_bind(0, f, 0), XOK_OK);
		handled += prog_info(prog)->dropped + prog_info(prog)->stopped;
		CHECK_EQ(outcomes(prog), prog_info(prog)->runs);
		unload(prog);
	}
	for (uint64_t until = now() + PATIENCE; got + handled < 300 && now() < until;)
		got += drain(QUIET);
	CHECK_EQ(got + handled, 300);
	/* One a round at least: some of a round's packets meet the program of the next. */
	CHECK(handled >= 20 && got >= 10);
	close_ring(ring);
}

/* ---- what others may do, and what is left when they end ---- */

static const struct xok_cap own = {.valid = 1, .perms = XOK_PERM_ALL, .len = 2, .name = "zz"};
static const struct xok_cap use = {.valid = 1, .perms = XOK_R | XOK_W, .len = 2, .name = "zz"};
static const struct xok_cap see = {.valid = 1, .perms = XOK_R, .len = 2, .name = "zz"};
static const struct xok_cap none = {.valid = 0};

static void grant_ports(const struct xok_cap *entry)
{
	for (uint32_t p = 0; p < info()->nport; p++)
		CHECK_EQ(sys_acl_set(0, XOK_RES_PORT, p, 1, entry), XOK_OK);
}

/* A child binds a handler that replies to 'C', and goes on for ever. */
static void serve(uint64_t arg)
{
	uint64_t ring;

	(void)arg;
	memset(frame, 0, sizeof(frame));
	ring = open_ring();
	shared()[1] = handle(want('C', ring), PROGRAM(reply, .ports = 1));
	shared()[0] = 1;
	for (;;)
		sys_env_sleep(0, UINT64_MAX);
}

static uint64_t spawn_server(uint64_t rate)
{
	uint64_t id = spawn(serve, 0, &own), until = now() + PATIENCE;

	CHECK_EQ(sys_handler_rate(0, 0, id, rate), XOK_OK);
	while (shared()[0] == 0 && now() < until)
		sys_env_sleep(0, now() + MS);
	CHECK_EQ(shared()[0], 1);
	return id;
}

/* The environment ends between two packets; the next ones find no filter. */
static void destroyed_in_traffic(void)
{
	uint64_t ring = open_ring();

	want('R', ring);
	grant_ports(&use);
	for (unsigned round = 0; round < 10; round++) {
		uint64_t id = spawn_server(UINT64_MAX), prog = shared()[1], lost;
		uint64_t nobody = port_info(0)->rx_no_filter, got = 0, until;

		make('C', 60);
		CHECK_EQ(send(0, 60), XOK_OK);
		CHECK(receive(PATIENCE) != NULL);
		for (unsigned i = 0; i < 10; i++)
			CHECK_EQ(send(0, 60), XOK_OK);
		CHECK_EQ(wait_end(id, 1, NULL), XOK_END_NONE);
		for (unsigned i = 0; i < 10; i++)
			CHECK_EQ(send(0, 60), XOK_OK);
		until = now() + PATIENCE;
		do {
			got += receive(QUIET) != NULL;
			lost = port_info(0)->rx_no_filter - nobody;
		} while (got + lost < 20 && now() < until);
		CHECK_EQ(got + lost, 20);
		CHECK(lost >= 10);
		CHECK_EQ(prog_info(prog)->id, 0);
	}
	grant_ports(&none);
	close_ring(ring);
}

/* Without an allowance handlers run at no packet; with a small one, at few; the rest is counted. */
static void throttled(void)
{
	uint64_t ring = open_ring(), id, prog;
	const struct xok_prog_info *p;

	want('R', ring);
	grant_ports(&use);
	id = spawn_server(0);
	prog = shared()[1];
	p = prog_info(prog);
	make('C', 60);
	for (unsigned i = 0; i < 20; i++)
		CHECK_EQ(send(0, 60), XOK_OK);
	wait_outcomes(prog, 20);
	CHECK_EQ(p->throttled, 20);
	CHECK_EQ(p->runs, 0);
	CHECK_EQ(env_info(id)->handler_rate, 0);

	/* A reply costs three hundred at least. An eighth of a second is saved up, and may be had twice. */
	const uint64_t rate = 5000, cost = 300, start = now();

	CHECK_EQ(sys_handler_rate(0, 0, id, rate), XOK_OK);
	for (unsigned i = 0; i < 40; i++)
		CHECK_EQ(send(0, 60), XOK_OK);
	wait_outcomes(prog, 60);
	CHECK(p->replied >= 2);
	CHECK(p->replied <= 1 + (rate / 4 + (now() - start) * rate / SECOND) / cost);
	CHECK_EQ(p->replied + p->throttled, 60);

	CHECK_EQ(sys_handler_rate(0, 0, id, UINT64_MAX), XOK_OK);
	uint64_t before = p->replied;
	for (unsigned i = 0; i < 20; i++)
		CHECK_EQ(send(0, 60), XOK_OK);
	wait_outcomes(prog, 80);
	CHECK_EQ(p->replied, before + 20);
	CHECK_EQ(wait_end(id, 1, NULL), XOK_END_NONE);
	grant_ports(&none);
	while (receive(QUIET) != NULL)
		;
	close_ring(ring);
}

/* Who may only look at a port loads no program that sends through it, and binds to nobody's filter. */
static void not_permitted(uint64_t arg)
{
	uint64_t ring = open_ring(), f = want('C', ring);
	int64_t prog;

	shared()[1] = (uint64_t)load(PROGRAM(reply, .ports = 1));
	prog = load(PROGRAM(drop));
	shared()[2] = prog > 0;
	shared()[3] = (uint64_t)sys_handler_bind(0, arg, (uint64_t)prog);
	shared()[4] = (uint64_t)sys_handler_bind(0, f, (uint64_t)prog);
	shared()[5] = (uint64_t)sys_handler_rate(0, 0, 0, UINT64_MAX);
	shared()[6] = (uint64_t)sys_prog_unload(arg >> 32);
	shared()[7] = (uint64_t)sys_handler_bind(0, f, arg >> 32);
	quit(0);
}

static void permissions(void)
{
	uint64_t ring = open_ring(), f = want('H', ring), id;
	uint64_t prog = handle(f, PROGRAM(pass));

	grant_ports(&see);
	id = spawn(not_permitted, f | prog << 32, &own);
	CHECK_EQ(wait_end(id, PATIENCE, &last), XOK_END_EXIT);
	CHECK_EQ((int64_t)shared()[1], XOK_EPERM);
	CHECK_EQ(shared()[2], 1);
	CHECK((int64_t)shared()[3] < 0);
	CHECK_EQ((int64_t)shared()[4], XOK_OK);
	CHECK_EQ((int64_t)shared()[5], XOK_EPERM);
	CHECK_EQ((int64_t)shared()[6], XOK_ENOENT);
	CHECK_EQ((int64_t)shared()[7], XOK_ENOENT);
	CHECK_EQ(prog_info(prog)->refs, 1);
	grant_ports(&none);
	unload(prog);
	close_ring(ring);
}

/* As many as there may be, and then an error; the frames they cost come back. */
static void all_programs(void)
{
	uint64_t id[XOK_NPROG] = {0};
	uint32_t n = 0;
	int64_t got;

	while ((got = load(PROGRAM(drop))) > 0 && n < XOK_NPROG)
		id[n++] = (uint64_t)got;
	CHECK(got == XOK_EQUOTA || got == XOK_ENOMEM);
	CHECK(n >= XOK_ENV_PROGS);
	CHECK_EQ(sys_prog_unload(id[0]), XOK_OK);
	CHECK_EQ(sys_prog_unload(id[0]), XOK_ESTALE);
	id[0] = (uint64_t)load(PROGRAM(drop));
	for (uint32_t i = 0; i < n; i++)
		unload(id[i]);
}

const struct guest_test guest_tests[] = {
	{"a handler's reply leaves by the port the packet came in", replies},
	{"a handler forwards to another port", forwards},
	{"a handler sends through no port it may not", forwards_not},
	{"each verdict does what it says and is counted", verdicts},
	{"programs that break a rule are refused with the reason", refused},
	{"programs out of reach, and reports that cannot be written, are refused", refused_memory},
	{"a handler that overruns or faults costs its packet only", stopped},
	{"handlers come and go in traffic, and no packet is lost", unloaded_in_traffic},
	{"an environment ends in traffic, and its handler with it", destroyed_in_traffic},
	{"an allowance throttles handlers, visibly", throttled},
	{"nobody handles others' packets or sends where he may not", permissions},
	{"all programs used up gets an error only", all_programs},
	{NULL, NULL},
};
