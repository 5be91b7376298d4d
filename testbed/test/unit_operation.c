/* SPDX-License-Identifier: BSD-2-Clause */
/* unit_operation.c - what operators and their tools read: events, metrics, tables that come in parts; and what a configuration read again may change. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "testbed/control.h"
#include "testbed/log.h"
#include "testbed/metrics_text.h"
#include "testbed/reload.h"
#include "testbed/text.h"

/* ---- events ---- */

static char *written; /* to the log's file since log_begin */
static size_t written_len;
static struct log l;
static int standard_error;

static void log_begin(const char *format)
{
	assert_true(log_open(&l, format));
	strcpy(l.node, "r1");
	l.file = open_memstream(&written, &written_len);
	assert_non_null(l.file);
	/* Standard error is the test's own. */
	int null = open("/dev/null", O_WRONLY);

	standard_error = dup(2);
	assert_true(null >= 0 && standard_error >= 0 && dup2(null, 2) == 2);
	close(null);
}

static const char *log_ended(void)
{
	fclose(l.file);
	l.file = NULL;
	dup2(standard_error, 2);
	close(standard_error);
	return written;
}

static cJSON *line_of(const char *text)
{
	assert_non_null(strchr(text, '\n'));
	assert_ptr_equal(strchr(text, '\n')[1], 0);
	cJSON *o = cJSON_Parse(text);

	assert_non_null(o);
	free(written);
	return o;
}

static const char *text_of(const cJSON *o, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	assert_non_null(s);
	return s;
}

static void test_json(void **state)
{
	const struct log_field f[] = {
		{"seconds", NULL, 1.25}, {"why", "a \"quoted\" \\ word", 0}, {0}};

	(void)state;
	log_begin("json");
	log_event(&l, LOG_WARNING, "node", "restarted", f, "%d s", 1);
	cJSON *o = line_of(log_ended());

	assert_string_equal(text_of(o, "level"), "warning");
	assert_string_equal(text_of(o, "node"), "r1");
	assert_string_equal(text_of(o, "component"), "node");
	assert_string_equal(text_of(o, "event"), "restarted");
	assert_string_equal(text_of(o, "message"), "1 s");
	assert_string_equal(text_of(o, "why"), "a \"quoted\" \\ word");
	assert_true(cJSON_GetObjectItemCaseSensitive(o, "seconds")->valuedouble == 1.25);
	assert_int_equal(strlen(text_of(o, "time")), strlen("2026-01-02T03:04:05.678Z"));
	cJSON_Delete(o);
}

