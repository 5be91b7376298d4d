/* SPDX-License-Identifier: BSD-2-Clause */
/* test_table.c - tables as kernel objects: who may do what, charges, mappings, and how they end. */
#include "load.h"
#include "test.h"

#define VA 0x20000000ull

static const struct xok_table_spec hash = {
	.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 8, .entries = 16, .name = "hash"};
static const struct xok_table_spec array = {
	.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 1024, .name = "array"};
static const struct xok_table_spec ring = {
	.type = XOK_TABLE_RING, .value_size = 16, .entries = 8, .name = "ring"};

static struct xok_table_update entry(uint32_t key, uint64_t value)
{
	struct xok_table_update u = {.op = XOK_TABLE_SET};

	memcpy(u.key, &key, sizeof(key));
	memcpy(u.value, &value, sizeof(value));
	return u;
}

static void create_charges_and_tells(void **state)
{
	struct fake *f = *state;
	uint32_t frames = f->root->info->frames, free_frames = f->info->frames_free;
	int64_t id = table_new(f, f->root, 0, array);
	const struct xok_table_info *i = table_info(f, id);

	assert_true(id > 0);
	assert_int_equal(i->id, id);
	assert_int_equal(i->owner, f->root->info->id);
	assert_int_equal(i->nframe, tbl_size(&array, 1) / XOK_PAGE);
	assert_int_equal(i->refs, 0);
	assert_memory_equal(&i->spec, &array, sizeof(array));
	assert_int_equal(f->root->info->frames, frames + i->nframe);
	assert_int_equal(f->info->frames_free, free_frames - i->nframe);
	for (uint32_t n = i->first; n < i->first + i->nframe; n++) {
		assert_int_equal(f->x->frame[n].type, XOK_FRAME_TABLE);
		assert_memory_equal(&f->x->frame[n].acl[0], &f->root->info->cap[0],
				    sizeof(struct xok_cap));
	}
	assert_null(books(f));
	assert_ok(CALL(f, f->root, table_destroy, 0, (uint64_t)id));
	assert_int_equal(f->root->info->frames, frames);
	assert_int_equal(f->info->frames_free, free_frames);
	assert_int_equal(i->id, 0);
}

static void create_refuses(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 10, "a");
	struct xok_table_spec s = hash;

	assert_err(table_new(f, f->root, 1, hash), XOK_EPERM);
	assert_err(CALL(f, f->root, table_create, XOK_NCAP, MEM), XOK_EINVAL);
	assert_err(CALL(f, f->root, table_create, 0, MEM + MEM_SIZE), XOK_EFAULT);
	s.type = 0;
	assert_err(table_new(f, f->root, 0, s), XOK_EINVAL);
	s.type = XOK_NTABLETYPE;
	assert_err(table_new(f, f->root, 0, s), XOK_EINVAL);
	s = hash;
	s.entries = UINT32_MAX;
	assert_err(table_new(f, f->root, 0, s), XOK_EINVAL);
	s = array;
	s.entries = XOK_TABLE_BYTES / 8 + 1;
	assert_err(table_new(f, f->root, 0, s), XOK_EINVAL);
	/* Quota: the child has ten frames and five of them are used. */
	s.entries = 8 * 512;
	assert_err(table_new(f, a, 0, s), XOK_EQUOTA);
	assert_null(books(f));
}

/* There may be room enough, and not in one piece. */
static void frames_are_consecutive(void **state)
{
	struct fake *f = *state;
	struct xok_table_spec s = array;
	uint32_t all[512], n = 0;

	while (f->info->frames_free > 1)
		all[n++] = frame_new(f, f->root, 0);
	for (uint32_t i = 0; i < n; i += 2)
		assert_ok(CALL(f, f->root, frame_free, 0, all[i]));
	assert_true(f->info->frames_free > 100);
	uint32_t frames = f->root->info->frames;
	s.entries = 512;
	assert_err(table_new(f, f->root, 0, s), XOK_ENOMEM);
	assert_int_equal(f->root->info->frames, frames);
	assert_null(books(f));
	assert_ok(CALL(f, f->root, frame_free, 0, all[7]));
	int64_t id = table_new(f, f->root, 0, s);
	assert_true(id > 0);
	assert_int_equal(table_info(f, id)->nframe, 2);
	assert_null(books(f));
}

