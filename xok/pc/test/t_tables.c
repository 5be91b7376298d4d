/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_tables.c - what handlers and environments share: memory that packets are vectored into, records,
 * keys, other programs; and what of it each of them may not touch.
 */
#include "ports.h"
#include "xok/table/table.h"

#define TABLE_VA 0x00006b0000180000ull

static struct xok_env_info last;

static uint64_t create(const struct xok_table_spec *s)
{
	int64_t id = sys_table_create(0, s);

	CHECK(id > 0);
	return (uint64_t)id;
}

/* Maps all of it, each page with as much as it may be mapped with. */
static void *map_table(uint64_t id)
{
	const struct xok_table_info *t = table_info(id);

	for (uint32_t i = 0; i < t->nframe; i++)
		map_at(TABLE_VA + i * XOK_PAGE, t->first + i,
		       tbl_writable(&t->spec, i) ? XOK_PROT_R | XOK_PROT_W : XOK_PROT_R);
	return (void *)TABLE_VA;
}

static void destroy(uint64_t id, uint32_t nframe)
{
	for (uint32_t i = 0; i < nframe; i++)
		unmap_at(TABLE_VA + i * XOK_PAGE);
	CHECK_EQ(sys_table_destroy(0, id), XOK_OK);
}

static const struct xok_table_spec array = {
	.type = XOK_TABLE_ARRAY, .value_size = 64, .entries = 4, .name = "array"};
static const struct xok_table_spec records = {
	.type = XOK_TABLE_RING, .value_size = 16, .entries = 4, .name = "records"};
static const struct xok_table_spec hash = {
	.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 8, .entries = 16, .name = "hash"};

/* 32 bytes of the packet into entry 1, their sum into entry 0, and a sign. */
static const struct vc_insn vectors[] = {
	TABLE_AT(1, 0, 64), MOV(2, 32),		 MOV(3, LETTER),  CALL(vector),
	TABLE_AT(6, 0, 0),  STORE64(6, 0, 0),	 LOAD64(7, 6, 8), ADD(7, 1),
	STORE64(6, 8, 7),   MOV(1, XOK_EV_USER), CALL(wake),	  RETURN(XOK_V_CONSUME)};

