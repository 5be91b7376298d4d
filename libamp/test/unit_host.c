/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit_host.c - the host backend against a second party on the other end of its sockets: filters,
 * rings, counters, consoles, timers.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "amp/host.h"

static char dir[64], path_a[108], path_b[108];

static int peer_open(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strcpy(sa.sun_path, path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void peer_send(int fd, const char *path, const void *data, size_t len)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	strcpy(sa.sun_path, path);
	assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&sa, sizeof(sa)), len);
}

/* A frame of 64 bytes with this Ethernet type and a number behind the header. */
static void frame(uint8_t *f, uint16_t type, uint8_t number)
{
	memset(f, 0, 64);
	f[12] = (uint8_t)(type >> 8);
	f[13] = (uint8_t)type;
	f[14] = number;
}

static struct xok_filter type_filter(int32_t port, uint16_t type)
{
	return (struct xok_filter){
		.port = port,
		.natoms = 1,
		.atom = {{.off = 12,
			  .size = 2,
			  .kind = XOK_ATOM_EQ,
			  .mask = 0xffff,
			  .value = type}},
	};
}

static uint32_t ngot, stop_after;
static uint8_t numbers[1024];
static uint32_t queued[1024];
static struct amp_ring *close_me;

static void got(void *arg, struct amp_packet *p)
{
	(void)arg;
	assert_int_equal(p->len, 64);
	assert_int_equal(p->port, 0);
	assert_true(p->time != 0 && p->time <= amp_now());
	numbers[ngot] = p->data[14];
	queued[ngot++] = p->queued;
	p->data[14] = 0xff; /* the receiver may write */
	if (close_me != NULL) {
		amp_ring_close(close_me);
		close_me = NULL;
	}
	if (ngot == stop_after)
		amp_stop(0);
}

static void stop_now(void *arg)
{
	amp_stop((int)(intptr_t)arg);
}

/* Runs the loop until `want` packets came or 2 s are over. */
static void run_for(uint32_t want)
{
	struct amp_timer t = {.fn = stop_now, .arg = (void *)1};

	ngot = 0;
	stop_after = want;
	amp_timer_in(&t, 2000000000u);
	amp_run();
	amp_timer_cancel(&t);
}

/* Runs one short while without expecting anything. */
static void run_briefly(void)
{
	struct amp_timer t = {.fn = stop_now, .arg = NULL};

	ngot = 0;
	stop_after = 0;
	amp_timer_in(&t, 20000000u);
	amp_run();
}

static void start(const int fds[2])
{
	struct amp_host_port port = {.local = path_a, .remote = path_b, .mac = {2, 0, 0, 0, 0, 1}};

	assert_int_equal(amp_host_init("unit", &port, 1, fds), 0);
}

static const int no_cons[2] = {-1, -1};