/* Neither lines nor cursors are anybody else's to move, and what is no UTF-8 does not get through: overlong, surrogates, cut, beyond the last. */
static void test_texts(void **state)
{
	static const struct {
		const char *in, *out;
	} all[] = {
		{"plain", "plain"},
		{"\xe2\x82\xac \xc3\xa4 \xf0\x9f\x90\xad",
		 "\xe2\x82\xac \xc3\xa4 \xf0\x9f\x90\xad"},
		{"a\nb\rc\td", "a?b?c?d"},
		{"\x1b[2J\x7f", "?[2J?"},
		{"\xc2\x9b"
		 "2J",
		 "?2J"}, /* CSI as one character */
		{"\xc0\x80", "??"},
		{"\xe0\x80\x80", "???"},
		{"\xed\xa0\x80", "???"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xff\xfe", "??"},
		{"\xe2\x82", "??"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct log_field f[] = {{"field", all[i].in, 0}, {0}};

		log_begin("json");
		log_event(&l, LOG_ERR, "config", "x", f, "%s", all[i].in);
		cJSON *o = line_of(log_ended());

		assert_string_equal(text_of(o, "message"), all[i].out);
		assert_string_equal(text_of(o, "field"), all[i].out);
		cJSON_Delete(o);
	}
}

static void test_text_format(void **state)
{
	(void)state;
	assert_false(log_open(&l, "xml"));
	log_begin("text");
	log_event(&l, LOG_INFO, "node", "ready", NULL, "it is ready");
	assert_non_null(strstr(log_ended(), " it is ready\n"));
	free(written);
}

/* Whoever brings lines about without end gets no more than some, and they are counted. */
static void test_often(void **state)
{
	unsigned lines = 0;

	(void)state;
	log_begin("text");
	for (int i = 0; i < 1000; i++)
		log_often(&l, LOG_INFO, "kernel", "link", NULL, "%d", i);
	for (const char *p = log_ended(); (p = strchr(p, '\n')); p++)
		lines++;
	assert_in_range(lines, 20, 23);
	assert_true(l.left_out >= 975);
	free(written);
}

/* ---- requests ---- */

static int request(const char *text, bool *head)
{
	return metrics_request(text, strlen(text), head);
}

static void test_requests(void **state)
{
	static const struct {
		const char *text;
		int status;
	} all[] = {
		{"", 0},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n", 0},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"GET /metrics HTTP/1.1\r\nhOST: x\r\nA: b\r\n\r\n", 200},
		{"GET /metrics HTTP/1.1\nHost: x\n\n", 200},
		{"GET /metrics HTTP/1.0\r\n\r\n", 200},
		{"GET /metrics?a HTTP/1.0\r\n\r\n", 200},
		{"GET http://[::1]:9/metrics HTTP/1.0\r\n\r\n", 200},
		{"GET http://x HTTP/1.0\r\n\r\n", 404},
		{"GET /metrics/ HTTP/1.0\r\n\r\n", 404},
		{"GET / HTTP/1.0\r\n\r\n", 404},
		{"PUT /metrics HTTP/1.0\r\n\r\n", 405},
		{"GET /metrics HTTP/1.1\r\n\r\n", 400},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
		{"GET\t/metrics HTTP/1.0\r\n\r\n", 400},
		{" GET /metrics HTTP/1.0\r\n\r\n", 400},
		{"GET /metrics  HTTP/1.0\r\n\r\n", 400},
		{"GET /metrics HTTP/1.0 \r\n\r\n", 400},
		{"GET /metrics\r\n\r\n", 400},
		{"GET\r\n\r\n", 400},
		{"\r\n\r\n", 400},
		{"\n\n", 400},
		{"GET /metrics HTTP/3.0\r\n\r\n", 505},
		{"GET /metrics HTTP/1.12\r\n\r\n", 505},
	};
	char large[METRICS_REQUEST + 100];
	bool head;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(request(all[i].text, &head), all[i].status);
		assert_false(head);
	}
	assert_int_equal(request("HEAD /metrics HTTP/1.0\r\n\r\n", &head), 200);
	assert_true(head);
	assert_int_equal(metrics_request("GET /metrics\0 HTTP/1.0\r\n\r\n", 26, &head), 400);
	memset(large, 'x', sizeof(large));
	assert_int_equal(metrics_request(large, METRICS_REQUEST - 1, &head), 0);
	assert_int_equal(metrics_request(large, METRICS_REQUEST, &head), 431);
	/* The empty line must stand within what is looked at. */
	memcpy(large + METRICS_REQUEST - 2, "\n\n\n", 3);
	assert_int_equal(metrics_request(large, METRICS_REQUEST + 1, &head), 400);
	memcpy(large + METRICS_REQUEST - 2, "xx\n\n", 4);
	assert_int_equal(metrics_request(large, METRICS_REQUEST + 2, &head), 431);
}

/* ---- the exposition ---- */

static char *exposition(const char *const text[METRICS_TABLES], const char *node)
{
	cJSON *rows[METRICS_TABLES];
	char *out;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	assert_non_null(f);
	for (unsigned i = 0; i < METRICS_TABLES; i++) {
		rows[i] = cJSON_Parse(text[i] ? text[i] : "[]");
		assert_non_null(rows[i]);
	}
	metrics_print(f, rows, node, "1.0");
	fclose(f);
	for (unsigned i = 0; i < METRICS_TABLES; i++)
		cJSON_Delete(rows[i]);
	return out;
}

static void has(const char *text, const char *line)
{
	const char *p = strstr(text, line);

	if (!p || (p != text && p[-1] != '\n'))
		fail_msg("no line %s in:\n%s", line, text);
}

static void test_exposition(void **state)
{
	const char *const text[METRICS_TABLES] = {
		[0] = "[{\"name\":\"lan\",\"port\":0,\"vlan\":0,\"mtu\":1500,\"state\":\"up\"},"
		      "{\"name\":\"lan.7\",\"port\":0,\"vlan\":7,\"mtu\":1400,\"state\":\"down\"}]",
		[1] = "[{\"port\":0,\"rx_packets\":9007199254740991,\"tx_packets\":0,\"rx_bytes\":"
		      "1,"
		      "\"tx_bytes\":2,\"txq\":3},{\"port\":1,\"rx_packets\":4}]",
		[2] = "[{\"group\":\"a\\\"b\\\\\",\"name\":\"x\\n\\u00e4\",\"value\":5}]",
		[4] = "[{\"name\":\"routes4\",\"type\":\"lpm4\",\"env\":1,\"used\":7,\"entries\":9}"
		      ","
		      "{\"name\":\"routes6\",\"type\":\"lpm6\",\"env\":1,\"used\":8,\"entries\":9},"
		      "{\"name\":\"routes4\",\"type\":\"lpm4\",\"env\":1,\"used\":1,\"entries\":9}"
		      "]",
		[5] = "[{\"port\":1,\"state\":\"resolved\"},{\"port\":1,\"state\":\"static\"},"
		      "{\"port\":1,\"state\":\"resolved\"}]",
		[7] = "[{\"processor\":3,\"busy_cycles\":10,\"sleep_cycles\":20}]",
		[8] = "[{\"name\":\"root\",\"state\":\"started\",\"frames\":3,\"quota\":4}]",
	};
	char *out = exposition(text, "r1");

	(void)state;
	has(out, "amp_build_info{version=\"1.0\",node=\"r1\"} 1\n");
	has(out, "amp_interface_up{name=\"lan\",vlan=\"0\"} 1\n");
	has(out, "amp_interface_up{name=\"lan.7\",vlan=\"7\"} 0\n");
	/* Every digit, and the port's name, not its VLAN's. */
	has(out, "amp_port_receive_packets_total{port=\"0\",interface=\"lan\"} 9007199254740991\n");
	has(out, "amp_port_receive_packets_total{port=\"1\",interface=\"\"} 4\n");
	has(out, "amp_drops_total{group=\"a\\\"b\\\\\",name=\"x\\n??\"} 5\n");
	/* Those of one name are added up: a series stands there once. */
	has(out, "amp_routes{family=\"ipv4\"} 8\namp_routes{family=\"ipv6\"} 8\n");
	has(out, "amp_neighbours{port=\"1\",state=\"resolved\"} 2\n");
	has(out, "amp_neighbours{port=\"1\",state=\"static\"} 1\n");
	has(out, "amp_lcore_cycles_total{processor=\"3\",state=\"busy\"} 10\n"
		 "amp_lcore_cycles_total{processor=\"3\",state=\"asleep\"} 20\n");
	has(out, "amp_domain_memory_bytes{name=\"root\"} 12288\n");
	has(out, "# HELP amp_routes Prefixes in the forwarding tables");
	has(out, "# TYPE amp_routes gauge\n");
	free(out);
}

/* A node with nothing in its tables, and rows that are not what they should be. */
static void test_exposition_of_nothing(void **state)
{
	const char *const none[METRICS_TABLES] = {NULL};
	const char *const odd[METRICS_TABLES] = {"[1,\"x\",null,{},[]]",
						 "[{\"port\":\"x\"}]",
						 "{}",
						 "[[]]",
						 "[{\"name\":7}]",
						 "[{}]",
						 "[{}]",
						 "[{}]",
						 "[null]"};
	char *out = exposition(none, "");

	(void)state;
	has(out, "# TYPE amp_domain_packets_total counter\n");
	assert_null(strstr(out, "amp_routes{"));
	free(out);
	free(exposition(odd, "r\"1\n"));
}

/* However long the names, what stands between the braces is whole, and there is no more of it than fits. */
static void test_exposition_of_long_names(void **state)
{
	char name[4000], row[3 * sizeof(name) + 100];
	const char *text[METRICS_TABLES] = {[6] = row};

	(void)state;
	memset(name, '"', sizeof(name));
	name[sizeof(name) - 1] = 0;
	int n = snprintf(row, sizeof(row), "[{\"id\":1,\"kind\":\"%s\",\"name\":\"", "x");

	for (const char *p = name; *p; p++)
		n += snprintf(row + n, sizeof(row) - (size_t)n, "\\\"");
	snprintf(row + n, sizeof(row) - (size_t)n, "\",\"runs\":7}]");
	char *out = exposition(text, "r1");
	const char *line = strstr(out, "amp_handler_runs_total{");

	assert_non_null(line);
	const char *end = strchr(line, '\n');

	assert_in_range(end - line, 64, 1024);
	assert_memory_equal(end - strlen("kind=\"x\",env=\"0\"} 7"), "kind=\"x\",env=\"0\"} 7",
			    strlen("kind=\"x\",env=\"0\"} 7"));
	free(out);
}

/* ---- what a command hears ---- */

/* Here a command has its testbed already. */
bool state_find(const char *which, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	(void)which;
	(void)dir;
	(void)err;
	return false;
}

static bool show(void *rows, cJSON *row)
{
	rows_add(rows, row);
	cJSON_Delete(row);
	return true;
}

/* A node may answer with what is no row. */
static void test_answers_that_are_no_rows(void **state)
{
	static const char said[] = "c1 [[1,2],3]\nc1 7\nc1 \"x\"\nc1 null\nc1 {\nc1 {\"a\":1}\n"
				   "c1 [1]\nc1 .\n";
	static struct control c;
	struct rows rows;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c.fd = pair[0];
	assert_int_equal(write(pair[1], said, sizeof(said) - 1), sizeof(said) - 1);
	rows_begin(&rows, false);
	assert_true(control_rows(&c, "r1", show, &rows, "show ports"));
	assert_int_equal(rows.n, 1);
	assert_string_equal(rows.column[0], "a");
	rows_end(&rows);
	control_close(&c);
	close(pair[1]);
}

/* Nobody is waited for at the other end of what is no regular file; at the start of a router one may be. */
static void test_file_at_once(void **state)
{
	char path[] = "/tmp/unit_operation.XXXXXX";
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(path));
	assert_null(text_file_at_once(path, 9, &len));
	assert_int_equal(errno, EISDIR);
	rmdir(path);
	assert_null(text_file_at_once(path, 9, &len));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(20);
	assert_null(text_file_at_once(path, 9, &len));
	alarm(0);
	assert_int_equal(errno, EINVAL);
	unlink(path);
	assert_null(text_file_at_once("/dev/zero", 9, &len));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(text_write(path, "123456789", 9), 0);
	char *text = text_file_at_once(path, 9, &len);

	assert_string_equal(text, "123456789");
	free(text);
	assert_null(text_file_at_once(path, 8, &len));
	assert_int_equal(errno, EFBIG);
	unlink(path);
}