/* The Internet checksum's sum, the plain way. */
static uint16_t sum_of(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] | (uint32_t)p[i + 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void vectored(void)
{
	uint64_t ring = open_ring(), id = create(&array), prog;
	volatile uint64_t *value;
	uint32_t nframe = table_info(id)->nframe;
	size_t bytes;

	value = tbl_memory(map_table(id), 0, &bytes);
	CHECK_EQ(bytes, 256);
	value[1] = 41;
	prog = handle(want('V', ring), PROGRAM(vectors, .ntable = 1, .table = (uint32_t)id));
	make('V', 100);
	sys_env_sleep(XOK_EV_USER, 0);
	CHECK_EQ(send(0, 100), XOK_OK);
	CHECK_EQ(sys_env_sleep(XOK_EV_USER, now() + PATIENCE), XOK_EV_USER);
	CHECK_EQ(memcmp((const void *)(value + 8), frame + LETTER, 32), 0);
	CHECK_EQ(value[0], sum_of(frame + LETTER, 32));
	CHECK_EQ(value[1], 42);
	CHECK_EQ(value[12], 0); /* not a byte more */
	CHECK_EQ(prog_info(prog)->consumed, 1);
	CHECK(receive(20 * MS) == NULL);
	unload(prog);
	destroy(id, nframe);
	close_ring(ring);
}

/* The memory lives as long as a program uses it, whatever its owner does. */
static void outlives(void)
{
	uint64_t ring = open_ring(), id = create(&array), prog;
	uint32_t nframe = table_info(id)->nframe;

	prog = handle(want('V', ring), PROGRAM(vectors, .ntable = 1, .table = (uint32_t)id));
	map_table(id);
	destroy(id, nframe);
	CHECK_EQ(load(PROGRAM(vectors, .ntable = 1, .table = (uint32_t)id)), XOK_ESTALE);
	make('V', 100);
	sys_env_sleep(XOK_EV_USER, 0);
	CHECK_EQ(send(0, 100), XOK_OK);
	CHECK_EQ(sys_env_sleep(XOK_EV_USER, now() + PATIENCE), XOK_EV_USER);
	CHECK_EQ(prog_info(prog)->consumed, 1);
	unload(prog);
	CHECK_EQ(table_info(id)->id, 0);
	close_ring(ring);
}

/* The frame's length and first byte as a record. */
static const struct vc_insn emits[] = {LOAD32(3, 1, 8),
				       PACKET(2),
				       LOAD8(4, 2, LETTER + 1),
				       STORE64(10, -16, 3),
				       STORE64(10, -8, 4),
				       TABLE(1, 0),
				       COPY(2, 10),
				       ADD(2, -16),
				       MOV(3, 16),
				       CALL(emit),
				       RETURN(XOK_V_CONSUME)};

static void emitted(void)
{
	uint64_t ring = open_ring(), id = create(&records), record[2], prog;
	uint32_t nframe = table_info(id)->nframe;
	void *mem = map_table(id);

	prog = handle(want('E', ring), PROGRAM(emits, .ntable = 1, .table = (uint32_t)id));
	for (uint32_t i = 0; i < 20; i++) {
		make('E', 60 + i);
		frame[LETTER + 1] = (uint8_t)i;
		CHECK_EQ(send(0, 60 + i), XOK_OK);
		while (!tbl_ring_get(mem, record) && prog_info(prog)->stopped == 0)
			if (sys_env_sleep(XOK_EV_RECORD, now() + PATIENCE) == 0)
				break;
		CHECK_EQ(record[0], 60 + i);
		CHECK_EQ(record[1], i);
	}
	/* Nobody takes them: the ring is full, and the packets go on being handled. */
	for (uint32_t i = 0; i < 9; i++)
		CHECK_EQ(send(0, 60), XOK_OK);
	for (uint64_t until = now() + PATIENCE; prog_info(prog)->consumed < 29 && now() < until;)
		sys_env_sleep(0, now() + MS);
	CHECK_EQ(prog_info(prog)->consumed, 29);
	for (uint32_t i = 0; i < records.entries; i++)
		CHECK(tbl_ring_get(mem, record));
	CHECK(!tbl_ring_get(mem, record));
	unload(prog);
	destroy(id, nframe);
	close_ring(ring);
}

/* Whatever the environment writes where it may write, the kernel writes nowhere but in the ring. */
static void torn_tail(void)
{
	uint64_t ring = open_ring(), id = create(&records), prog;
	uint32_t nframe = table_info(id)->nframe;
	uint8_t *mem = map_table(id);

	prog = handle(want('E', ring), PROGRAM(emits, .ntable = 1, .table = (uint32_t)id));
	for (uint32_t i = 0; i < 50; i++) {
		for (uint32_t page = 0; page < nframe; page++)
			if (tbl_writable(&records, page))
				memset(mem + page * XOK_PAGE, (int)(i * 37), XOK_PAGE);
		make('E', 60);
		CHECK_EQ(send(0, 60), XOK_OK);
	}
	for (uint64_t until = now() + PATIENCE; prog_info(prog)->consumed < 50 && now() < until;)
		sys_env_sleep(0, now() + MS);
	CHECK_EQ(prog_info(prog)->consumed, 50);
	unload(prog);
	destroy(id, nframe);
	close_ring(ring);
}

/* Counts packets by their second byte, in a hash. */
static const struct vc_insn counts[] = {PACKET(6),	     LOAD8(3, 6, LETTER + 1),
					STORE32(10, -4, 3),  PUT64(10, -16, 0),
					TABLE(1, 0),	     COPY(2, 10),
					ADD(2, -4),	     MOV(3, 4),
					COPY(4, 10),	     ADD(4, -16),
					MOV(5, 8),	     CALL(table_get),
					LOAD64(3, 10, -16),  ADD(3, 1),
					STORE64(10, -16, 3), TABLE(1, 0),
					COPY(2, 10),	     ADD(2, -4),
					MOV(3, 4),	     COPY(4, 10),
					ADD(4, -16),	     MOV(5, 8),
					CALL(table_set),     RETURN(XOK_V_CONSUME)};

static void counted(void)
{
	uint64_t ring = open_ring(), id = create(&hash), prog;
	uint32_t nframe = table_info(id)->nframe;
	const void *mem = map_table(id);
	struct xok_table_update u = {.op = XOK_TABLE_SET, .key = {7}, .value = {100}};

	CHECK_EQ(sys_table_update(0, id, &u), XOK_OK);
	prog = handle(want('K', ring), PROGRAM(counts, .ntable = 1, .table = (uint32_t)id));
	make('K', 60);
	for (uint32_t i = 0; i < 30; i++) {
		frame[LETTER + 1] = (uint8_t)(7 + i % 3);
		CHECK_EQ(send(0, 60), XOK_OK);
	}
	for (uint64_t until = now() + PATIENCE; prog_info(prog)->consumed < 30 && now() < until;)
		sys_env_sleep(0, now() + MS);
	for (uint32_t key = 7; key < 10; key++) {
		uint64_t value = 0;

		CHECK_EQ(tbl_hash_get(mem, &key, &value), 0);
		CHECK_EQ(value, key == 7 ? 110 : 10);
	}
	CHECK_EQ(table_info(id)->used, 3);
	u.op = XOK_TABLE_DELETE;
	CHECK_EQ(sys_table_update(0, id, &u), XOK_OK);
	CHECK_EQ(sys_table_update(0, id, &u), XOK_ENOENT);
	unload(prog);
	destroy(id, nframe);
	close_ring(ring);
}

/* ---- who may write what ---- */

/* Pages that are the kernel's to write are mapped by nobody so that he could. */
static void writable_where_permitted(void)
{
	const struct xok_table_spec *const all[] = {&array, &records, &hash};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t id = create(all[i]);
		const struct xok_table_info *t = table_info(id);
		uint32_t writable = 0, first = t->first, nframe = t->nframe;

		for (uint32_t page = 0; page < nframe; page++) {
			int64_t rc = sys_map(0, 0, 0, TABLE_VA, first + page,
					     XOK_PROT_R | XOK_PROT_W);

			CHECK_EQ(rc == XOK_OK, tbl_writable(all[i], page));
			writable += rc == XOK_OK;
			unmap_at(TABLE_VA);
			CHECK_EQ(sys_map(0, 0, 0, TABLE_VA, first + page, XOK_PROT_R), XOK_OK);
			unmap_at(TABLE_VA);
			/* Nor is a page of a table good for anything else. */
			CHECK(sys_frame_free(0, first + page) < 0);
			CHECK(sys_ring_bind(0, (const uint32_t[]){first + page, first}, 2) < 0);
		}
		CHECK_EQ(writable, all[i] == &hash ? 0 : 1);
		CHECK_EQ(sys_table_destroy(0, id), XOK_OK);
	}
}

