/* SPDX-License-Identifier: BSD-2-Clause */
/* unit_mux.c - requests to a node that answers with nonsense, with too much, or not at all; and clients that go away. The node is a pair of sockets. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "testbed/supervisor.h"
#include "testbed/text.h"

/* ---- what else a supervisor is made of ---- */

void sup_error(struct sup *s, const char *fmt, ...)
{
	(void)s;
	(void)fmt;
}

void sup_node_ready(struct sup *s, struct node *n)
{
	(void)s;
	n->state = NODE_READY;
}

void sup_node_ended(struct sup *s, struct node *n, const char *why)
{
	(void)s;
	(void)n;
	(void)why;
}

void sup_stop(struct sup *s)
{
	s->stopping = true;
}

bool rows_answer(struct sup *s, struct chan *to, const char *id, const char *what)
{
	(void)s;
	(void)to;
	(void)id;
	(void)what;
	return false;
}

const char *node_status_text(const struct node *n, char *buf, size_t size)
{
	(void)n;
	snprintf(buf, size, "killed");
	return buf;
}

void twins_update(struct sup *sup)
{
	(void)sup;
}

uint32_t topo_find(const struct topo *t, const char *name)
{
	return strcmp(t->node[0].name, name) ? TOPO_NONE : 0;
}

/* ---- a node and its supervisor ---- */

static struct topo topo;
static struct router router;
static struct log quiet;
static struct sup_options opt = {.topo = &topo, .router = &router, .log = &quiet};
static struct sup *s;
static struct node *node;
static int kernel, people; /* the node's ends of its consoles */
static char dir[] = "/tmp/unit_mux.XXXXXX";

static int begin(void **state)
{
	int a[2], b[2];

	(void)state;
	s = calloc(1, sizeof(*s));
	assert_true(log_open(&quiet, "text"));
	topo.nnode = 1;
	strcpy(topo.node[0].name, "r1");
	topo.node[0].kind = TOPO_ROUTER;
	strcpy(router.name, "r1");
	opt.dir = dir;
	s->opt = &opt;
	s->topo = &topo;
	s->ready = true;
	node = &s->node[0];
	*node = (struct node){.sup = s, .conf = &topo.node[0], .state = NODE_READY};
	node->log = node->events = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (loop_init(&s->loop) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b) || mux_open(s))
		return -1;
	people = a[1];
	kernel = b[1];
	return mux_node(node, (int[2]){a[0], a[0]}, (int[2]){b[0], b[0]});
}

static int ended(void **state)
{
	char path[64];

	(void)state;
	metrics_close(&s->metrics);
	mux_close(s);
	loop_fini(&s->loop);
	close(node->log);
	close(kernel);
	close(people);
	snprintf(path, sizeof(path), "%s/ctl", dir);
	unlink(path);
	router_free(&router);
	free(s);
	return 0;
}

static void steps(void)
{
	for (int i = 0; i < 4; i++)
		loop_step(&s->loop, 0);
}

static int connected(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/ctl", dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	steps();
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	steps();
}

/* What has come, and nothing when nothing has. */
static const char *heard(int fd)
{
	static char text[65536];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n < 0 ? 0 : n] = 0;
	return text;
}

/* The id under which the node was asked for what the text begins with. */
static const char *asked(const char *what)
{
	static char id[32];
	const char *line = heard(kernel), *blank = strchr(line, ' ');

	assert_non_null(blank);
	assert_memory_equal(blank + 1, what, strlen(what));
	snprintf(id, sizeof(id), "%.*s", (int)(blank - line), line);
	return id;
}

static void answer(const char *id, const char *rest)
{
	char line[256];

	snprintf(line, sizeof(line), "%s %s\n", id, rest);
	say(kernel, line);
}

static unsigned used(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < SUP_PENDING; i++)
		n += s->pending[i].used;
	return n;
}

/* As if that long had passed. */
static void silence(uint64_t ns)
{
	for (uint32_t i = 0; i < SUP_PENDING; i++)
		s->pending[i].heard -= ns;
	mux_tick(s);
	steps();
}

/* ---- tables in parts ---- */

static void test_parts(void **state)
{
	int c = connected();
	char id[32];

	(void)state;
	say(c, "x r1 show routes\n");
	strcpy(id, asked("show routes\n"));
	answer(id, "{\"a\":1}");
	answer(id, "+ 256");
	assert_string_equal(heard(c), "x {\"a\":1}\n");
	assert_string_equal(asked("show routes from 256\n"), id);
	answer(id, ".");
	assert_string_equal(heard(c), "x .\n");
	assert_int_equal(used(), 0);
	close(c);
}