static void names_are_printable(void **state)
{
	struct fake *f = *state;
	struct xok_table_spec s = hash;

	memset(s.name, 0x1b, sizeof(s.name));
	int64_t id = table_new(f, f->root, 0, s);
	assert_string_equal(table_info(f, id)->spec.name, "???????????");
	assert_string_equal(tbl_spec(f->page[table_info(f, id)->first])->name, "???????????");
}

static void updates(void **state)
{
	struct fake *f = *state;
	int64_t id = table_new(f, f->root, 0, hash);
	const struct xok_table_info *i = table_info(f, id);
	struct xok_table_update u = entry(5, 77);
	uint64_t v = 0;

	assert_ok(table_put(f, f->root, 0, id, u));
	assert_int_equal(i->used, 1);
	assert_ok(tbl_hash_get(f->page[i->first], u.key, &v));
	assert_int_equal(v, 77);
	u.op = XOK_TABLE_DELETE;
	assert_ok(table_put(f, f->root, 0, id, u));
	assert_err(table_put(f, f->root, 0, id, u), XOK_ENOENT);
	assert_int_equal(i->used, 0);
	u.op = 3;
	assert_err(table_put(f, f->root, 0, id, u), XOK_EINVAL);
	for (uint32_t k = 0; k < 16; k++)
		assert_ok(table_put(f, f->root, 0, id, entry(k, k)));
	assert_err(table_put(f, f->root, 0, id, entry(16, 16)), XOK_ENOMEM);
	assert_int_equal(i->used, 16);
}

static void updates_of_other_types(void **state)
{
	struct fake *f = *state;
	const struct xok_table_spec lpm4 = {.type = XOK_TABLE_LPM4, .entries = 8},
				    lpm6 = {.type = XOK_TABLE_LPM6, .entries = 8},
				    bucket = {.type = XOK_TABLE_BUCKET, .entries = 2};
	struct xok_prefix4 p4 = {{10, 1}, 16};
	struct xok_prefix6 p6 = {{0x20, 1}, 16};
	struct xok_bucket b = {1000, 50};
	struct xok_table_update u = {.op = XOK_TABLE_SET, .number = 9};
	int64_t id = table_new(f, f->root, 0, lpm4);

	memcpy(u.key, &p4, sizeof(p4));
	assert_ok(table_put(f, f->root, 0, id, u));
	assert_int_equal(tbl_lpm4_lookup(f->page[table_info(f, id)->first], 0x0a010203), 9);
	p4.len = 8; /* a bit behind the prefix is set */
	memcpy(u.key, &p4, sizeof(p4));
	assert_err(table_put(f, f->root, 0, id, u), XOK_EINVAL);
	id = table_new(f, f->root, 0, lpm6);
	memcpy(u.key, &p6, sizeof(p6));
	assert_ok(table_put(f, f->root, 0, id, u));
	assert_int_equal(tbl_lpm6_lookup(f->page[table_info(f, id)->first], p6.address), 9);
	id = table_new(f, f->root, 0, bucket);
	u = entry(1, 0);
	memcpy(u.value, &b, sizeof(b));
	assert_ok(table_put(f, f->root, 0, id, u));
	assert_int_equal(tbl_bucket_take(f->page[table_info(f, id)->first], 1, 50, f->now), 1);
	u.key[0] = 2;
	assert_err(table_put(f, f->root, 0, id, u), XOK_ENOENT);
	assert_err(table_put(f, f->root, 0, table_new(f, f->root, 0, array), u), XOK_EINVAL);
	assert_err(table_put(f, f->root, 0, table_new(f, f->root, 0, ring), u), XOK_EINVAL);
}