/* A child that may look at a table, and tries everything else. */
static void look_only(uint64_t id)
{
	static const struct xok_table_update u = {.op = XOK_TABLE_SET, .key = {9}, .value = {9}};
	const struct xok_table_info *t = table_info(id);

	shared()[1] = (uint64_t)sys_table_update(0, id, &u);
	shared()[2] = (uint64_t)sys_table_destroy(0, id);
	shared()[3] = (uint64_t)sys_map(0, 0, 0, TABLE_VA, t->first + t->nframe - 1,
					XOK_PROT_R | XOK_PROT_W);
	shared()[4] = (uint64_t)sys_map(0, 0, 0, TABLE_VA, t->first, XOK_PROT_R);
	shared()[5] = (uint64_t)load(t->spec.type == XOK_TABLE_ARRAY
					     ? PROGRAM(vectors, .ntable = 1, .table = (uint32_t)id)
					     : PROGRAM(counts, .ntable = 1, .table = (uint32_t)id));
	quit(0);
}

static void permissions(void)
{
	const struct xok_cap own = {.valid = 1, .perms = XOK_PERM_ALL, .len = 2, .name = "zz"};
	const struct xok_cap see = {.valid = 1, .perms = XOK_R, .len = 2, .name = "zz"};

	for (unsigned round = 0; round < 3; round++) {
		uint64_t id = create(round == 2 ? &hash : &array), child;
		const struct xok_table_info *t = table_info(id);
		bool seen = round > 0;

		for (uint32_t i = 0; i < t->nframe && seen; i++)
			CHECK_EQ(sys_acl_set(0, XOK_RES_FRAME, t->first + i, 1, &see), XOK_OK);
		child = spawn(look_only, id, &own);
		CHECK_EQ(sys_acl_set(0, XOK_RES_ENV, child, 1, &own), XOK_OK);
		CHECK_EQ(wait_end(child, PATIENCE, &last), XOK_END_EXIT);
		CHECK_EQ((int64_t)shared()[1], XOK_EPERM);
		CHECK_EQ((int64_t)shared()[2], XOK_EPERM);
		CHECK((int64_t)shared()[3] < 0);
		CHECK_EQ((int64_t)shared()[4], seen ? XOK_OK : XOK_EPERM);
		/* Memory would be written; a hash can be looked up in, and table_set says no. */
		if (round < 2)
			CHECK_EQ((int64_t)shared()[5], XOK_EPERM);
		else
			CHECK((int64_t)shared()[5] > 0);
		CHECK_EQ(t->refs, 0);
		CHECK_EQ(sys_table_destroy(0, id), XOK_OK);
	}
}