/* Each of these would be asked for once more without end, or never again. */
static void test_parts_without_end(void **state)
{
	static const char *const nonsense[] = {"+ 256", "+ 255", "+ 0",		 "+ ",
					       "+ -1",	"+ x",	 "+ 4294967296", "+ 257 258"};

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		int c = connected();
		char id[32];

		say(c, "x r1 show routes\n");
		strcpy(id, asked("show routes\n"));
		answer(id, "+ 256");
		asked("show routes from 256\n");
		answer(id, nonsense[i]);
		assert_string_equal(heard(c), "x ! the node's answer makes no sense\n");
		assert_string_equal(heard(kernel), "");
		assert_int_equal(used(), 0);
		close(c);
		steps();
	}
}

static void test_parts_of_no_table(void **state)
{
	int c = connected();

	(void)state;
	say(c, "x r1 ping 10.0.0.1\n");
	answer(asked("ping"), "+ 1");
	assert_string_equal(heard(c), "x ! the node's answer makes no sense\n");
	assert_int_equal(used(), 0);
	close(c);
}

/* A client that stops reading keeps its place as long as it is there, and no longer. */
static void test_client_leaves_between_parts(void **state)
{
	char id[32], row[200];
	int c = connected();

	(void)state;
	say(c, "x r1 show routes\n");
	strcpy(id, asked("show routes\n"));
	memset(row, ' ', sizeof(row));
	memcpy(row, "{", 1);
	strcpy(row + sizeof(row) - 2, "}");
	for (int i = 0; i < 10000 && !s->client[0].chan.waits; i++)
		answer(id, row);
	assert_true(s->client[0].chan.waits);
	answer(id, "+ 256");
	assert_string_equal(heard(kernel), "");
	silence(3600000000000ull);
	assert_int_equal(used(), 1);
	close(c);
	steps();
	assert_int_equal(used(), 0);
}

/* ---- a node that does not answer ---- */

static char own_end[200];
static unsigned own_rows;

static void own(void *arg, const char *rest)
{
	(void)arg;
	if (*rest == '.' || *rest == '!')
		snprintf(own_end, sizeof(own_end), "%s", rest);
	else
		own_rows++;
}

static void test_silence(void **state)
{
	int c = connected();

	(void)state;
	*own_end = 0;
	for (unsigned i = 0; i < SUP_PENDING - 1; i++)
		say(c, "x r1 show ports\n");
	assert_true(mux_ask(node, "reload", own, NULL));
	assert_false(mux_ask(node, "reload", own, NULL));
	silence(59000000000ull);
	assert_int_equal(used(), SUP_PENDING);
	silence(1000000000ull);
	assert_int_equal(used(), 0);
	assert_string_equal(own_end, "! the node does not answer");
	assert_memory_equal(heard(c), "x ! the node does not answer\n", 29);
	assert_true(mux_ask(node, "reload", own, NULL));
	close(c);
}

/* A word about it is enough, however long the whole takes. */
static void test_slow(void **state)
{
	int c = connected();
	char id[32];

	(void)state;
	say(c, "x r1 show routes\n");
	strcpy(id, asked("show routes\n"));
	for (int i = 0; i < 5; i++) {
		silence(50000000000ull);
		answer(id, "{}");
	}
	assert_int_equal(used(), 1);
	close(c);
}

/* ---- metrics ---- */