/* A machine's own longest-prefix lookups: the calls it got, in order. */
static char calls[16];
static bool no_room;

static void note(char c)
{
	size_t n = strlen(calls);

	assert_true(n + 1 < sizeof(calls));
	calls[n] = c;
}

static void *own_create(void *machine, void *mem)
{
	(void)machine;
	note('c');
	return no_room ? NULL : mem;
}

static void own_destroy(void *self)
{
	(void)self;
	note('d');
}

static int own_set(void *self, const struct xok_table_update *u)
{
	note('s');
	return tbl_lpm.set(self, u);
}

static int own_remove(void *self, const struct xok_table_update *u)
{
	note('r');
	return tbl_lpm.remove(self, u);
}

static void machines_answer_lookups(void **state)
{
	static const struct tbl_lpm_ops own = {
		.create = own_create, .destroy = own_destroy, .set = own_set, .remove = own_remove};
	const struct xok_table_spec spec = {.type = XOK_TABLE_LPM4, .entries = 8};
	struct xok_table_update u = {.op = XOK_TABLE_SET, .key = {10, 1, 0, 0, 16}, .number = 9};
	struct fake *f = *state;
	uint32_t free_frames = f->info->frames_free;
	int64_t id;

	f->x->lpm = &own;
	no_room = true;
	assert_err(table_new(f, f->root, 0, spec), XOK_ENOMEM);
	assert_int_equal(f->info->frames_free, free_frames);
	assert_string_equal(calls, "c");
	no_room = false;
	id = table_new(f, f->root, 0, spec);
	assert_true(id > 0);
	assert_ok(table_put(f, f->root, 0, id, u));
	u.op = XOK_TABLE_DELETE;
	assert_ok(table_put(f, f->root, 0, id, u));
	assert_err(table_put(f, f->root, 0, id, u), XOK_ENOENT);
	u.op = 0;
	assert_err(table_put(f, f->root, 0, id, u), XOK_EINVAL);
	assert_ok(CALL(f, f->root, table_destroy, 0, (uint64_t)id));
	assert_string_equal(calls, "ccsrrd");
	assert_true(table_new(f, f->root, 0, hash) > 0);
	assert_string_equal(calls, "ccsrrd");
}

static void *any_create(void *m, void *mem)
{
	(void)m;
	return mem;
}

static void any_destroy(void *self)
{
	(void)self;
}

/* The machine's memory for lookups is nobody's quota: one subtree gets a part of it, and the root environment what it wants. */
static void machines_lookups_are_shared_out(void **state)
{
	static const struct tbl_lpm_ops any = {.create = any_create, .destroy = any_destroy};
	const struct xok_table_spec spec = {.type = XOK_TABLE_LPM4, .entries = 8};
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 100, "a"), *b = child_new(f, 30, "b");
	int64_t id = 0;

	f->x->lpm = &any;
	for (uint32_t i = 0; i < XOK_SUBTREE_LPM; i++) {
		id = table_new(f, a, 0, spec);
		assert_true(id > 0);
	}
	assert_err(table_new(f, a, 0, spec), XOK_EQUOTA);
	assert_true(table_new(f, a, 0, hash) > 0);
	assert_true(table_new(f, b, 0, spec) > 0);
	for (uint32_t i = 0; i <= XOK_SUBTREE_LPM; i++)
		assert_true(table_new(f, f->root, 0, spec) > 0);
	assert_ok(CALL(f, a, table_destroy, 0, (uint64_t)id));
	assert_true(table_new(f, a, 0, spec) > 0);
	f->x->lpm = &tbl_lpm;
}

