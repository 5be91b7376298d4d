/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * env_hostile.c - an environment that means harm: argv[1], or its own name, says which. It uses the library up to the start of main, then as it likes.
 *
 * Exit status TEST_DONE: it could go on, and what it tried had no effect that it could see. 1: it had one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "env_test.h"
#include "libamp/linux/linux.h"

static uint32_t *const both = (uint32_t *)TEST_BOTH_VA;

/* Whoever comes back from a call that ends it has found a hole. */
static int came_back(void)
{
	return 1;
}

/* ---- Linux ---- */

static int forks(void)
{
	syscall(SYS_fork);
	return came_back();
}

static int clones(void)
{
	syscall(SYS_clone3, NULL, 0);
	return came_back();
}

static int opens(void)
{
	open("/etc/passwd", O_RDONLY);
	return came_back();
}

static int sockets(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
	return came_back();
}

static int connects(void)
{
	syscall(SYS_connect, XL_FD, NULL, 0);
	return came_back();
}

static int traces(void)
{
	syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
	return came_back();
}

static int executes(void)
{
	(void)!mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	return came_back();
}

static int makes_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, 4096, PROT_READ | PROT_EXEC);
	return came_back();
}

static int execs(void)
{
	/* The way it became a program itself: the descriptor is closed, and its number is beyond the limit. */
	if (syscall(SYS_execveat, 240, "", NULL, NULL, AT_EMPTY_PATH) != -1 || errno != EBADF)
		return 1;
	syscall(SYS_execve, "/bin/sh", NULL, NULL);
	return came_back();
}

static int mounts(void)
{
	syscall(SYS_mount, "proc", "/", "proc", 0, NULL);
	return came_back();
}

static int truncates(void)
{
	syscall(SYS_ftruncate, linux_bell, 0);
	return came_back();
}

static int kills(void)
{
	syscall(SYS_kill, -1, 9);
	return came_back();
}

/* Takes pages of shared memory away from under the others, too. */
static int punches(void)
{
	madvise(linux_control, 4096, MADV_REMOVE);
	return came_back();
}

static int looks_around(void)
{
	static const int call[] = {SYS_openat,	   SYS_getdents64,     SYS_chdir, SYS_stat,
				   SYS_pidfd_open, SYS_io_uring_setup, SYS_bpf,	  SYS_unshare,
				   SYS_setns,	   SYS_memfd_create};

	syscall(call[*both % (sizeof(call) / sizeof(call[0]))], 0, "/", 0, 0, 0);
	return came_back();
}

static int old_numbers(void)
{
	/* The 32-bit system calls are another table: 5 is open there. */
	__asm__ volatile("int $0x80" : : "a"(5), "b"(0), "c"(0), "d"(0) : "memory");
	return came_back();
}

static int eats(void)
{
	size_t got = 0;

	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			return got < 256u << 20 ? TEST_DONE : 1;
		memset(p, 1, 1 << 20);
		got += 1 << 20;
	}
}

/* ---- memory ---- */

static int writes_readable(void)
{
	*(volatile uint32_t *)TEST_READABLE_VA = 1;
	return came_back();
}

static int writes_books(void)
{
	((volatile struct xok_info *)linux_info)->frames_free = 0;
	return came_back();
}

static int makes_books_writable(void)
{
	if (mprotect((void *)linux_info, 4096, PROT_READ | PROT_WRITE) == 0)
		return 1;
	return *(volatile uint32_t *)TEST_READABLE_VA == TEST_VALUE ? TEST_DONE : 1;
}

/* Everything it may write, as long as it may run. */
static int scribbles(void)
{
	uint32_t word;

	for (uint32_t n = 0; n < 200000; n++) {
		amp_random(&word, sizeof(word));
		((volatile uint32_t *)linux_control)[word % 1024] = word;
		both[(word >> 10) % 1024] = word;
	}
	memset(linux_control, 0xff, XOK_PAGE);
	*both = 1;
	return TEST_DONE;
}

static int loops(void)
{
	while (!((volatile uint32_t *)both)[5])
		;
	return came_back();
}

/* ---- the protocol ---- */

static void put(const void *buf, size_t len)
{
	send(XL_FD, buf, len, MSG_NOSIGNAL);
}

/* What breaks the protocol ends it soon, but perhaps not at once. */
static int wait_for_the_end(void)
{
	sleep(20);
	return came_back();
}

