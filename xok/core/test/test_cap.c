/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cap.c - capabilities: dominance and access lists against trivial references, and what each
 * call refuses.
 */
#include "test.h"

static uint64_t seed = 88172645463325252ull;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

/* Short names over two letters, so that prefixes are common. */
static struct xok_cap random_cap(void)
{
	struct xok_cap c = {.valid = rnd(8) > 0, .perms = (uint8_t)rnd(16), .len = (uint8_t)rnd(5)};

	if (rnd(50) == 0)
		c.len = XOK_CAP_NAME;
	for (uint32_t i = 0; i < XOK_CAP_NAME; i++)
		c.name[i] = "ab"[rnd(2)];
	return c;
}

/* The definitions of abi.h, word by word. */
static bool ref_prefix(const struct xok_cap *a, const struct xok_cap *b)
{
	for (uint32_t i = 0; i < a->len; i++)
		if (i >= b->len || a->name[i] != b->name[i])
			return false;
	return true;
}

static bool ref_has(uint8_t perms, uint8_t need)
{
	for (uint32_t bit = 1; bit < 16; bit <<= 1)
		if ((need & bit) && !(perms & bit))
			return false;
	return true;
}

static void dominance_is_as_defined(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		struct xok_cap a = random_cap(), b = random_cap();
		bool want = a.valid && b.valid && ref_prefix(&a, &b) && ref_has(a.perms, b.perms);

		assert_int_equal(cap_dominates(&a, &b), want);
	}
}

static void dominance_is_a_partial_order(void **state)
{
	uint32_t chains = 0;
	(void)state;

	for (uint32_t i = 0; i < 200000; i++) {
		struct xok_cap a = random_cap(), b = random_cap(), c = random_cap();

		if (a.valid)
			assert_true(cap_dominates(&a, &a));
		if (cap_dominates(&a, &b) && cap_dominates(&b, &c)) {
			chains++;
			assert_true(cap_dominates(&a, &c));
		}
	}
	assert_true(chains > 100);
}

static void grants_are_as_defined(void **state)
{
	uint32_t granted = 0;
	(void)state;

	for (uint32_t i = 0; i < 200000; i++) {
		struct xok_cap acl[XOK_NACL], c = random_cap();
		uint8_t need = (uint8_t)rnd(16);
		bool want = false;

		for (uint32_t j = 0; j < XOK_NACL; j++) {
			acl[j] = random_cap();
			want |= c.valid && acl[j].valid && ref_prefix(&c, &acl[j]) &&
				ref_has(c.perms, need) && ref_has(acl[j].perms, need);
		}
		granted += want;
		assert_int_equal(cap_grants(&c, acl, XOK_NACL, need), want);
	}
	assert_true(granted > 1000);
}

static void root_holds_everything_in_slot_0(void **state)
{
	struct fake *f = *state;
	const struct xok_env_info *i = f->root->info;

	assert_int_equal(i->cap[0].valid, 1);
	assert_int_equal(i->cap[0].perms, XOK_PERM_ALL);
	assert_int_equal(i->cap[0].len, 0);
	for (uint32_t s = 1; s < XOK_NCAP; s++)
		assert_int_equal(i->cap[s].valid, 0);
}

static void forge_makes_only_what_is_dominated(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;

	assert_ok(forge(f, r, 0, 1, cap_of("ab", XOK_R | XOK_W)));
	assert_ok(forge(f, r, 1, 2, cap_of("abc", XOK_R)));
	assert_ok(forge(f, r, 1, 3, cap_of("ab", XOK_R | XOK_W)));
	assert_err(forge(f, r, 1, 4, cap_of("a", XOK_R)), XOK_EPERM);
	assert_err(forge(f, r, 1, 4, cap_of("", XOK_R)), XOK_EPERM);
	assert_err(forge(f, r, 1, 4, cap_of("ac", XOK_R)), XOK_EPERM);
	assert_err(forge(f, r, 1, 4, cap_of("abc", XOK_C)), XOK_EPERM);
	assert_err(forge(f, r, 2, 4, cap_of("abc", XOK_R | XOK_W)), XOK_EPERM);
	assert_err(forge(f, r, 9, 4, cap_of("abc", XOK_R)), XOK_EPERM);
	assert_int_equal(r->info->cap[4].valid, 0);
	assert_int_equal(r->info->ncap_used, 4);
}