/* ---- tables in parts ---- */

static void test_table_in_parts(void **state)
{
	struct table t;
	char *out;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	(void)state;
	table_init(&t, "name|n|text");
	table_row(&t, "%s", "first\t10\tx");
	table_flush(&t, f);
	table_row(&t, "%s", "a\t5\ty");
	table_row(&t, "%s", "longer than that\t123\t");
	table_print(&t, f);
	fclose(f);
	assert_string_equal(out, "name    n  text\n"
				 "first  10  x\n"
				 "a                   5  y\n"
				 "longer than that  123\n");
	free(out);
}

/* ---- a configuration read again ---- */

#define TWO                        \
	"node r1\n"                \
	"interface lan tap:lan0\n" \
	"interface wan tap:wan0 mirror\n"

static char differs[256];

static void differ(void *arg, const char *what)
{
	(void)arg;
	text_append(differs, sizeof(differs), "%s;", what);
}

static bool compare(const char *before, const char *after)
{
	struct router_error e[ROUTER_ERRORS];
	struct router a, b;

	assert_int_equal(router_parse(&a, before, strlen(before), NULL, e), 0);
	assert_int_equal(router_parse(&b, after, strlen(after), NULL, e), 0);
	differs[0] = 0;
	bool same = reload_compare(&a, &b, differ, NULL);

	router_free(&a);
	router_free(&b);
	return same;
}