static void test_receive(void **state)
{
	struct amp_ring *r;
	struct xok_filter f = type_filter(0, 0x0800), arp = type_filter(XOK_PORT_ANY, 0x0806);
	uint8_t buf[2000];
	int64_t id, arp_id;
	int peer;

	(void)state;
	start(no_cons);
	peer = peer_open(path_b);
	assert_int_equal(amp_ports(), 1);
	assert_null(amp_port(1));
	assert_null(amp_ring_open(3, got, NULL));
	r = amp_ring_open(8, got, NULL);
	assert_non_null(r);
	id = amp_filter_add(r, &f);
	assert_true(id >= 0);
	arp_id = amp_filter_add(r, &arp);
	assert_true(arp_id >= 0 && arp_id != id);
	assert_int_equal(amp_filter_add(r, &f), XOK_EBUSY);
	assert_int_equal(amp_port(0)->nfilter, 2);

	/*
	 * Ten for a ring of eight: two are counted, eight come in order, and each knows how many
	 * wait behind it.
	 */
	for (uint8_t i = 0; i < 10; i++) {
		frame(buf, 0x0800, i);
		peer_send(peer, path_a, buf, 64);
	}
	run_for(8);
	assert_int_equal(ngot, 8);
	for (uint8_t i = 0; i < 8; i++) {
		assert_int_equal(numbers[i], i);
		assert_int_equal(queued[i], 7 - i);
	}
	assert_int_equal(amp_port(0)->rx_packets, 10);
	assert_int_equal(amp_port(0)->rx_ring_full, 2);

	/* Nobody wants this type; this one is too short, this one too long. */
	frame(buf, 0x86dd, 0);
	peer_send(peer, path_a, buf, 64);
	peer_send(peer, path_a, buf, 13);
	peer_send(peer, path_a, buf, XOK_FRAME_MAX + 1);
	frame(buf, 0x0806, 9);
	peer_send(peer, path_a, buf, 64);
	run_for(1);
	assert_int_equal(ngot, 1);
	assert_int_equal(numbers[0], 9);
	assert_int_equal(amp_port(0)->rx_no_filter, 1);
	assert_int_equal(amp_port(0)->rx_bad_length, 2);

	assert_int_equal(amp_filter_remove((uint32_t)arp_id), XOK_OK);
	assert_int_equal(amp_filter_remove((uint32_t)arp_id), XOK_ENOENT);
	peer_send(peer, path_a, buf, 64);
	run_briefly();
	assert_int_equal(ngot, 0);
	assert_int_equal(amp_port(0)->rx_no_filter, 2);

	/*
	 * A ring closed from its own callback takes its filters with it, and its name is free again
	 * at once.
	 */
	close_me = r;
	frame(buf, 0x0800, 1);
	peer_send(peer, path_a, buf, 64);
	peer_send(peer, path_a, buf, 64);
	run_briefly();
	assert_int_equal(ngot, 1);
	assert_int_equal(amp_port(0)->nfilter, 0);
	r = amp_ring_open(2, got, NULL);
	assert_true(amp_filter_add(r, &f) >= 0);
	amp_ring_close(r);
	run_briefly();
	close(peer);
	amp_host_fini();
	assert_int_equal(access(path_a, F_OK), -1);
}

static void test_transmit(void **state)
{
	uint8_t head[14] = {0xff}, body[1500], buf[2048];
	struct xok_iov iov[2] = {
		{.base = (uintptr_t)head, .len = sizeof(head)},
		{.base = (uintptr_t)body, .len = 100},
	};
	int peer;

	(void)state;
	start(no_cons);
	memset(body, 7, sizeof(body));
	/* Nobody is there: dropped, counted, no error. */
	assert_int_equal(amp_transmit(0, iov, 2), XOK_OK);
	assert_int_equal(amp_host_port_drops(0)->tx_no_peer, 1);
	assert_int_equal(amp_port(0)->tx_packets, 0);

	peer = peer_open(path_b);
	assert_int_equal(amp_transmit(0, iov, 2), XOK_OK);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 114);
	assert_int_equal(buf[0], 0xff);
	assert_int_equal(buf[14], 7);
	assert_int_equal(amp_port(0)->tx_packets, 1);
	assert_int_equal(amp_port(0)->tx_bytes, 114);

	assert_int_equal(amp_transmit(1, iov, 2), XOK_ENOENT);
	assert_int_equal(amp_transmit(0, iov, 0), XOK_EINVAL);
	assert_int_equal(amp_transmit(0, iov, XOK_NIOV + 1), XOK_EINVAL);
	iov[1].len = 1500;
	assert_int_equal(amp_transmit(0, iov, 2), XOK_OK);
	iov[1].len = XOK_FRAME_MAX - sizeof(head) + 1;
	assert_int_equal(amp_transmit(0, iov, 2), XOK_EINVAL);
	iov[1].len = UINT64_MAX;
	assert_int_equal(amp_transmit(0, iov, 2), XOK_EINVAL);
	iov[0].len = 13;
	assert_int_equal(amp_transmit(0, iov, 1), XOK_EINVAL);

	/* A peer that does not read: the queue fills up and says so. */
	iov[0].len = 14;
	for (uint32_t i = 0; i < 100000; i++)
		if (amp_transmit(0, iov, 1) == XOK_EAGAIN)
			break;
	assert_int_equal(amp_port(0)->tx_full, 1);
	close(peer);
	amp_host_fini();
}