static void forge_refuses_malformed(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	struct xok_cap c = cap_of("a", XOK_R);

	assert_err(forge(f, r, XOK_NCAP, 1, c), XOK_EINVAL);
	assert_err(forge(f, r, 0, XOK_NCAP, c), XOK_EINVAL);
	assert_err(forge(f, r, 0, 0, c), XOK_EBUSY);
	c.valid = 2;
	assert_err(forge(f, r, 0, 1, c), XOK_EINVAL);
	c.valid = 0;
	assert_err(forge(f, r, 0, 1, c), XOK_EINVAL);
	c = cap_of("a", 0);
	assert_err(forge(f, r, 0, 1, c), XOK_EINVAL);
	c = cap_of("a", 0x10 | XOK_R);
	assert_err(forge(f, r, 0, 1, c), XOK_EINVAL);
	c = cap_of("a", XOK_R);
	c.len = XOK_CAP_NAME + 1;
	assert_err(forge(f, r, 0, 1, c), XOK_EINVAL);
	assert_err(CALL(f, r, cap_forge, 0, 1, MEM + MEM_SIZE), XOK_EFAULT);
	assert_err(CALL(f, r, cap_forge, 0, 1, MEM + MEM_SIZE - 8), XOK_EFAULT);
	assert_err(CALL(f, r, cap_forge, 0, 1, 0), XOK_EFAULT);
	assert_err(CALL(f, r, cap_forge, 0, 1, ~0ull - 3), XOK_EFAULT);
}

/*
 * Bytes past the name's end would be an unseen channel, and unequal copies of equal capabilities.
 */
static void forged_names_are_canonical(void **state)
{
	struct fake *f = *state;
	struct xok_cap c = cap_of("abcdef", XOK_R);

	c.len = 2;
	assert_ok(forge(f, f->root, 0, 1, c));
	c = cap_of("ab", XOK_R);
	assert_memory_equal(&f->root->info->cap[1], &c, sizeof(c));
}

static void drop_empties(void **state)
{
	struct fake *f = *state;

	assert_ok(forge(f, f->root, 0, 1, cap_of("a", XOK_R)));
	assert_ok(CALL(f, f->root, cap_drop, 1));
	assert_err(CALL(f, f->root, cap_drop, 1), XOK_ENOENT);
	assert_err(CALL(f, f->root, cap_drop, XOK_NCAP), XOK_EINVAL);
	assert_err(CALL(f, f->root, cap_drop, 1ull << 32), XOK_EINVAL);
	assert_int_equal(f->root->info->ncap_used, 1);
}

static void give_needs_control_of_the_taker(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 10, "a"), *b = child_new(f, 10, "b");

	assert_err(CALL(f, a, cap_give, 0, b->info->id, 0, 1), XOK_EPERM);
	assert_err(CALL(f, a, cap_give, 0, f->root->info->id, 0, 1), XOK_EPERM);
	assert_err(CALL(f, f->root, cap_give, 0, b->info->id, 0, 0), XOK_EBUSY);
	assert_err(CALL(f, f->root, cap_give, 0, b->info->id, 7, 1), XOK_EPERM);
	assert_err(CALL(f, f->root, cap_give, 0, b->info->id, 0, XOK_NCAP), XOK_EINVAL);
	assert_err(CALL(f, f->root, cap_give, 0, 0x1ff, 0, 1), XOK_ENOENT);
	assert_ok(CALL(f, f->root, cap_give, 0, b->info->id, 0, 1));
	assert_memory_equal(&b->info->cap[1], &f->root->info->cap[0], sizeof(struct xok_cap));
	assert_ok(CALL(f, a, cap_give, 0, 0, 0, 3));
	assert_int_equal(a->info->ncap_used, 2);
}

static void acl_set_needs_control(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a"), *b = child_new(f, 20, "b");
	struct xok_cap all = cap_of("", XOK_PERM_ALL);
	uint32_t frame = frame_new(f, b, 0);

	assert_err(set_acl(f, a, 0, XOK_RES_FRAME, frame, 1, all), XOK_EPERM);
	assert_err(set_acl(f, a, 0, XOK_RES_ENV, b->info->id, 1, all), XOK_EPERM);
	assert_err(set_acl(f, a, 0, XOK_RES_PORT, 0, 1, all), XOK_EPERM);
	assert_err(set_acl(f, a, 0, XOK_RES_CONS, 0, 1, all), XOK_EPERM);
	assert_err(set_acl(f, a, 0, XOK_RES_POWER, 0, 1, all), XOK_EPERM);
	assert_err(set_acl(f, a, 0, XOK_RES_CPU, 0, 1, all), XOK_EPERM);
	/* Reading and writing are not control. */
	assert_ok(forge(f, b, 0, 1, cap_of("b", XOK_R | XOK_W | XOK_N)));
	assert_err(set_acl(f, b, 1, XOK_RES_FRAME, frame, 1, all), XOK_EPERM);
	assert_ok(set_acl(f, b, 0, XOK_RES_FRAME, frame, 1, all));
}

