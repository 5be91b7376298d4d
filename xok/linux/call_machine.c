/* SPDX-License-Identifier: BSD-2-Clause */
/* call_machine.c - the machine's own requests (XL_...): descriptors of memory, programs, boot files, the host's routing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "envs.h"
#include "xok/sysnum.h"

#define NETLINK_BYTES \
	(4            \
	 << 20) /* of the socket's receive buffer: a routing daemon's whole table arrives at once */
#define SHARE_LIMIT (1ull << 47)
#define STARTS \
	4u /* processes not yet started, with which one has to wait that is not the root's child */

static int64_t out_of_descriptors(const struct process *p, const char *what)
{
	say_often("environment %s: %s: %s", p->e->info->name, what, strerror(errno));
	return XOK_ENOMEM;
}

/* Adds a descriptor to the answer, which closes it; false: there is none. */
static bool give(struct answer *a, int fd)
{
	if (fd < 0)
		return false;
	a->fd[a->nfd++] = fd;
	return true;
}

static bool give_copy(struct answer *a, int fd)
{
	return give(a, fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/* ---- hello ---- */

static int64_t hello(struct process *p, struct answer *a)
{
	struct xl_hello h = {
		.version = XL_VERSION,
		.env = p->id,
		.starts = p->starts,
		.info_bytes = (uint32_t)p->d->info_bytes,
	};
	const uint64_t *arg = p->d->envs->message.req.arg;
	int rc;

	if (p->greeted)
		return XOK_EBUSY;
	if (!give(a, arena_info_fd(p->d)) || !give_copy(a, p->control_fd) ||
	    !give_copy(a, p->bell.fd))
		return out_of_descriptors(p, "its first descriptors");
	for (uint32_t i = 0; i < XL_SHARES && p->given[i].fd >= 0; i++) {
		if (!give_copy(a, p->given[i].fd))
			return out_of_descriptors(p, "shared memory");
		h.share[h.nshare].at = p->given[i].at;
		h.share[h.nshare].len = p->given[i].len;
		h.share[h.nshare++].write = p->given[i].write;
	}
	rc = env_copyout(p->d, 0, arg[0], &h, sizeof(h));
	if (rc)
		return rc;
	p->greeted = true;
	shares_close(p->given);
	close(p->control_fd);
	p->control_fd = -1;
	return XOK_OK;
}

/* ---- memory ---- */

static int64_t map(struct process *p, const uint64_t arg[6], struct answer *a)
{
	uint32_t frame = (uint32_t)arg[1], prot = (uint32_t)arg[2], n;
	int rc;

	if (arg[0] >= XOK_NCAP || arg[1] > UINT32_MAX || !(prot & XOK_PROT_R) ||
	    arg[2] & ~(uint64_t)(XOK_PROT_R | XOK_PROT_W))
		return XOK_EINVAL;
	rc = xok_map_check(p->d->xok, p->e, (uint32_t)arg[0], frame, prot);
	if (rc)
		return rc;
	rc = arena_piece(p->d, frame, prot & XOK_PROT_W, &n);
	if (rc < 0)
		return rc;
	give(a, rc);
	return n;
}

/* What an environment makes is as much as its quota of frames at most: it is memory of the host's, beside the kernel's frames. */
static int64_t share(struct process *p, uint64_t bytes, struct answer *a)
{
	uint64_t left = (uint64_t)p->e->info->frames_quota * XOK_PAGE;
	uint32_t i = 0;
	int fd;

	if (!bytes || bytes > XL_SHARE_BYTES)
		return XOK_EINVAL;
	bytes = (bytes + XOK_PAGE - 1) & ~(uint64_t)(XOK_PAGE - 1);
	for (; i < XL_SHARES && p->made[i].fd >= 0; i++)
		left -= p->made[i].len < left ? p->made[i].len : left;
	if (i == XL_SHARES || bytes > left)
		return XOK_EQUOTA;
	fd = memory_new("share", bytes);
	if (fd < 0)
		return out_of_descriptors(p, "memory to share");
	if (!give_copy(a, fd)) {
		close(fd);
		return out_of_descriptors(p, "memory to share");
	}
	p->made[i] = (struct share){.fd = fd, .len = bytes, .write = true};
	return i;
}

/* ---- processes ---- */

/* argc strings, one behind the other, and nothing else. */
static bool arguments_ok(const struct xl_exec *x)
{
	uint32_t n = 0;

	if (!x->argc || x->argc > XL_ARGS || x->arg_bytes > XL_ARG_BYTES)
		return false;
	for (uint32_t i = 0; i < x->arg_bytes; i++)
		n += !x->arg[i];
	return n == x->argc && !x->arg[x->arg_bytes - 1];
}

static bool exec_ok(const struct process *p, const struct xl_exec *x)
{
	if (!plain_name(x->program, sizeof(x->program)) || !arguments_ok(x) ||
	    x->nshare > XL_SHARES)
		return false;
	for (uint32_t i = 0; i < x->nshare; i++) {
		uint64_t at = x->share[i].at;

		if (x->share[i].share >= XL_SHARES || p->made[x->share[i].share].fd < 0)
			return false;
		if (!at || at % XOK_PAGE || at >= SHARE_LIMIT || x->share[i].write > 1)
			return false;
	}
	return true;
}

/* Descriptors of the parent's memory for the child: each can do what the child may. */
static int hand_over(const struct process *parent, struct process *p, const struct xl_exec *x)
{
	for (uint32_t i = 0; i < x->nshare; i++) {
		const struct share *s = &parent->made[x->share[i].share];
		int fd = x->share[i].write ? fcntl(s->fd, F_DUPFD_CLOEXEC, 0)
					   : memory_reader(s->fd);

		if (fd < 0)
			return (int)out_of_descriptors(parent, "shared memory");
		p->given[i] = (struct share){
			.fd = fd,
			.at = x->share[i].at,
			.len = s->len,
			.write = x->share[i].write,
		};
	}
	return XOK_OK;
}

/* All that can fail comes before the kernel's own step, but for the spawner's death, with which xokd ends as well. */
static int64_t run(struct process *parent, struct process *p, uint64_t k, const struct xl_exec *x)
{
	const struct program what = {x->program, x->argc, x->arg_bytes, x->arg};
	const uint64_t arg[6] = {k, p->id, XOK_USER_LO, XOK_USER_LO};
	int64_t rc = XOK_EAGAIN;
	int program;

	if (parent->e->info->parent && p->d->envs->asked >= STARTS)
		return rc;
	rc = program = program_open(p->d, x->program);
	if (program < 0)
		return rc;
	rc = process_prepare(p);
	if (!rc) {
		rc = hand_over(parent, p, x);
		if (!rc)
			rc = xok_syscall(p->d->xok, parent->e, XOK_SYS_BASE + XOK_SYS_env_run, arg);
		if (!rc)
			rc = process_run(p, &what, program);
		if (rc)
			process_forget(p);
	}
	close(program);
	return rc;
}

static int64_t exec(struct process *parent, const uint64_t arg[6])
{
	struct xl_exec x;
	struct process *p;

	if (arg[0] >= XOK_NCAP || arg[1] > UINT32_MAX)
		return XOK_EINVAL;
	if (env_copyin(parent->d, 0, &x, arg[2], sizeof(x)))
		return XOK_EFAULT;
	if (!exec_ok(parent, &x))
		return XOK_EINVAL;
	p = process_of(parent->d, (uint32_t)arg[1]);
	if (!p)
		return XOK_ENOENT;
	return p->token || p == parent ? XOK_EBUSY : run(parent, p, arg[0], &x);
}

/* ---- what only the root environment is given ---- */

static int64_t boot_file(const struct process *p, const uint64_t arg[6], struct answer *a)
{
	const struct options *o = &p->d->opt;
	char name[XL_NAME] = "";
	uint64_t len = 0;
	int fd;

	if (p->e->info->parent)
		return XOK_EPERM;
	if (!arg[1] || arg[1] >= sizeof(name))
		return XOK_EINVAL;
	if (env_copyin(p->d, 0, name, arg[0], arg[1]))
		return XOK_EFAULT;
	for (uint32_t i = 0; i < o->nboot; i++) {
		if (strcmp(o->boot[i].name, name) != 0)
			continue;
		fd = memory_of_file(o->boot[i].path, &len);
		if (fd < 0)
			return fd;
		if (len)
			give(a, fd);
		else
			close(fd);
		return (int64_t)len;
	}
	return XOK_ENOENT;
}

static int64_t netlink(const struct process *p, uint64_t groups, struct answer *a)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK, .nl_groups = (uint32_t)groups};
	int bytes = NETLINK_BYTES, fd;

	if (p->e->info->parent || groups > UINT32_MAX)
		return p->e->info->parent ? XOK_EPERM : XOK_EINVAL;
	if (!p->d->opt.netlink)
		return XOK_ENOSYS;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return out_of_descriptors(p, "netlink");
	/* The forced size needs a privilege; the other one has a limit of the host's. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return out_of_descriptors(p, "netlink groups");
	}
	give(a, fd);
	return XOK_OK;
}

void call_machine(struct process *p, const struct message *m, struct answer *a)
{
	const uint64_t *arg = m->req.arg;

	switch (m->req.nr) {
	case XL_HELLO: a->result = hello(p, a); break;
	case XL_MAP: a->result = map(p, arg, a); break;
	case XL_SHARE: a->result = share(p, arg[0], a); break;
	case XL_EXEC: a->result = exec(p, arg); break;
	case XL_BOOT: a->result = boot_file(p, arg, a); break;
	case XL_NETLINK: a->result = netlink(p, arg[0], a); break;
	default: a->result = XOK_ENOSYS; break;
	}
	if (a->result >= 0)
		return;
	for (uint32_t i = 0; i < a->nfd; i++)
		close(a->fd[i]);
	a->nfd = 0;
}