static int garbage(void)
{
	uint8_t buf[512];

	amp_random(buf, sizeof(buf));
	put(buf, sizeof(buf));
	return wait_for_the_end();
}

static int short_message(void)
{
	put("x", 1);
	return wait_for_the_end();
}

static int huge_message(void)
{
	static uint8_t buf[XL_REQUEST_MAX + 1];

	put(buf, sizeof(buf));
	return wait_for_the_end();
}

static int wrong_pieces(void)
{
	struct {
		struct xl_request r;
		struct xl_piece p;
	} m = {.r = {.nr = XOK_NR_cons_write, .npiece = 1, .arg = {0, 0, 64, 4096}},
	       .p = {.va = 64, .len = 4096, .flags = XL_READ}};

	put(&m, sizeof(m));
	return wait_for_the_end();
}

static int sends_descriptors(void)
{
	struct xl_request r = {.nr = XL_END};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&r, sizeof(r)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &linux_bell, sizeof(int));
	sendmsg(XL_FD, &msg, MSG_NOSIGNAL);
	return wait_for_the_end();
}

static int closes(void)
{
	close(XL_FD);
	return wait_for_the_end();
}

/* Requests as fast as they are taken; nobody reads the answers. */
static int reads_nothing(void)
{
	const struct xl_request r = {.nr = XOK_NR_env_sleep};

	for (;;)
		if (send(XL_FD, &r, sizeof(r), MSG_NOSIGNAL) < 0)
			return wait_for_the_end();
}

static int floods(void)
{
	for (uint32_t i = 0; i < 50000; i++)
		xok_env_sleep(0, 0);
	*both = 1;
	return TEST_DONE;
}

/*
 * For three seconds, requests that take as long as any can, and as many of them as the socket holds: each a batch of the most expensive changes
 * of a table of routes there are.
 */
#define HOG_CALLS 56u