static char line_text[64];
static bool line_cut;

static void on_line(void *arg, char *line, bool cut)
{
	(void)arg;
	snprintf(line_text, sizeof(line_text), "%s", line);
	line_cut = cut;
	if (strcmp(line, "stop") == 0)
		amp_stop(42);
}

static uint32_t watched;

static void on_watch(void *arg, int fd)
{
	char c;

	(void)arg;
	assert_int_equal(read(fd, &c, 1), 1);
	watched++;
	amp_host_unwatch(fd);
	amp_post(XOK_EV_USER);
}

static uint32_t event_bits;

static void on_events(void *arg, uint32_t bits)
{
	(void)arg;
	event_bits |= bits;
	amp_stop(7);
}

static void test_cons_and_watch(void **state)
{
	int sv[2], pipefd[2], fds[2];
	char buf[64];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(pipe(pipefd), 0);
	fds[0] = -1;
	fds[1] = sv[0];
	start(fds);
	assert_int_equal(amp_cons_open(0, on_line, NULL), XOK_ENOENT);
	assert_int_equal(amp_cons_open(2, on_line, NULL), XOK_ENOENT);
	assert_int_equal(amp_cons_open(1, on_line, NULL), XOK_OK);
	assert_int_equal(amp_cons_open(1, on_line, NULL), XOK_EBUSY);
	assert_int_equal(write(sv[1], "stop\n", 5), 5);
	assert_int_equal(amp_run(), 42);
	assert_string_equal(line_text, "stop");
	assert_int_equal(amp_cons_write(1, "hello", 5), XOK_OK);
	assert_int_equal(read(sv[1], buf, sizeof(buf)), 5);

	assert_int_equal(amp_host_watch(pipefd[0], on_watch, NULL), XOK_OK);
	assert_int_equal(amp_host_watch(pipefd[0], on_watch, NULL), XOK_EBUSY);
	amp_on_events(on_events, NULL);
	assert_int_equal(write(pipefd[1], "x", 1), 1);
	assert_int_equal(amp_run(), 7);
	assert_int_equal(watched, 1);
	assert_int_equal(event_bits, XOK_EV_USER);

	/*
	 * The reader is gone: an error, not a signal, and the loop does not spin on the dead
	 * descriptor.
	 */
	close(sv[1]);
	assert_int_equal(amp_cons_write(1, "hello", 5), XOK_ENOENT);
	run_briefly();
	close(sv[0]);
	close(pipefd[0]);
	close(pipefd[1]);
	amp_host_fini();
}

/*
 * A reader who stops: the write gives up, later ones fail at once, and when he reads again the line that was cut is
 * ended before the next begins. Descriptors that block are no different.
 */
