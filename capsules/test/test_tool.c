/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tool.c - the verbs, called as `amp` calls them: keygen, build, sign and verify, in a directory of their own. */
#include "capsule/keys.h"
#include "capsule/tool.h"
#include "capsule/wire.h"
#include "capsules/tool/common.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/test-tool-XXXXXX";

/* What the last verb printed. */
static char out[16384], messages[16384];

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
	return path[next];
}

static void slurp(FILE *f, char *text, size_t size)
{
	size_t n;

	rewind(f);
	n = fread(text, 1, size - 1, f);
	text[n] = 0;
	fclose(f);
}

/* Calls a verb with these words (ended by NULL) and catches what it prints; returns its exit status. */
static int call(int (*verb)(int, char **), ...)
{
	int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
	FILE *o = tmpfile(), *e = tmpfile();
	char words[24][256], *argv[25];
	const char *word;
	va_list ap;
	int argc = 0, r;

	va_start(ap, verb);
	while ((word = va_arg(ap, const char *))) {
		snprintf(words[argc], sizeof(words[argc]), "%s", word);
		argv[argc] = words[argc];
		argc++;
	}
	va_end(ap);
	argv[argc] = NULL;
	fflush(stdout);
	fflush(stderr);
	dup2(fileno(o), STDOUT_FILENO);
	dup2(fileno(e), STDERR_FILENO);
	r = verb(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	slurp(o, out, sizeof(out));
	slurp(e, messages, sizeof(messages));
	return r;
}

static void assert_said(const char *text, const char *word)
{
	if (!strstr(text, word))
		fail_msg("'%s' is not in: %s", word, text);
}

static void write_file(const char *name, const uint8_t *bytes, size_t len)
{
	FILE *f = fopen(in_dir(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static void keygen(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(call(tool_keygen, "keygen", "alice", "-d", dir, NULL), 0);
	assert_said(out, "principal alice ");
	assert_int_equal(stat(in_dir("alice.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(call(tool_keygen, "keygen", "alice", "-d", dir, NULL), 1);
	assert_said(messages, "--force");
	assert_int_equal(call(tool_keygen, "keygen", "alice", "-d", dir, "--force", "--json", NULL),
			 0);
	assert_said(out, "\"name\":\t\"alice\"");
	assert_int_equal(call(tool_keygen, "keygen", NULL), 64);
	assert_int_equal(call(tool_keygen, "keygen", "a/b", "-d", dir, NULL), 1);
	assert_int_equal(call(tool_keygen, "keygen", "x", "-d", "/nonexistent", NULL), 1);
	assert_int_equal(call(tool_keygen, "keygen", "--help", NULL), 0);
	assert_said(out, "Usage: amp keygen");
}

static void build(void **state)
{
	char path[256] = "";

	(void)state;
	assert_int_equal(call(tool_build, "build", "capsules/programs/trace.c", "-o",
			      in_dir("trace.mod"), "--budget", "900", NULL),
			 0);
	assert_said(out, "verdict   accepted");
	assert_int_equal(call(tool_verify, "verify", in_dir("trace.mod"), NULL), 0);
	assert_said(out, "helper    3 resize");
	assert_said(out, "900 expected");
	/* A handler is built in the same way, and is nothing that a packet could carry. */
	assert_int_equal(call(tool_build, "build", "capsules/test/programs/objects/tables.c", "-o",
			      in_dir("tables.mod"), NULL),
			 0);
	assert_said(out, "kind      handler");
	assert_said(out, "pairs, memory of 64 octets");
	assert_said(out, "at least 60 octets");
	assert_int_equal(call(tool_verify, "verify", "--json", in_dir("tables.mod"), NULL), 0);
	assert_said(out, "\"kind\":\t\"handler\"");
	assert_int_equal(call(tool_sign, "sign", "--key", in_dir("alice.key"), "--from", "10.0.1.1",
			      "--to", "10.0.4.1", in_dir("tables.mod"), "-o", in_dir("t.cap"),
			      NULL),
			 1);
	assert_said(messages, "a module of kind handler; packets carry capsules");
	/* What a node would refuse is not written, and the line is named. */
	assert_int_equal(call(tool_build, "build", "capsules/test/programs/objects/refused.c", "-o",
			      in_dir("refused.mod"), NULL),
			 1);
	assert_said(messages, "refused.c:7:");
	assert_said(messages, "in function 'refused': read-only");
	assert_said(messages, "ctx->hops = 1;");
	assert_int_equal(access(in_dir("refused.mod"), F_OK), -1);
	assert_int_equal(call(tool_build, "build", "capsules/test/programs/objects/undefined.c",
			      "-o", in_dir("x.mod"), NULL),
			 1);
	assert_said(messages, "helper_of_others");
	assert_int_equal(call(tool_build, "build", "/nonexistent.c", "-o", in_dir("x.mod"), NULL),
			 1);
	assert_int_equal(call(tool_build, "build", "README", NULL), 64);
	assert_int_equal(access(in_dir("x.mod"), F_OK), -1);
	/* Without clang the message says what to install. */
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(
		call(tool_build, "build", "capsules/programs/ping.c", "-o", in_dir("x.mod"), NULL),
		1);
	setenv("PATH", path, 1);
	assert_said(messages, "apt-get install clang");
}

/* The programs that new users start from are those that are tested: the C blocks of the page. */
static void written_examples(void **state)
{
	static const char *const names[] = {"busiest.c", "note.c"};
	size_t len;
	uint8_t *page = tool_read("test", "capsules/WRITING.md", &len);
	char *begin = (char *)page, *end;

	(void)state;
	assert_non_null(page);
	page[len] = 0; /* tool_read leaves room */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		begin = strstr(begin, "```c\n");
		assert_non_null(begin);
		begin += 5;
		end = strstr(begin, "```");
		assert_non_null(end);
		write_file(names[i], (const uint8_t *)begin, (size_t)(end - begin));
		assert_int_equal(
			call(tool_build, "build", in_dir(names[i]), "-o", in_dir("w.mod"), NULL),
			0);
		assert_string_equal(messages, "");
		begin = end;
	}
	assert_null(strstr(begin, "```c\n"));
	free(page);
}

static int build_text(const char *text)
{
	char source[1024];

	snprintf(source, sizeof(source), "#include \"capsule/sdk.h\"\n%s", text);
	write_file("mistake.c", (const uint8_t *)source, strlen(source));
	return call(tool_build, "build", in_dir("mistake.c"), "-o", in_dir("mistake.mod"), NULL);
}

/* What people write first and BPF has not: a message about their program, not about clang. */
static void mistakes(void **state)
{
	(void)state;
	assert_int_equal(build_text("CAPSULE_ENTRY(x) { int n = ctx->hops; return n / 3; }\n"), 1);
	assert_said(messages, "mistake.c:2:");
	assert_said(messages, "signed division");
	assert_null(strstr(messages, "Stack dump"));
	assert_null(strstr(messages, "bug report"));
	assert_int_equal(build_text("#include <string.h>\nCAPSULE_ENTRY(x) { return 0; }\n"), 1);
	assert_said(messages, "'string.h' file not found");
	assert_int_equal(build_text("CAPSULE_ENTRY(x) { }\n"), 1);
	assert_said(messages, "error: non-void function does not return a value");
	assert_int_equal(build_text("#include <stdbool.h>\n#include <stddef.h>\n"
				    "static uint8_t large[600];\n"
				    "CAPSULE_ENTRY(x) { return large[ctx->hops % 600]; }\n"),
			 0);
	assert_string_equal(messages, "");
}

static void keep(void **state)
{
	(void)state;
	assert_int_equal(call(tool_build, "build", "capsules/programs/ping.c", "-o",
			      in_dir("ping.mod"), "--keep", "--name", "pong", "--json", NULL),
			 0);
	assert_said(out, "\"name\":\t\"pong\"");
	assert_int_equal(access(in_dir("ping.o"), F_OK), 0);
	/* The object alone gives the same module. */
	assert_int_equal(call(tool_build, "build", in_dir("ping.o"), "-o", in_dir("again.mod"),
			      "--name", "pong", NULL),
			 0);
	assert_int_equal(call(tool_verify, "verify", in_dir("again.mod"), in_dir("ping.mod"), NULL),
			 0);
}

static void sign(void **state)
{
	struct wire_capsule c;
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(call(tool_sign, "sign", "--key", in_dir("alice.key"), "--from", "10.0.1.1",
			      "--to", "10.0.4.1", "--arg-text", "12345678", "--data", "8",
			      "--budget", "5000", "--entry", "trace", "--sequence", "9",
			      in_dir("trace.mod"), "-o", in_dir("a.cap"), NULL),
			 0);
	bytes = tool_read("test", in_dir("a.cap"), &len);
	assert_non_null(bytes);
	assert_int_equal(wire_parse(bytes, len, &c), WIRE_OK);
	assert_int_equal(c.sequence, 9);
	assert_int_equal(c.budget, 5000);
	assert_int_equal(c.hop.budget_left, 5000);
	assert_int_equal(c.arg_len, 8);
	assert_int_equal(c.payload_len, 16);
	assert_memory_equal(wire_payload(bytes), "12345678\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(c.hop.previous, c.origin, 16);
	assert_true(wire_verify(bytes, len));
	assert_int_equal(call(tool_verify, "verify", in_dir("a.cap"), NULL), 0);
	assert_said(out, "10.0.1.1 to 10.0.4.1");
	assert_int_equal(call(tool_verify, "verify", "--json", in_dir("a.cap"), NULL), 0);
	assert_said(out, "\"sequence\":\t\"9\"");
	/* Altered after signing. */
	bytes[240] ^= 1;
	write_file("b.cap", bytes, len);
	assert_int_equal(call(tool_verify, "verify", in_dir("b.cap"), NULL), 1);
	assert_said(messages, "bad-signature");
	write_file("b.cap", bytes, len - 1);
	assert_int_equal(call(tool_verify, "verify", in_dir("b.cap"), NULL), 1);
	assert_said(messages, "malformed");
	free(bytes);
}

static int sign_with(const char *option, const char *value)
{
	return call(tool_sign, "sign", "--key", in_dir("alice.key"), "--from", "10.0.1.1", "--to",
		    "10.0.4.1", in_dir("trace.mod"), "-o", in_dir("c.cap"), option, value, NULL);
}

static void sign_times(void **state)
{
	(void)state;
	assert_int_equal(sign_with("--not-after", "1000"), 0);
	assert_int_equal(call(tool_verify, "verify", in_dir("c.cap"), NULL), 1);
	assert_said(messages, "expired");
	assert_int_equal(call(tool_verify, "verify", "--at", "999", in_dir("c.cap"), NULL), 0);
	assert_int_equal(sign_with("--valid", "10"), 0);
	assert_int_equal(call(tool_verify, "verify", "--at", "1", in_dir("c.cap"), NULL), 1);
	assert_said(messages, "not-yet-valid");
	assert_int_equal(sign_with("--not-before", "99999999999"), 1);
	assert_said(messages, "validity");
	assert_int_equal(sign_with("--unsigned", NULL), 0);
	assert_int_equal(call(tool_verify, "verify", in_dir("c.cap"), NULL), 1);
	assert_said(messages, "unsigned");
}

static void sign_refusals(void **state)
{
	(void)state;
	unlink(in_dir("c.cap"));
	assert_int_equal(sign_with("--entry", "nobody"), 1);
	assert_int_equal(sign_with("--entry", "1"), 1);
	assert_int_equal(sign_with("--to", "10.0.4"), 64);
	assert_int_equal(sign_with("--to", "224.0.0.1"), 1);
	assert_int_equal(sign_with("--arg", "0g"), 64);
	assert_int_equal(sign_with("--data", "961"), 64);
	assert_int_equal(sign_with("--budget", "4294967296"), 64);
	assert_int_equal(sign_with("--budget", "-1"), 64);
	assert_int_equal(sign_with("--key", in_dir("alice.pub")), 1);
	assert_said(messages, "a public key");
	assert_int_equal(chmod(in_dir("alice.key"), 0644), 0);
	assert_int_equal(sign_with("--budget", "1"), 1);
	assert_said(messages, "chmod 600");
	assert_int_equal(chmod(in_dir("alice.key"), 0600), 0);
	assert_int_equal(access(in_dir("c.cap"), F_OK), -1);
	assert_int_equal(call(tool_sign, "sign", NULL), 64);
}

static void verify_refusals(void **state)
{
	(void)state;
	assert_int_equal(call(tool_verify, "verify", "/nonexistent", NULL), 1);
	assert_int_equal(call(tool_verify, "verify", NULL), 64);
	assert_int_equal(call(tool_verify, "verify", in_dir("alice.pub"), NULL), 0);
	assert_said(out, "principal alice ");
	assert_int_equal(call(tool_verify, "verify", in_dir("alice.key"), NULL), 1);
	assert_string_equal(out, "");
	write_file("x", (const uint8_t *)"hello", 5);
	assert_int_equal(call(tool_verify, "verify", in_dir("x"), NULL), 1);
	assert_int_equal(call(tool_verify, "verify", TEST_MODULES "/test/no-exit.mod", NULL), 1);
	assert_said(messages, "no-exit");
	assert_said(out, "refused: no-exit");
	assert_int_equal(
		call(tool_verify, "verify", "--json", TEST_MODULES "/test/forged-helper.mod", NULL),
		1);
	assert_said(out, "\"reason\":\t\"bad-helper\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keygen),
		cmocka_unit_test(build),
		cmocka_unit_test(keep),
		cmocka_unit_test(written_examples),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(sign),
		cmocka_unit_test(sign_times),
		cmocka_unit_test(sign_refusals),
		cmocka_unit_test(verify_refusals),
	};
	char command[300];
	int r;

	setenv("AMP_SDK", "capsules/include", 1);
	if (sodium_init() < 0 || !mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests_name("capsules/tool", tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0 ? 1 : r;
}