static void test_compare(void **state)
{
	(void)state;
	assert_true(compare(TWO, TWO "port lan address 10.0.0.1/8\nmetrics 127.0.0.1:1\n"));
	assert_string_equal(differs, "");
	assert_true(
		compare(TWO, TWO "memory 64\nlcores 1\nhugepages on\nhitless off\nroutes 2000\n"));
	assert_string_equal(differs, "lcores;memory;hugepages;hitless;routes;");
	assert_true(compare(TWO, "node r1\ninterface lan tap:lan1\ninterface wan tap:wan0\n"));
	assert_string_equal(differs, "interface lan;interface wan;");
	assert_false(
		compare(TWO, "node r2\ninterface lan tap:lan0\ninterface wan tap:wan0 mirror\n"));
	assert_false(compare(TWO, "node r1\ninterface lan tap:lan0\n"));
	assert_false(
		compare(TWO, "node r1\ninterface wan tap:wan0 mirror\ninterface lan tap:lan0\n"));
	assert_false(compare(TWO, TWO "interface dmz tap:dmz0\n"));
}

static void test_metrics_line(void **state)
{
	struct router_error e[ROUTER_ERRORS];
	struct router r;

	(void)state;
	assert_int_equal(router_parse(&r, TWO, strlen(TWO), NULL, e), 0);
	assert_int_equal(r.metrics.length, 0);
	router_free(&r);
	assert_int_equal(router_parse(&r, TWO "metrics [fd00::1]:9477\n",
				      strlen(TWO "metrics [fd00::1]:9477\n"), NULL, e),
			 0);
	assert_string_equal(r.metrics.text, "[fd00::1]:9477");
	assert_int_equal(r.metrics.address.ss_family, AF_INET6);
	assert_int_equal(r.metrics.length, 28);
	router_free(&r);
	assert_int_equal(router_parse(&r, TWO "metrics [fd00::1:9477\n",
				      strlen(TWO "metrics [fd00::1:9477\n"), NULL, e),
			 1);
	assert_int_equal(e[0].line, 4);
	assert_int_equal(e[0].column, 9);
	router_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_text_format),
		cmocka_unit_test(test_often),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_exposition),
		cmocka_unit_test(test_exposition_of_nothing),
		cmocka_unit_test(test_exposition_of_long_names),
		cmocka_unit_test(test_answers_that_are_no_rows),
		cmocka_unit_test(test_file_at_once),
		cmocka_unit_test(test_table_in_parts),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_metrics_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
