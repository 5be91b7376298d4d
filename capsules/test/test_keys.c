/* SPDX-License-Identifier: BSD-2-Clause */
/* test_keys.c - key files: the vectors, who may read them, what is never overwritten, what is not a key. */
#include "capsule/keys.h"
#include "capsules/test/vectors.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/test-keys-XXXXXX";
static char err[KEY_ERROR];

/* Two calls may be used in one expression. */
static const char *path_of(const char *name)
{
	static char path[2][256];
	static unsigned next;

	next ^= 1;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
	return path[next];
}

static void write_text(const char *name, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(path_of(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static void assert_line(const char *name, const char *want)
{
	char line[256] = "";
	FILE *f = fopen(path_of(name), "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(fgetc(f), EOF);
	fclose(f);
	assert_int_equal(strlen(line), strlen(want) + 1);
	assert_memory_equal(line, want, strlen(want));
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(path_of(name), &st), 0);
	return st.st_mode & 07777;
}

static void vectors(void **state)
{
	FILE *f = vectors_open("keys.txt");
	struct vector v;

	(void)state;
	while (vector_next(f, &v)) {
		const char *name = vector_text(&v, "name");
		char key_file[64], pub_file[64];
		struct key_secret secret, again;
		struct key_public pub;
		uint8_t seed[32], want[32];

		vector_octets(&v, "seed", seed, 32);
		vector_octets(&v, "public", want, 32);
		assert_int_equal(key_from_seed(name, seed, &secret, err), 0);
		assert_memory_equal(secret.key + 32, want, 32);
		assert_int_equal(key_write(dir, &secret, false, err), 0);
		snprintf(key_file, sizeof(key_file), "%s.key", name);
		snprintf(pub_file, sizeof(pub_file), "%s.pub", name);
		assert_line(key_file, vector_text(&v, "secret-line"));
		assert_line(pub_file, vector_text(&v, "public-line"));
		assert_int_equal(mode_of(key_file), 0600);
		assert_int_equal(mode_of(pub_file), 0644);
		assert_int_equal(key_read_secret(path_of(key_file), &again, err), 0);
		assert_memory_equal(&again, &secret, sizeof(again));
		assert_int_equal(key_read_public(path_of(pub_file), &pub, err), 0);
		assert_memory_equal(pub.key, want, 32);
		assert_string_equal(pub.name, name);
		key_wipe(&again);
		assert_true(sodium_is_zero((const uint8_t *)&again, sizeof(again)));
		assert_int_equal(unlink(path_of(key_file)), 0);
		assert_int_equal(unlink(path_of(pub_file)), 0);
		vector_free(&v);
	}
	fclose(f);
}

static void never_overwritten(void **state)
{
	struct key_secret a, b, got;

	(void)state;
	assert_int_equal(key_generate("carol", &a, err), 0);
	assert_int_equal(key_generate("carol", &b, err), 0);
	assert_memory_not_equal(a.key, b.key, 64);
	assert_int_equal(key_write(dir, &a, false, err), 0);
	assert_int_equal(key_write(dir, &b, false, err), -EEXIST);
	assert_non_null(strstr(err, "--force"));
	assert_int_equal(key_read_secret(path_of("carol.key"), &got, err), 0);
	assert_memory_equal(got.key, a.key, 64);
	/* The public key alone in the way: no secret key may appear. */
	assert_int_equal(unlink(path_of("carol.key")), 0);
	assert_int_equal(key_write(dir, &b, false, err), -EEXIST);
	assert_int_equal(access(path_of("carol.key"), F_OK), -1);
	/* The secret key alone in the way: it stays, and no public key of another appears. */
	assert_int_equal(rename(path_of("carol.pub"), path_of("carol.key")), 0);
	assert_int_equal(key_write(dir, &b, false, err), -EEXIST);
	assert_int_equal(access(path_of("carol.pub"), F_OK), -1);
	assert_int_equal(key_write(dir, &b, true, err), 0);
	assert_int_equal(mode_of("carol.key"), 0600);
	assert_int_equal(key_read_secret(path_of("carol.key"), &got, err), 0);
	assert_memory_equal(got.key, b.key, 64);
	assert_int_equal(unlink(path_of("carol.key")), 0);
	assert_int_equal(unlink(path_of("carol.pub")), 0);
	/* Nothing else is left: the directory is empty. */
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(key_write("/nonexistent", &a, false, err), -ENOENT);
}

static void others_can_read(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0601, 0666};
	struct key_secret a, got;

	(void)state;
	assert_int_equal(key_generate("dave", &a, err), 0);
	assert_int_equal(key_write(dir, &a, false, err), 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path_of("dave.key"), modes[i]), 0);
		assert_int_equal(key_read_secret(path_of("dave.key"), &got, err), -EACCES);
		assert_non_null(strstr(err, "chmod 600"));
	}
	assert_int_equal(chmod(path_of("dave.key"), 0400), 0);
	assert_int_equal(key_read_secret(path_of("dave.key"), &got, err), 0);
	assert_int_equal(key_read_secret(dir, &got, err), -EACCES);
	assert_int_equal(key_read_secret(path_of("nobody.key"), &got, err), -ENOENT);
	/* A public key is no secret key, nor the other way. */
	assert_int_equal(key_read_secret(path_of("dave.pub"), &got, err), -EACCES);
	assert_non_null(strstr(err, "a public key"));
	assert_int_equal(chmod(path_of("dave.pub"), 0600), 0);
	assert_int_equal(key_read_secret(path_of("dave.pub"), &got, err), -EINVAL);
	assert_true(sodium_is_zero((const uint8_t *)&got, sizeof(got)));
	assert_int_equal(key_read_public(path_of("dave.key"), &(struct key_public){{0}, {0}}, err),
			 -EINVAL);
	unlink(path_of("dave.key"));
	unlink(path_of("dave.pub"));
}