static void test_console_that_nobody_reads(void **state)
{
	static char buf[1 << 20];
	int fds[2] = {-1, -1}, sv[2];
	uint64_t before;
	size_t got = 0;
	ssize_t n;

	(void)state;
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	fds[1] = sv[0];
	start(fds);
	assert_int_equal(amp_cons_write(1, buf, sizeof(buf)), XOK_EAGAIN);
	before = amp_now();
	assert_int_equal(amp_cons_write(1, "lost\n", 5), XOK_EAGAIN);
	assert_true(amp_now() - before < 100000000u);
	while ((n = recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		got += (size_t)n;
	assert_true(got > 0 && got < sizeof(buf));
	assert_int_equal(amp_cons_write(1, "next\n", 5), XOK_OK);
	assert_int_equal(recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT), 6);
	assert_memory_equal(buf, "\nnext\n", 6);
	close(sv[0]);
	close(sv[1]);
	amp_host_fini();
}

/* Two processes on the two ends of a link: a ping-pong of a hundred frames. */
static uint32_t rounds;

static void bounce(void *arg, struct amp_packet *p)
{
	struct xok_iov iov = {.base = (uintptr_t)p->data, .len = p->len};

	(void)arg;
	if (++p->data[14] >= 100)
		amp_stop(0);
	rounds++;
	amp_transmit(p->port, &iov, 1);
}

static int bouncer(const char *local, const char *remote, bool serve)
{
	struct amp_host_port port = {.local = local, .remote = remote};
	struct amp_timer end = {.fn = stop_now, .arg = (void *)1};
	struct xok_filter all = {.port = XOK_PORT_ANY};
	struct amp_ring *r;
	uint8_t buf[64];
	struct xok_iov iov = {.base = (uintptr_t)buf, .len = sizeof(buf)};
	int code;

	if (amp_host_init("bouncer", &port, 1, no_cons) != 0)
		return 2;
	r = amp_ring_open(4, bounce, NULL);
	if (amp_filter_add(r, &all) < 0)
		return 3;
	frame(buf, 0x0800, 0);
	while (serve && amp_host_port_drops(0)->tx_no_peer == 0 && amp_port(0)->tx_packets == 0)
		amp_transmit(0, &iov, 1);
	while (serve && amp_port(0)->tx_packets == 0)
		amp_transmit(0, &iov, 1);
	amp_timer_in(&end, 5000000000u);
	code = amp_run();
	amp_timer_cancel(&end);
	amp_ring_close(r);
	amp_post(XOK_EV_USER);
	amp_stop(code);
	code = amp_run();
	amp_host_fini();
	return code;
}

static void test_two_processes(void **state)
{
	pid_t child;
	int status;

	(void)state;
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(bouncer(path_b, path_a, false));
	assert_int_equal(bouncer(path_a, path_b, true), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(rounds >= 49);
}

static void test_offers(void **state)
{
	struct amp_spawn s = {.file = "x"};
	const struct xok_table_spec table = {
		.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 1};
	const struct xok_prog_spec prog = {.ninsn = 1};
	char why[AMP_WHY] = "";
	uint64_t before, now;
	uint8_t a[1000], b[1000];
	size_t len = 1;
	char *p;

	(void)state;
	assert_int_equal(amp_spawn(&s), XOK_ENOSYS);
	assert_int_equal(amp_table_create(&table), XOK_ENOSYS);
	assert_null(amp_table_memory(1, &len));
	assert_int_equal(amp_prog_load(&prog, why), XOK_ENOSYS);
	assert_true(why[0] != 0);
	assert_int_equal(amp_handler_bind(0, 1), XOK_ENOSYS);
	assert_true(amp_progs() == 0 && amp_tables() == 0);
	assert_null(amp_boot_file("x", &len));
	assert_int_equal(len, 0);
	assert_int_equal(amp_boot_forget("x"), XOK_ENOSYS);
	p = amp_share_alloc(5000);
	assert_int_equal((uintptr_t)p % XOK_PAGE, 0);
	assert_int_equal(p[4999], 0);
	free(p);
	amp_random(a, sizeof(a));
	amp_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	before = amp_wall();
	amp_wall_set(before + 1000000000000u);
	now = amp_wall();
	assert_true(now >= before + 1000000000000u && now < before + 1010000000000u);
	amp_wall_set(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_transmit),
		cmocka_unit_test(test_cons_and_watch),
		cmocka_unit_test(test_console_that_nobody_reads),
		cmocka_unit_test(test_two_processes),
		cmocka_unit_test(test_offers),
	};
	int failed;

	snprintf(dir, sizeof(dir), "/tmp/libamp-unit-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path_a, sizeof(path_a), "%s/a", dir);
	snprintf(path_b, sizeof(path_b), "%s/b", dir);
	failed = cmocka_run_group_tests_name("libamp/host", tests, NULL, NULL);
	unlink(path_a);
	unlink(path_b);
	rmdir(dir);
	return failed;
}