/* ---- programs that call programs ---- */

/* Returns the first byte of what it was given, having changed it. */
static const struct vc_insn callee[] = {PACKET(2),	 LOAD8(0, 2, 0),  PUT8(2, 0, 'z'),
					LOAD32(3, 1, 8), STORE8(2, 1, 3), EXIT};
static const struct vc_insn greedy[] = {JUMP(-1), RETURN(0)};
/* Reads beyond the part it was given, by a distance that stands in the packet. */
static const struct vc_insn curious[] = {PACKET(2), LOAD8(3, 2, 0), ADDR(2, 3), LOAD8(0, 2, 0),
					 EXIT};

/* Gives its callee 20 bytes from LETTER on and a hundred units; what it answers goes into the frame. */
static const struct vc_insn caller[] = {COPY(9, 1),	 MOV(1, 0),	    MOV(2, LETTER),
					MOV(3, 20),	 MOV(4, 100),	    CALL(call),
					LOAD64(2, 9, 0), STORE64(2, 48, 0), RETURN(XOK_V_PASS)};

static int64_t call_of(const struct program *p, char *first)
{
	uint64_t ring = open_ring(), f = want('A', ring), prog;
	int64_t id = load(p), result = 0;
	const struct xok_slot *s;

	CHECK(id > 0);
	prog = handle(f, PROGRAM(caller, .min_len = 60, .ncallee = 1, .callee = (uint32_t)id));
	CHECK_EQ(sys_prog_unload((uint64_t)id), XOK_EBUSY);
	make('A', 60);
	CHECK_EQ(send(0, 60), XOK_OK);
	s = receive(PATIENCE);
	CHECK(s != NULL);
	if (s != NULL) {
		memcpy(&result, s->data + 48, 8);
		memcpy(first, s->data + LETTER, 2);
	}
	CHECK_EQ(prog_info(prog)->passed, 1);
	CHECK_EQ(prog_info((uint64_t)id)->runs, 1);
	CHECK(prog_info(prog)->units >= prog_info((uint64_t)id)->units);
	unload(prog);
	unload((uint64_t)id);
	close_ring(ring);
	return result;
}

static void attenuated(void)
{
	char first[2] = {0, 0};

	CHECK_EQ(call_of(PROGRAM(callee), first), 'A');
	CHECK_EQ(first[0], 'z');
	CHECK_EQ(first[1], 20);
	/* What the callee does wrong is the callee's: the caller is told, and goes on. */
	CHECK_EQ(call_of(PROGRAM(greedy), first), -1);
	CHECK_EQ(first[0], 'A');
	CHECK_EQ(call_of(PROGRAM(curious), first), -1);
}

const struct guest_test guest_tests[] = {
	{"a packet is vectored into an environment's memory, summed, and it wakes", vectored},
	{"a table lives as long as a program uses it", outlives},
	{"records reach the environment in order, and a full ring stops nobody", emitted},
	{"nothing an environment writes into its ring leads the kernel astray", torn_tail},
	{"a handler counts in a hash that the environment reads", counted},
	{"a table's pages are writable only where they may be", writable_where_permitted},
	{"who may only see a table changes nothing in it", permissions},
	{"a program calls another with a part of its packet and budget", attenuated},
	{NULL, NULL},
};