static int hogs(void)
{
	static struct {
		struct xl_request r;
		struct xl_piece p[2];
		struct xok_call call[HOG_CALLS];
		struct xok_table_update update[2];
	} m = {.r = {.nr = XOK_NR_batch, .npiece = 2, .arg = {0x10000, HOG_CALLS}},
	       .p = {{0x10000, sizeof(m.call), XL_READ | XL_WRITE},
		     {0x20000, sizeof(m.update), XL_READ}}};
	const struct xok_table_spec spec = {.type = XOK_TABLE_LPM4, .entries = 8, .name = "hog"};
	static uint8_t answer[XL_ANSWER_MAX];
	int64_t id = amp_table_create(&spec);
	uint64_t end = amp_now() + 3000000000u;

	if (id < 0)
		return 1;
	for (uint32_t i = 0; i < 2; i++) {
		m.update[i] = (struct xok_table_update){.op = XOK_TABLE_SET, .number = i + 1};
		memcpy(m.update[i].key, &(struct xok_prefix4){.len = 1},
		       sizeof(struct xok_prefix4));
	}
	for (uint32_t i = 0; i < HOG_CALLS; i++)
		m.call[i] = (struct xok_call){
			.nr = XOK_NR_table_update,
			.arg = {CAP, (uint64_t)id, 0x20000 + i % 2 * sizeof(m.update[0])}};
	while (amp_now() < end) {
		send(XL_FD, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
		while (recv(XL_FD, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			;
	}
	_exit(TEST_DONE);
}

/* For three seconds, starts processes and ends them before they have begun. */
static int respawns(void)
{
	const char *const argv[] = {"hostile", "loops", NULL};
	const struct amp_spawn s = {
		.file = "hostile",
		.argv = argv,
		.frames = 8,
		.cap = {.valid = 1, .perms = XOK_PERM_ALL, .len = 2, .name = {7, 7}}};
	uint64_t end = amp_now() + 3000000000u;

	while (amp_now() < end) {
		int64_t id = amp_spawn(&s);

		if (id < 0)
			continue;
		amp_env_destroy((uint32_t)id); /* it ends, */
		amp_env_destroy((uint32_t)id); /* and its entry is free again */
	}
	return TEST_DONE;
}

static int second_hello(void)
{
	const uint64_t arg[3] = {0};

	return machine_call(XL_HELLO, arg, NULL, NULL) == XOK_EBUSY ? TEST_DONE : 1;
}

/* Well-formed requests with whatever arguments. */
static int random_calls(void)
{
	static struct request r;
	static uint8_t memory[4096];

	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t arg[6];
		uint8_t how;

		amp_random(arg, sizeof(arg));
		amp_random(memory, 256);
		amp_random(&how, 1);
		/* It goes on: what ends it by its own will is left out. */
		uint32_t nr = how & 1 ? XL_BASE + how % 8u : how % 40u;
		if (nr == XOK_NR_env_exit || nr == XOK_NR_env_destroy || nr == XOK_NR_env_strict ||
		    nr == XOK_NR_env_run)
			continue;
		r = (struct request){.head = {.nr = nr}};
		for (uint32_t j = 0; j < 6; j++)
			r.head.arg[j] = arg[j] % 3 == 0	  ? (uintptr_t)memory
					: arg[j] % 3 == 1 ? arg[j] % 64
							  : arg[j];
		request_add(&r, memory, 1 + arg[0] % sizeof(memory), 1 + arg[1] % 3);
		request_make(&r);
		for (uint32_t j = 0; j < r.nfd; j++)
			close(r.fd[j]);
	}
	return TEST_DONE;
}

/* ---- what is not its own ---- */

static int asks_for_more(void)
{
	const uint64_t frame[3] = {CAP, 5, XOK_PROT_R | XOK_PROT_W},
		       name[3] = {(uintptr_t) "node.conf", 9}, groups[3] = {1};
	const struct memory m = {"node.conf", 9, XL_READ};
	const struct xok_cap all = {.valid = 1, .perms = XOK_PERM_ALL};

	if (machine_call(XL_BOOT, name, &m, NULL) != XOK_EPERM ||
	    machine_call(XL_NETLINK, groups, NULL, NULL) != XOK_EPERM)
		return 1;
	/* Its parent's ring and table. */
	for (uint32_t f = 0; f < linux_info->nframe; f++) {
		const struct xok_frame_info *fi = books(linux_info->frame_off);
		const uint64_t arg[3] = {CAP, f, XOK_PROT_R};

		if ((fi[f].type == XOK_FRAME_RING || fi[f].type == XOK_FRAME_TABLE) &&
		    machine_call(XL_MAP, arg, NULL, NULL) >= 0)
			return 1;
	}
	if (machine_call(XL_MAP, frame, NULL, NULL) >= 0 ||
	    xok_cap_forge(CAP, 1, &all) != XOK_EPERM)
		return 1;
	return xok_env_destroy(CAP, amp_parent()) == XOK_EPERM && xok_power(CAP, 0, 0) == XOK_EPERM
		       ? TEST_DONE
		       : 1;
}

static int shares_much(void)
{
	uint64_t got = 0;

	for (uint32_t i = 0; i < 100; i++) {
		const uint64_t arg[3] = {1 << 20};

		got += machine_call(XL_SHARE, arg, NULL, NULL) >= 0;
	}
	return got <= 4 ? TEST_DONE : 1; /* its quota is 1024 frames */
}

static int notifies(void)
{
	return amp_env_notify(amp_parent(), TEST_EV) == XOK_OK ? TEST_DONE : 1;
}

static const struct {
	const char *name;
	int (*fn)(void);
} modes[] = {
#define MODE(fn)        \
	{               \
#fn, fn \
	}
	MODE(forks),
	MODE(clones),
	MODE(opens),
	MODE(sockets),
	MODE(connects),
	MODE(traces),
	MODE(executes),
	MODE(makes_executable),
	MODE(execs),
	MODE(mounts),
	MODE(truncates),
	MODE(kills),
	MODE(punches),
	MODE(looks_around),
	MODE(old_numbers),
	MODE(eats),
	MODE(writes_readable),
	MODE(writes_books),
	MODE(makes_books_writable),
	MODE(scribbles),
	MODE(loops),
	MODE(garbage),
	MODE(short_message),
	MODE(huge_message),
	MODE(wrong_pieces),
	MODE(sends_descriptors),
	MODE(closes),
	MODE(reads_nothing),
	MODE(floods),
	MODE(hogs),
	MODE(respawns),
	MODE(second_hello),
	MODE(random_calls),
	MODE(asks_for_more),
	MODE(shares_much),
	MODE(notifies),
#undef MODE
};

int main(int argc, char **argv)
{
	/* A domain's own name has no more than 15 characters. */
	const char *mode = argv[argc > 1 ? 1 : 0];
	size_t len = argc > 1 ? strlen(mode) + 1 : 15;

	for (uint32_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strncmp(mode, modes[i].name, len))
			return modes[i].fn();
	return 2;
}