static int scrape(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	if (!s->metrics.listen.loop) {
		router.metrics.length = sizeof(struct sockaddr_in);
		*(struct sockaddr_in *)&router.metrics.address = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		assert_true(metrics_open(&s->metrics, s));
	}
	assert_int_equal(getsockname(s->metrics.listen.fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	say(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	return fd;
}

/* The ids of the nine tables that were asked for. */
static void asked_all(char id[METRICS_TABLES][32])
{
	char *line = strdup(heard(kernel)), *next = line;

	for (unsigned i = 0; i < METRICS_TABLES; i++) {
		assert_int_equal(sscanf(next, "%31s show", id[i]), 1);
		next = strchr(next, '\n') + 1;
	}
	assert_string_equal(next, "");
	free(line);
}

/* Rows without end: no more of them are held than a node that is well has, and the next scrape is as good as ever. */
static void test_rows_without_end(void **state)
{
	char id[METRICS_TABLES][32];
	int fd = scrape();

	(void)state;
	asked_all(id);
	for (int i = 0; i < 20000; i++)
		answer(id[i % METRICS_TABLES], "{\"id\":1,\"name\":[1,2,3,4,5,6,7,8]}");
	size_t rows = 0;

	for (unsigned i = 0; i < METRICS_TABLES; i++)
		rows += (size_t)cJSON_GetArraySize(s->metrics.rows[i]);
	assert_in_range(rows, 4096, METRICS_TAKEN / METRICS_ROW);
	for (unsigned i = 0; i < METRICS_TABLES; i++)
		answer(id[i], ".");
	assert_memory_equal(heard(fd), "HTTP/1.1 503 ", 13);
	close(fd);
	fd = scrape();
	asked_all(id);
	for (unsigned i = 0; i < METRICS_TABLES; i++)
		answer(id[i], ".");
	assert_memory_equal(heard(fd), "HTTP/1.1 200 ", 13);
	close(fd);
}

/* Nothing is kept for a scrape whose answers never come. */
static void test_scrape_in_silence(void **state)
{
	int fd = scrape();

	(void)state;
	assert_int_equal(used(), METRICS_TABLES);
	s->metrics.asked = 1; /* long ago */
	metrics_tick(&s->metrics);
	assert_memory_equal(heard(fd), "HTTP/1.1 503 ", 13);
	silence(60000000000ull);
	assert_int_equal(used(), 0);
	close(fd);
}

/* ---- a configuration that is read again ---- */

#define FIRST "node r1\ninterface lan tap:lan0\n"
#define SECOND FIRST "role host\n"

static char file[64], in_force[64];

/* The file, and what the supervisor has written for the node. */
static void configured(const char *now, const char *next)
{
	snprintf(file, sizeof(file), "%s/r.conf", dir);
	snprintf(in_force, sizeof(in_force), "%s/r1.conf", dir);
	opt.file = file;
	assert_int_equal(text_write(file, now, strlen(now)), 0);
	assert_true(router_load(&router, file, NULL, true, &quiet));
	assert_int_equal(text_write(file, next, strlen(next)), 0);
}

static void in_force_is_second(bool second)
{
	size_t len;
	char *is = text_file(in_force, 1000, &len);

	assert_non_null(is);
	assert_true(second == (strstr(is, "role host") != NULL));
	free(is);
	unlink(in_force);
	unlink(file);
}

/*
 * The environment was started again, and read the file before it was written: it is asked once more, as its being ready does not say which one it
 * read.
 */
static void test_reload_meets_a_restart(void **state)
{
	int c = connected();

	(void)state;
	configured(FIRST, SECOND);
	say(c, "x - reload\n");
	asked("reload\n");
	say(kernel, "* {\"event\":\"ready\",\"node\":\"r1\"}\n");
	assert_true(s->reload.busy);
	answer(asked("reload\n"), ".");
	assert_false(s->reload.busy);
	assert_non_null(strstr(heard(c), "\nx .\n"));
	in_force_is_second(true);
	close(c);
}

/* The node says nothing: what was in force stays, and the next one who asks is not told that somebody else has asked already. */
static void test_reload_in_silence(void **state)
{
	int c = connected();

	(void)state;
	configured(FIRST, SECOND);
	say(c, "x - reload\n");
	asked("reload\n");
	silence(60000000000ull);
	assert_non_null(strstr(heard(c), "x ! nothing was changed\n"));
	in_force_is_second(false);
	assert_false(s->reload.busy);
	close(c);
}

/* Signals meanwhile are one, and come into force behind it; so does one from before the router is ready. */
static void test_reload_twice(void **state)
{
	(void)state;
	configured(FIRST, SECOND);
	s->ready = false;
	reload_begin(s, NULL, "");
	assert_true(s->reload.again && !s->reload.busy);
	s->ready = true;
	reload_begin(s, NULL, "");
	reload_begin(s, NULL, "");
	reload_begin(s, NULL, "");
	answer(asked("reload\n"), ".");
	answer(asked("reload\n"), ".");
	assert_string_equal(heard(kernel), "");
	assert_false(s->reload.busy);
	in_force_is_second(true);
}

int main(void)
{
#define WITH_NODE(test) cmocka_unit_test_setup_teardown(test, begin, ended)
	const struct CMUnitTest tests[] = {
		WITH_NODE(test_parts),
		WITH_NODE(test_parts_without_end),
		WITH_NODE(test_parts_of_no_table),
		WITH_NODE(test_client_leaves_between_parts),
		WITH_NODE(test_silence),
		WITH_NODE(test_slow),
		WITH_NODE(test_rows_without_end),
		WITH_NODE(test_scrape_in_silence),
		WITH_NODE(test_reload_meets_a_restart),
		WITH_NODE(test_reload_in_silence),
		WITH_NODE(test_reload_twice),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	rmdir(dir);
	return failed;
}