static void rights_are_asked(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 30, "a"), *b = child_new(f, 20, "b");
	int64_t id = table_new(f, a, 0, hash);
	uint32_t first = table_info(f, id)->first;

	assert_err(table_put(f, b, 0, id, entry(1, 1)), XOK_EPERM);
	assert_err(CALL(f, b, table_destroy, 0, (uint64_t)id), XOK_EPERM);
	assert_ok(set_acl(f, a, 0, XOK_RES_FRAME, first, 1, cap_of("b", XOK_R)));
	assert_err(table_put(f, b, 0, id, entry(1, 1)), XOK_EPERM);
	assert_ok(set_acl(f, a, 0, XOK_RES_FRAME, first, 1, cap_of("b", XOK_R | XOK_W)));
	assert_ok(table_put(f, b, 0, id, entry(1, 1)));
	assert_err(CALL(f, b, table_destroy, 0, (uint64_t)id), XOK_EPERM);
	assert_err(set_acl(f, b, 0, XOK_RES_FRAME, first, 0, cap_of("b", 15)), XOK_EPERM);
	assert_err(CALL(f, a, frame_free, 0, first), XOK_ENOENT);
	assert_ok(CALL(f, f->root, table_destroy, 0, (uint64_t)id));
}

static void ids_do_not_come_back(void **state)
{
	struct fake *f = *state;
	int64_t id = table_new(f, f->root, 0, hash);

	assert_err(CALL(f, f->root, table_destroy, 0, 0), XOK_ENOENT);
	assert_err(CALL(f, f->root, table_destroy, 0, (uint64_t)id + XOK_NTABLE), XOK_ENOENT);
	assert_err(CALL(f, f->root, table_destroy, 0, (uint64_t)id + 1), XOK_ENOENT);
	assert_err(CALL(f, f->root, table_destroy, 0, 0xffffffff), XOK_ENOENT);
	assert_ok(CALL(f, f->root, table_destroy, 0, (uint64_t)id));
	assert_err(CALL(f, f->root, table_destroy, 0, (uint64_t)id), XOK_ESTALE);
	assert_err(table_put(f, f->root, 0, id, entry(1, 1)), XOK_ESTALE);
	int64_t next = table_new(f, f->root, 0, hash);
	assert_int_equal(next, id + XOK_NTABLE);
	assert_err(CALL(f, f->root, table_destroy, 0, (uint64_t)id), XOK_ESTALE);
}

/* R by the access list; W only where the kernel believes nothing; X never. */
static void mappings(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 60, "a"), *b = child_new(f, 20, "b");
	const struct xok_table_spec *spec[] = {&hash, &array, &ring};

	for (uint32_t t = 0; t < 3; t++) {
		const struct xok_table_info *i = table_info(f, table_new(f, a, 0, *spec[t]));

		for (uint32_t p = 0; p < i->nframe; p++) {
			bool w = tbl_writable(spec[t], p);

			assert_ok(CALL(f, a, map, 0, 0, 0, VA, i->first + p, XOK_PROT_R));
			assert_err(CALL(f, a, map, 0, 0, 0, VA, i->first + p, 3),
				   w ? XOK_OK : XOK_EINVAL);
			assert_err(CALL(f, a, map, 0, 0, 0, VA, i->first + p, 5), XOK_EINVAL);
			assert_err(CALL(f, b, map, 0, 0, 0, VA, i->first + p, 1), XOK_EPERM);
			assert_ok(set_acl(f, a, 0, XOK_RES_FRAME, i->first + p, 1,
					  cap_of("b", XOK_R)));
			assert_ok(CALL(f, b, map, 0, 0, 0, VA, i->first + p, 1));
			assert_err(CALL(f, b, map, 0, 0, 0, VA, i->first + p, 3), XOK_EPERM);
		}
	}
	/* Page 0 is the header, of every type: nobody writes it. */
	assert_false(tbl_writable(&array, 0));
	assert_true(tbl_writable(&array, 1));
	assert_false(tbl_writable(&ring, 2));
	assert_true(tbl_writable(&ring, 1));
	assert_null(books(f));
}