/* Every prefix of a line, and every line with one character replaced by one that is never right there. */
static void not_keys(void **state)
{
	static const char line[] =
		"amp-public-key 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
		"eve\n";
	size_t len = sizeof(line) - 1;
	struct key_public pub;
	char text[sizeof(line) + 64];

	(void)state;
	assert_true(key_parse_public(line, len, &pub));
	for (size_t n = 0; n < len; n++)
		assert_false(key_parse_public(line, n, &pub));
	for (size_t at = 0; at < len; at++) {
		memcpy(text, line, len);
		text[at] = '/';
		assert_false(key_parse_public(text, len, &pub));
		text[at] = 0;
		assert_false(key_parse_public(text, len, &pub));
	}
	memcpy(text, line, len);
	memcpy(text + len, "x\n", 2);
	assert_false(key_parse_public(text, len + 2, &pub));
	memset(text + len - 1, 'e', 40);
	text[len + 39] = '\n';
	assert_false(key_parse_public(text, len + 40, &pub));
	write_text("long.pub", text, len + 40, 0644);
	assert_int_equal(key_read_public(path_of("long.pub"), &pub, err), -EINVAL);
	unlink(path_of("long.pub"));
}

static void names(void **state)
{
	static const char *const bad[] = {"",	 ".",	     "-x",
					  "a/b", "a b",	     "../x",
					  "a\n", "\xc3\xa4", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnn"};
	struct key_secret s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(key_name_ok(bad[i]));
		assert_int_equal(key_generate(bad[i], &s, err), -EINVAL);
	}
	assert_true(key_name_ok("a"));
	assert_true(key_name_ok("A1.b_c-d"));
}

static void hex(void **state)
{
	uint8_t bytes[2];
	char text[5];

	(void)state;
	assert_true(key_unhex("0aF9", 4, bytes, 2));
	assert_int_equal(bytes[0], 0x0a);
	assert_int_equal(bytes[1], 0xf9);
	key_hex(bytes, 2, text);
	assert_string_equal(text, "0af9");
	assert_false(key_unhex("0aF", 3, bytes, 2));
	assert_false(key_unhex("0aF9a", 5, bytes, 2));
	assert_false(key_unhex("0a:9", 4, bytes, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),	   cmocka_unit_test(never_overwritten),
		cmocka_unit_test(others_can_read), cmocka_unit_test(not_keys),
		cmocka_unit_test(names),	   cmocka_unit_test(hex),
	};
	int r;

	if (sodium_init() < 0 || !mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests_name("capsules/keys", tests, NULL, NULL);
	rmdir(dir);
	return r;
}