static void acl_set_refuses_what_is_not_there(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root, *a = child_new(f, 20, "a");
	struct xok_cap c = cap_of("a", XOK_R), bad = cap_of("a", 0x80);
	uint32_t id = a->info->id;

	assert_err(set_acl(f, r, 0, 0, 0, 0, c), XOK_EINVAL);
	assert_err(set_acl(f, r, 0, 7, 0, 0, c), XOK_EINVAL);
	assert_err(set_acl(f, r, 0, XOK_RES_FRAME, NFRAME, 0, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_FRAME, 0, 0, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_FRAME, a->root, 0, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_ENV, id + 256, 1, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_PORT, NPORT, 0, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_CONS, 2, 0, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_POWER, 1, 0, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_CPU, 1, 0, c), XOK_ENOENT);
	assert_err(set_acl(f, r, 0, XOK_RES_PORT, 0, XOK_NACL, c), XOK_EINVAL);
	assert_err(set_acl(f, r, 0, XOK_RES_FRAME, frame_new(f, r, 0), XOK_NACL_FRAME, c),
		   XOK_EINVAL);
	assert_err(set_acl(f, r, 0, XOK_RES_PORT, 0, 1, bad), XOK_EINVAL);
}

static void acl_entries_open_and_close(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");
	struct xok_cap none = {0};

	assert_err(CALL(f, a, cons_write, 0, 0, MEM, 1), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_CONS, 0, 1, cap_of("a", XOK_W)));
	assert_err(CALL(f, a, cons_write, 0, 0, MEM, 1), 1);
	assert_err(CALL(f, a, cons_read, 0, 0, MEM, 1), XOK_EPERM);
	assert_err(CALL(f, a, cons_write, 0, 1, MEM, 1), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_CONS, 0, 1, none));
	assert_err(CALL(f, a, cons_write, 0, 0, MEM, 1), XOK_EPERM);
	assert_int_equal(xok_port(f->x, 1)->nacl, 1);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 1, 3, cap_of("a", XOK_W)));
	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 1, 3, cap_of("a", XOK_R)));
	assert_int_equal(xok_port(f->x, 1)->nacl, 2);
}

/* An environment controls itself with its own capability, but its creator's way in stays open. */
static void a_child_cannot_shut_its_creator_out(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 20, "a");
	struct xok_cap none = {0};
	uint32_t id = a->info->id;

	assert_err(set_acl(f, a, 0, XOK_RES_ENV, 0, 0, none), XOK_EPERM);
	assert_err(set_acl(f, a, 0, XOK_RES_ENV, id, 0, cap_of("z", XOK_PERM_ALL)), XOK_EPERM);
	assert_err(set_acl(f, a, 0, XOK_RES_ENV, id, 0, cap_of("a", XOK_R)), XOK_EPERM);
	assert_ok(set_acl(f, a, 0, XOK_RES_ENV, id, 0, cap_of("ab", XOK_PERM_ALL)));
	assert_ok(set_acl(f, a, 0, XOK_RES_ENV, id, 1, cap_of("z", XOK_R)));
	assert_int_equal(a->info->nacl, 2);
	assert_ok(CALL(f, f->root, env_destroy, 0, id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dominance_is_as_defined),
		cmocka_unit_test(dominance_is_a_partial_order),
		cmocka_unit_test(grants_are_as_defined),
		TEST(root_holds_everything_in_slot_0),
		TEST(forge_makes_only_what_is_dominated),
		TEST(forge_refuses_malformed),
		TEST(forged_names_are_canonical),
		TEST(drop_empties),
		TEST(give_needs_control_of_the_taker),
		TEST(acl_set_needs_control),
		TEST(acl_set_refuses_what_is_not_there),
		TEST(acl_entries_open_and_close),
		TEST(a_child_cannot_shut_its_creator_out),
	};

	return cmocka_run_group_tests_name("core: capabilities", tests, NULL, NULL);
}