/* What is mapped when the table goes stays memory for who mapped it, and can be had by nobody else. */
static void mappings_outlive_the_table(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 30, "a");
	int64_t id = table_new(f, a, 0, array);
	uint32_t page = table_info(f, id)->first + 1, nframe = table_info(f, id)->nframe;
	uint64_t v = 42;

	assert_ok(CALL(f, a, map, 0, 0, 0, VA, page, 3));
	uint32_t frames = a->info->frames;
	assert_ok(CALL(f, a, table_destroy, 0, (uint64_t)id));
	assert_int_equal(a->info->frames, frames - nframe + 1);
	assert_int_equal(f->x->frame[page].type, XOK_FRAME_TABLE);
	poke(f, a, VA, &v, sizeof(v));
	assert_err(CALL(f, a, map, 0, 0, 0, VA + XOK_PAGE, page, 1), XOK_ENOENT);
	assert_err(set_acl(f, a, 0, XOK_RES_FRAME, page, 1, cap_of("b", XOK_R)), XOK_ENOENT);
	assert_null(books(f));
	assert_ok(CALL(f, a, map, 0, 0, 0, VA, 0, 0));
	assert_int_equal(f->x->frame[page].type, XOK_FRAME_FREE);
	assert_int_equal(a->info->frames, frames - nframe);
}

/* A child of a, with a's capability and memory. */
static struct xok_env *grandchild(struct fake *f, struct xok_env *a)
{
	int64_t id = CALL(f, a, env_alloc, 0, 60, MEM, 0);

	assert_true(id > 0);
	assert_ok(CALL(f, a, cap_give, 0, (uint64_t)id, 0, 0));
	for (uint32_t i = 0; i < MEM_PAGES; i++)
		assert_ok(CALL(f, a, map, 0, 0, (uint64_t)id, MEM + i * XOK_PAGE,
			       frame_new(f, a, 0), 3));
	return env_of(f, id);
}

static void limits(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 250, "a");
	uint32_t n = 0;
	int64_t rc;

	while ((rc = table_new(f, a, 0, ring)) > 0)
		n++;
	assert_err(rc, XOK_EQUOTA);
	assert_int_equal(n, XOK_ENV_TABLES);
	/* Its children share the bound of the subtree. */
	struct xok_env *c = grandchild(f, a), *d = grandchild(f, a);
	while ((rc = table_new(f, c, 0, ring)) > 0)
		n++;
	assert_err(rc, XOK_EQUOTA);
	assert_int_equal(n, XOK_SUBTREE_TABLES);
	assert_err(table_new(f, d, 0, ring), XOK_EQUOTA);
	/* The root environment has its own. */
	assert_true(table_new(f, f->root, 0, ring) > 0);
	assert_null(books(f));
	CALL(f, a, env_exit, 0);
	assert_null(books(f));
}

/* A program of another environment uses the table when its maker ends: the heir pays for it. */
static void tables_climb_to_the_heir(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 30, "a"), *b = child_new(f, 30, "b");
	uint64_t quota = f->root->info->frames_quota;
	uint32_t frames = f->root->info->frames;
	int64_t id = table_new(f, a, 0, hash), loose = table_new(f, a, 0, hash);
	const struct xok_table_info *i = table_info(f, id);
	struct xok_prog_spec spec = {.ntable = 1, .table = {(uint32_t)id}};

	assert_true(loose > 0);
	assert_ok(set_acl(f, a, 0, XOK_RES_FRAME, i->first, 1, cap_of("b", XOK_R)));
	int64_t prog = prog_new(f, b, 0, "r0 = 1; exit", spec);
	assert_true(prog > 0);
	assert_int_equal(i->refs, 1);
	uint32_t nframe = i->nframe;
	CALL(f, a, env_exit, 0);
	assert_null(books(f));
	assert_int_equal(i->id, id);
	assert_int_equal(i->owner, f->root->info->id);
	assert_int_equal(f->root->info->frames, frames + nframe);
	assert_int_equal(f->root->info->frames_quota, quota + 30);
	assert_int_equal(table_info(f, loose)->id, 0);
	assert_err(CALL(f, f->root, table_destroy, 0, (uint64_t)id), XOK_ESTALE);
	assert_err(prog_new(f, b, 0, "r0 = 1; exit", spec), XOK_ESTALE);
	assert_ok(CALL(f, f->root, env_destroy, 0, a->info->id));
	assert_null(books(f));
	assert_ok(CALL(f, b, prog_unload, (uint64_t)prog));
	assert_int_equal(i->id, 0);
	assert_int_equal(f->root->info->frames, frames);
	assert_null(books(f));
}

/*
 * An environment leaves tables behind that programs of another one use: its heir has them then, but
 * not as tables it may have.
 */
static void what_others_leave_locks_nobody_out(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 60, "a"), *b = child_new(f, 30, "b");
	const struct xok_table_spec bucket = {.type = XOK_TABLE_BUCKET, .entries = 1};

	for (uint32_t i = 0; i < XOK_ENV_TABLES / XOK_PROG_TABLES; i++) {
		struct xok_prog_spec spec = {.ntable = XOK_PROG_TABLES};

		for (uint32_t t = 0; t < XOK_PROG_TABLES; t++) {
			int64_t id = table_new(f, a, 0, bucket);

			assert_true(id > 0);
			assert_ok(set_acl(f, a, 0, XOK_RES_FRAME, table_info(f, id)->first, 1,
					  cap_of("b", XOK_R)));
			spec.table[t] = (uint32_t)id;
		}
		assert_true(prog_new(f, b, 0, "r0 = 1; exit", spec) > 0);
	}
	CALL(f, a, env_exit, 0);
	assert_null(books(f));
	assert_int_equal(f->x->table_info[0].owner, f->root->info->id);
	for (uint32_t i = 0; i < XOK_ENV_TABLES; i++)
		assert_true(table_new(f, f->root, 0, bucket) > 0);
	assert_err(table_new(f, f->root, 0, bucket), XOK_EQUOTA);
}

/* Many subtrees together leave something for the root environment. */
static void nobody_locks_the_root_out(void **state)
{
	struct fake *f = *state;
	const struct xok_table_spec bucket = {.type = XOK_TABLE_BUCKET, .entries = 1};
	char name[2] = "a";
	uint32_t n = 0;
	int64_t rc = XOK_EQUOTA;

	for (; rc == XOK_EQUOTA && name[0] <= 'h'; name[0]++) {
		struct xok_env *e = child_new(f, 43, name);

		while ((rc = table_new(f, e, 0, bucket)) > 0)
			n++;
	}
	assert_err(rc, XOK_ENOMEM);
	assert_int_equal(n, XOK_NTABLE / 4 * 3);
	for (uint32_t i = 0; i < XOK_ENV_TABLES; i++)
		assert_true(table_new(f, f->root, 0, bucket) > 0);
	assert_err(table_new(f, f->root, 0, bucket), XOK_EQUOTA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(create_charges_and_tells),
		TEST(create_refuses),
		TEST(frames_are_consecutive),
		TEST(names_are_printable),
		TEST(updates),
		TEST(updates_of_other_types),
		TEST(machines_answer_lookups),
		TEST(machines_lookups_are_shared_out),
		TEST(rights_are_asked),
		TEST(ids_do_not_come_back),
		TEST(mappings),
		TEST(mappings_outlive_the_table),
		TEST(limits),
		TEST(tables_climb_to_the_heir),
		TEST(what_others_leave_locks_nobody_out),
		TEST(nobody_locks_the_root_out),
	};

	return cmocka_run_group_tests_name("core: tables", tests, NULL, NULL);
}
